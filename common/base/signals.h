/* signals: held back from a thread, and from those that it makes meanwhile. What comes goes to
 * another thread of the process, or waits where all hold it back. */
#ifndef EAR_BASE_SIGNALS_H
#define EAR_BASE_SIGNALS_H

#include <sys/select.h> /* sigset_t, without the many names of signal.h */

void ear_signals_hold(sigset_t *before);
void ear_signals_let(const sigset_t *before);

#endif
