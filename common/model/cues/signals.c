#include "model/cues/signals.h"

const char *ear_signal_name(ear_signal signal)
{
    static const char *const names[] = {
#define X(name, text) #name,
        EAR_SIGNAL_TABLE(X)
#undef X
    };
    return signal < EAR_SIGNAL_COUNT ? names[signal] : "?";
}
