#define _WASI_EMULATED_SIGNAL
#include_next <signal.h>
