/* The process: identity, limits, the machine it runs on; and what a program of the lab cannot do. */
#include "lab.h"
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <sched.h>
#include <unistd.h>

char *lab_program_name(void) {
	char **argv = (char **)LAB_ARGUMENTS_AT;
	if (lab_control.argc < 1) return (char *)"";
	char *slash = strrchr(argv[0], '/');
	return slash ? slash + 1 : argv[0];
}

pid_t getpid(void) {
	return CALL0(SYS_getpid);
}

pid_t getppid(void) {
	return CALL0(SYS_getppid);
}

pid_t gettid(void) {
	return getpid();
}

uid_t getuid(void) {
	return CALL0(SYS_getuid);
}

uid_t geteuid(void) {
	return getuid();
}

gid_t getgid(void) {
	return CALL0(SYS_getgid);
}

gid_t getegid(void) {
	return getgid();
}

int setuid(uid_t uid) {
	return CALL1(SYS_setuid, uid);
}

int setgid(gid_t gid) {
	return CALL1(SYS_setgid, gid);
}

int getrlimit(int resource, struct rlimit *into) {
	return CALL4(SYS_prlimit64, 0, resource, 0, P(into));
}

int setrlimit(int resource, const struct rlimit *to) {
	return CALL4(SYS_prlimit64, 0, resource, P(to), 0);
}

int prlimit(pid_t pid, int resource, const struct rlimit *to, struct rlimit *before) {
	return CALL4(SYS_prlimit64, pid, resource, P(to), P(before));
}

int getrusage(int who, struct rusage *into) {
	(void)who;
	memset(into, 0, sizeof *into);
	return 0;
}

int uname(struct utsname *into) {
	return CALL1(SYS_uname, P(into));
}

int gethostname(char *into, size_t size) {
	struct utsname names;
	if (uname(&names) < 0) return -1;
	snprintf(into, size, "%s", names.nodename);
	return 0;
}

long sysconf(int name) {
	struct rlimit limit;
	switch (name) {
	case _SC_PAGESIZE: return 4096;
	case _SC_NPROCESSORS_CONF:
	case _SC_NPROCESSORS_ONLN: return 1;
	case _SC_OPEN_MAX: return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? (long)limit.rlim_cur : 1024;
	case _SC_CLK_TCK: return 100;
	case _SC_ARG_MAX: return LAB_ARGUMENTS;
	case _SC_IOV_MAX: return 1024;
	default:
		errno = EINVAL;
		return -1;
	}
}

int sched_yield(void) {
	return CALL0(SYS_sched_yield);
}

ssize_t getrandom(void *into, size_t size, unsigned flags) {
	return CALL3(SYS_getrandom, P(into), size, flags);
}

int getentropy(void *into, size_t size) {
	return getrandom(into, size, 0) == (ssize_t)size ? 0 : -1;
}

/* ---- one process, no more */

static int missing(const char *note) {
	lab_note(note);
	errno = ENOSYS;
	return -1;
}

pid_t fork(void) {
	return missing("fork: a program of the lab is one process");
}

pid_t vfork(void) {
	return fork();
}

/* Takes the place of the C library's, whose number for it is not Linux's. The call returns its error. */
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument) {
	(void)thread, (void)attributes, (void)start, (void)argument;
	missing("pthread_create: a program of the lab is one thread");
	return errno;
}

int execve(const char *path, char *const argv[], char *const environment[]) {
	(void)path, (void)argv, (void)environment;
	return missing("exec: a program of the lab cannot become another one");
}

int execv(const char *path, char *const argv[]) {
	return execve(path, argv, 0);
}

int execvp(const char *path, char *const argv[]) {
	return execve(path, argv, 0);
}

int execl(const char *path, const char *first, ...) {
	(void)first;
	return execve(path, 0, 0);
}

int execlp(const char *path, const char *first, ...) {
	(void)first;
	return execve(path, 0, 0);
}

int system(const char *command) {
	if (!command) return 0;
	return missing("system: a program of the lab cannot start others; run them in the shell");
}

FILE *popen(const char *command, const char *mode) {
	(void)command, (void)mode;
	missing("popen: a program of the lab cannot start others; use a pipe of the shell");
	return 0;
}

int pclose(FILE *file) {
	return fclose(file);
}

pid_t waitpid(pid_t pid, int *status, int options) {
	(void)pid, (void)status, (void)options;
	errno = ECHILD;
	return -1;
}

pid_t wait(int *status) {
	return waitpid(-1, status, 0);
}

/* ---- err.h */

static void tell(int with, const char *format, va_list list) {
	const int number = errno;
	fprintf(stderr, "%s: ", lab_program_name());
	if (format) vfprintf(stderr, format, list);
	if (with) fprintf(stderr, "%s%s", format ? ": " : "", strerror(number));
	fputc('\n', stderr);
}

void vwarn(const char *format, va_list list) {
	tell(1, format, list);
}

void vwarnx(const char *format, va_list list) {
	tell(0, format, list);
}

_Noreturn void verr(int status, const char *format, va_list list) {
	tell(1, format, list);
	exit(status);
}

_Noreturn void verrx(int status, const char *format, va_list list) {
	tell(0, format, list);
	exit(status);
}

void warn(const char *format, ...) {
	va_list list;
	va_start(list, format);
	vwarn(format, list);
	va_end(list);
}

void warnx(const char *format, ...) {
	va_list list;
	va_start(list, format);
	vwarnx(format, list);
	va_end(list);
}

_Noreturn void err(int status, const char *format, ...) {
	va_list list;
	va_start(list, format);
	verr(status, format, list);
}

_Noreturn void errx(int status, const char *format, ...) {
	va_list list;
	va_start(list, format);
	verrx(status, format, list);
}
