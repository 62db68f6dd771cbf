/* streams: standard input, output and error are there. Whoever starts a process may have closed
 * them: then the next file or socket takes the number, and gets what is printed. */
#ifndef EAR_BASE_STREAMS_H
#define EAR_BASE_STREAMS_H

/* First of all in main. What is closed stays useless: to read from it fails, and so does to write.
 */
void ear_streams_hold(void);

#endif
