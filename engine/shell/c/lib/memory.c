/* Address space. */
#include "lab.h"
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

void *mmap(void *at, size_t length, int protection, int flags, int fd, off_t offset) {
	long long result = CALL6(SYS_mmap, P(at), length, protection, flags, fd, offset);
	return result == -1 ? MAP_FAILED : (void *)(uintptr_t)result;
}

int munmap(void *at, size_t length) {
	return CALL2(SYS_munmap, P(at), length);
}

int mprotect(void *at, size_t length, int protection) {
	return CALL3(SYS_mprotect, P(at), length, protection);
}

int mlock(const void *at, size_t length) {
	return CALL2(SYS_mlock, P(at), length);
}

int munlock(const void *at, size_t length) {
	return CALL2(SYS_munlock, P(at), length);
}

int madvise(void *at, size_t length, int advice) {
	(void)at, (void)length, (void)advice;
	return 0;
}

int posix_madvise(void *at, size_t length, int advice) {
	return madvise(at, length, advice);
}

int msync(void *at, size_t length, int flags) {
	(void)at, (void)length, (void)flags;
	return 0;
}

int mlockall(int flags) {
	(void)flags;
	errno = ENOSYS;
	lab_note("mlockall: the lab has mlock only");
	return -1;
}

/* malloc's source of memory, in steps of 64 KiB. */
void *sbrk(intptr_t increment) {
	long long before = CALL1(SYS_brk, increment);
	return before == -1 ? (void *)-1 : (void *)(uintptr_t)before;
}

void *valloc(size_t size) {
	void *at;
	return posix_memalign(&at, 4096, size) == 0 ? at : 0;
}

void *memalign(size_t alignment, size_t size) {
	void *at;
	int error = posix_memalign(&at, alignment < sizeof(void *) ? sizeof(void *) : alignment, size);
	if (error == 0) return at;
	errno = ENOMEM;
	return 0;
}

int getpagesize(void) {
	return 4096;
}
