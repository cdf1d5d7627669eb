/*
 * Inside of the lab's C library: how a program reaches its engine. The same numbers stand in ../abi.ts.
 *
 * A call is written into `lab_control`, which lies in the program's own memory; `lab_trap` hands over to the engine and
 * comes back when the call has returned.
 */
#ifndef LAB_H
#define LAB_H

#include <stddef.h>
#include <stdint.h>

/* What a page of the address space is; written by the engine. */
enum lab_page { LAB_PLAIN = 0, LAB_UNMAPPED = 1, LAB_WINDOW = 2, LAB_READ_ONLY = 3 };

#define LAB_PAGE_SHIFT 12

/*
 * The lower end of the address space: the stack, and behind it what the engine and this library share; the linker is
 * told to begin behind that.
 */
#define LAB_STACK_END 0x800000
#define LAB_PAGES_AT LAB_STACK_END
#define LAB_CONTROL_AT 0x900000
#define LAB_ARGUMENTS_AT 0x901000
#define LAB_ARGUMENTS 0x20000

struct lab_exchange {
	int32_t state;           /* 0: the program runs; 1: a call waits for the engine */
	int32_t asleep;          /* the engine must be woken by a message */
	uint32_t posted;         /* bytes of a device write that stands in memory and is not delivered; 0: none */
	uint32_t attention;      /* the engine wants a call, so that it can hand over a signal */
	uint32_t posted_address;
	int32_t number;          /* of the call */
	int32_t deliver;         /* signal to handle now; 0: none */
	int32_t argc;
	int64_t arguments[6];
	int64_t result;
	uint32_t environment_at; /* envp; argv stands at LAB_ARGUMENTS_AT */
};

#define lab_control (*(struct lab_exchange *)LAB_CONTROL_AT)
/* An entry for each page there can be. */
#define lab_pages ((unsigned char *)LAB_PAGES_AT)

/* Numbers of x86-64's system calls. */
enum {
	SYS_read = 0, SYS_write = 1, SYS_open = 2, SYS_close = 3, SYS_stat = 4, SYS_fstat = 5, SYS_lstat = 6, SYS_poll = 7,
	SYS_lseek = 8, SYS_mmap = 9, SYS_mprotect = 10, SYS_munmap = 11, SYS_brk = 12, SYS_rt_sigaction = 13,
	SYS_rt_sigprocmask = 14, SYS_ioctl = 16, SYS_pread64 = 17, SYS_pwrite64 = 18, SYS_access = 21, SYS_select = 23,
	SYS_sched_yield = 24, SYS_dup = 32, SYS_dup2 = 33, SYS_pause = 34, SYS_nanosleep = 35, SYS_getpid = 39,
	SYS_uname = 63, SYS_kill = 62, SYS_fcntl = 72, SYS_ftruncate = 77, SYS_getcwd = 79, SYS_chdir = 80,
	SYS_rename = 82, SYS_mkdir = 83, SYS_rmdir = 84, SYS_unlink = 87, SYS_symlink = 88, SYS_readlink = 89,
	SYS_chmod = 90, SYS_chown = 92, SYS_getuid = 102, SYS_getgid = 104, SYS_setuid = 105, SYS_setgid = 106,
	SYS_getppid = 110, SYS_mlock = 149, SYS_munlock = 150, SYS_getdents64 = 217, SYS_clock_gettime = 228,
	SYS_exit_group = 231, SYS_epoll_wait = 232, SYS_epoll_ctl = 233, SYS_openat = 257, SYS_timerfd_create = 283,
	SYS_timerfd_settime = 286, SYS_timerfd_gettime = 287, SYS_eventfd2 = 290, SYS_epoll_create1 = 291, SYS_dup3 = 292,
	SYS_pipe2 = 293, SYS_prlimit64 = 302, SYS_getrandom = 318,
	/* The processor's own doings. */
	LAB_load = 1000, LAB_attend = 1001, LAB_fault = 1002, LAB_start = 1003, LAB_note = 1004, LAB_realpath = 1005
};

__attribute__((import_module("lab"), import_name("trap"))) void lab_trap(void);

/* A call as the kernel answers it: a negative errno where it failed. */
long long lab_call(int number, long long a, long long b, long long c, long long d, long long e, long long f);
/* The same as the C library answers it: -1 and errno. */
long long lab_system(int number, long long a, long long b, long long c, long long d, long long e, long long f);
void lab_set_errno(int number);
/* A line of the lab itself on standard error: what it cannot do. */
void lab_note(const char *text);

#define P(pointer) ((long long)(uintptr_t)(pointer))
#define CALL0(n) lab_system(n, 0, 0, 0, 0, 0, 0)
#define CALL1(n, a) lab_system(n, a, 0, 0, 0, 0, 0)
#define CALL2(n, a, b) lab_system(n, a, b, 0, 0, 0, 0)
#define CALL3(n, a, b, c) lab_system(n, a, b, c, 0, 0, 0)
#define CALL4(n, a, b, c, d) lab_system(n, a, b, c, d, 0, 0)
#define CALL6(n, a, b, c, d, e, f) lab_system(n, a, b, c, d, e, f)

#endif
