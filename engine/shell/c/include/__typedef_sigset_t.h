/* In place of WASI's: a set of 1024 signals, as on Linux. */
typedef struct {
	unsigned long __bits[128 / sizeof(long)];
} sigset_t;
