/*
 * errno with Linux's numbers. Functions of the underlying C library set its own variable with the numbers of WASI; a
 * look at errno translates them. Texts are those of glibc.
 */
#include "lab.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The underlying library's variable. */
extern int underlying __asm__("errno");
static int value;

/* Set in `underlying` beside a Linux number, so that printf's %m finds it. */
#define OWN 0x1000

static const unsigned char of_wasi[] = {
	0, E2BIG, EACCES, EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT, EAGAIN, EALREADY, EBADF, EBADMSG, EBUSY, ECANCELED,
	ECHILD, ECONNABORTED, ECONNREFUSED, ECONNRESET, EDEADLK, EDESTADDRREQ, EDOM, EDQUOT, EEXIST, EFAULT, EFBIG,
	EHOSTUNREACH, EIDRM, EILSEQ, EINPROGRESS, EINTR, EINVAL, EIO, EISCONN, EISDIR, ELOOP, EMFILE, EMLINK, EMSGSIZE,
	EMULTIHOP, ENAMETOOLONG, ENETDOWN, ENETRESET, ENETUNREACH, ENFILE, ENOBUFS, ENODEV, ENOENT, ENOEXEC, ENOLCK,
	ENOLINK, ENOMEM, ENOMSG, ENOPROTOOPT, ENOSPC, ENOSYS, ENOTCONN, ENOTDIR, ENOTEMPTY, ENOTRECOVERABLE, ENOTSOCK,
	EOPNOTSUPP, ENOTTY, ENXIO, EOVERFLOW, EOWNERDEAD, EPERM, EPIPE, EPROTO, EPROTONOSUPPORT, EPROTOTYPE, ERANGE, EROFS,
	ESPIPE, ESRCH, ESTALE, ETIMEDOUT, ETXTBSY, EXDEV, EPERM,
};

void lab_set_errno(int number) {
	value = number;
	underlying = OWN + number;
}

int *__errno_location(void) {
	if (underlying > 0 && underlying < (int)sizeof of_wasi) lab_set_errno(of_wasi[underlying]);
	return &value;
}

static const char *text_of(int number) {
	switch (number) {
#define TEXT(name, text) case name: return text;
#include "errno-texts.h"
#undef TEXT
	default: return 0;
	}
}

char *strerror(int number) {
	static char unknown[40];
	if (number >= OWN) number -= OWN;
	const char *text = text_of(number);
	if (text) return (char *)text;
	snprintf(unknown, sizeof unknown, "Unknown error %d", number);
	return unknown;
}

int __xpg_strerror_r(int number, char *into, size_t size) {
	return snprintf(into, size, "%s", strerror(number)) < (int)size ? 0 : ERANGE;
}

int strerror_r(int number, char *into, size_t size) {
	return __xpg_strerror_r(number, into, size);
}

void perror(const char *what) {
	const char *text = strerror(errno);
	if (what && *what) fprintf(stderr, "%s: %s\n", what, text);
	else fprintf(stderr, "%s\n", text);
}
