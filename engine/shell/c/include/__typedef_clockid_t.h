/* In place of WASI's: a clock is a number, as on Linux. */
typedef int clockid_t;
