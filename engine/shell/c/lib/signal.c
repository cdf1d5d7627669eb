/*
 * Signals. The engine ends a program by a signal that it does not handle; a handled one is handed over when a call
 * returns, or at the program's next access to memory.
 */
#include "lab.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *lab_program_name(void);

static struct sigaction actions[_NSIG];

void lab_deliver(void) {
	int number;
	while ((number = lab_control.deliver) != 0) {
		int64_t result = lab_control.result;
		int kept = errno;
		struct sigaction action = actions[number & 63];
		lab_control.deliver = 0;
		if (action.sa_flags & SA_RESETHAND) {
			struct sigaction standard = {.sa_handler = SIG_DFL};
			sigaction(number, &standard, 0);
		}
		if (action.sa_flags & SA_SIGINFO) {
			siginfo_t info = {.si_signo = number, .si_code = SI_USER};
			action.sa_sigaction(number, &info, 0);
		} else if (action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN) {
			action.sa_handler(number);
		}
		/* The next one, if there is one, comes with this call's answer. */
		lab_call(LAB_attend, 1, 0, 0, 0, 0, 0);
		errno = kept;
		lab_control.result = result;
	}
}

int sigaction(int number, const struct sigaction *restrict to, struct sigaction *restrict before) {
	if (number < 1 || number >= _NSIG || (to && (number == SIGKILL || number == SIGSTOP))) {
		errno = EINVAL;
		return -1;
	}
	if (before) *before = actions[number];
	if (!to) return 0;
	actions[number] = *to;
	/* 0: the standard action; 1: ignored; 2: handled; 3: handled, and interrupted calls go on. */
	int kind = to->sa_handler == SIG_DFL ? 0 : to->sa_handler == SIG_IGN ? 1 : to->sa_flags & SA_RESTART ? 3 : 2;
	return CALL2(SYS_rt_sigaction, number, kind);
}

void (*signal(int number, void (*handler)(int)))(int) {
	struct sigaction to = {.sa_handler = handler, .sa_flags = SA_RESTART}, before;
	return sigaction(number, &to, &before) < 0 ? SIG_ERR : before.sa_handler;
}

int siginterrupt(int number, int on) {
	struct sigaction action;
	if (sigaction(number, 0, &action) < 0) return -1;
	action.sa_flags = on ? action.sa_flags & ~SA_RESTART : action.sa_flags | SA_RESTART;
	return sigaction(number, &action, 0);
}

int kill(pid_t pid, int number) {
	return CALL2(SYS_kill, pid, number);
}

int raise(int number) {
	return kill(getpid(), number);
}

int pause(void) {
	return CALL0(SYS_pause);
}

_Noreturn void abort(void) {
	signal(SIGABRT, SIG_DFL);
	raise(SIGABRT);
	_Exit(127);
}

_Noreturn void __assert_fail(const char *expression, const char *file, int line, const char *function) {
	fprintf(stderr, "%s: %s:%d: %s: Assertion `%s' failed.\n", lab_program_name(), file, line, function, expression);
	abort();
}

int sigemptyset(sigset_t *set) {
	memset(set, 0, sizeof *set);
	return 0;
}

int sigfillset(sigset_t *set) {
	memset(set, 0xff, sizeof *set);
	return 0;
}

static unsigned long bit(int number) {
	return 1ul << ((number - 1) % (8 * sizeof(long)));
}

static unsigned long *word(const sigset_t *set, int number) {
	if (number < 1 || number >= _NSIG) {
		errno = EINVAL;
		return 0;
	}
	return (unsigned long *)&set->__bits[(number - 1) / (8 * sizeof(long))];
}

int sigaddset(sigset_t *set, int number) {
	unsigned long *at = word(set, number);
	if (at) *at |= bit(number);
	return at ? 0 : -1;
}

int sigdelset(sigset_t *set, int number) {
	unsigned long *at = word(set, number);
	if (at) *at &= ~bit(number);
	return at ? 0 : -1;
}

int sigismember(const sigset_t *set, int number) {
	unsigned long *at = word(set, number);
	return at ? (*at & bit(number)) != 0 : -1;
}

int sigprocmask(int how, const sigset_t *restrict to, sigset_t *restrict before) {
	uint64_t wanted = to ? to->__bits[0] | (uint64_t)to->__bits[1] << 32 : 0, old = 0;
	if (CALL4(SYS_rt_sigprocmask, to ? how : -1, P(&wanted), P(&old), 0) < 0) return -1;
	if (before) {
		sigemptyset(before);
		before->__bits[0] = (unsigned long)old;
		before->__bits[1] = (unsigned long)(old >> 32);
	}
	return 0;
}
