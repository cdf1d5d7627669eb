#define _WASI_EMULATED_MMAN
#include_next <sys/mman.h>
