/* Calls that wait: time, poll, select, epoll, eventfd, timers. */
#include "lab.h"
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *into) {
	return CALL2(SYS_clock_gettime, clock, P(into));
}

int __clock_gettime(clockid_t clock, struct timespec *into) {
	return clock_gettime(clock, into);
}

int clock_getres(clockid_t clock, struct timespec *into) {
	(void)clock;
	if (into) *into = (struct timespec){.tv_nsec = 1};
	return 0;
}

time_t time(time_t *into) {
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	if (into) *into = now.tv_sec;
	return now.tv_sec;
}

int gettimeofday(struct timeval *restrict into, void *restrict zone) {
	struct timespec now;
	(void)zone;
	clock_gettime(CLOCK_REALTIME, &now);
	*into = (struct timeval){.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
	return 0;
}

clock_t clock(void) {
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return now.tv_sec * CLOCKS_PER_SEC + now.tv_nsec / (1000000000 / CLOCKS_PER_SEC);
}

int nanosleep(const struct timespec *span, struct timespec *left) {
	return CALL2(SYS_nanosleep, P(span), P(left));
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *span, struct timespec *left) {
	struct timespec now, rest = *span;
	if (flags & TIMER_ABSTIME) {
		clock_gettime(clock, &now);
		rest.tv_sec -= now.tv_sec;
		rest.tv_nsec -= now.tv_nsec;
		if (rest.tv_nsec < 0) {
			rest.tv_nsec += 1000000000;
			rest.tv_sec--;
		}
		if (rest.tv_sec < 0) return 0;
	}
	long long result = lab_call(SYS_nanosleep, P(&rest), P(flags & TIMER_ABSTIME ? 0 : left), 0, 0, 0, 0);
	return (int)-result;
}

unsigned sleep(unsigned seconds) {
	struct timespec span = {.tv_sec = seconds}, left = {0};
	return nanosleep(&span, &left) == 0 ? 0 : left.tv_sec + (left.tv_nsec > 0);
}

int usleep(unsigned microseconds) {
	struct timespec span = {.tv_sec = microseconds / 1000000, .tv_nsec = microseconds % 1000000 * 1000};
	return nanosleep(&span, 0);
}

int poll(struct pollfd *list, nfds_t count, int milliseconds) {
	return CALL3(SYS_poll, P(list), count, milliseconds);
}

static int milliseconds_of(const struct timespec *span) {
	if (!span) return -1;
	long long ms = span->tv_sec * 1000ll + (span->tv_nsec + 999999) / 1000000;
	return ms > 0x7fffffff ? 0x7fffffff : ms;
}

int ppoll(struct pollfd *list, nfds_t count, const struct timespec *span, const sigset_t *mask) {
	(void)mask;
	return poll(list, count, milliseconds_of(span));
}

int pselect(int count, fd_set *restrict in, fd_set *restrict out, fd_set *restrict other,
            const struct timespec *restrict span, const sigset_t *restrict mask) {
	struct pollfd list[FD_SETSIZE];
	int used = 0, ready = 0;
	(void)mask;
	if (count < 0 || count > FD_SETSIZE) {
		errno = EINVAL;
		return -1;
	}
	for (int fd = 0; fd < count; fd++) {
		short events = (in && FD_ISSET(fd, in) ? POLLIN : 0) | (out && FD_ISSET(fd, out) ? POLLOUT : 0) |
		               (other && FD_ISSET(fd, other) ? POLLPRI : 0);
		if (events) list[used++] = (struct pollfd){.fd = fd, .events = events};
	}
	if (poll(list, used, milliseconds_of(span)) < 0) return -1;
	for (int i = 0; i < used; i++) {
		if (list[i].revents & POLLNVAL) {
			errno = EBADF;
			return -1;
		}
	}
	if (in) FD_ZERO(in);
	if (out) FD_ZERO(out);
	if (other) FD_ZERO(other);
	for (int i = 0; i < used; i++) {
		int fd = list[i].fd, events = list[i].events, got = list[i].revents;
		if (in && events & POLLIN && got & (POLLIN | POLLHUP | POLLERR)) FD_SET(fd, in), ready++;
		if (out && events & POLLOUT && got & (POLLOUT | POLLERR)) FD_SET(fd, out), ready++;
		if (other && events & POLLPRI && got & POLLPRI) FD_SET(fd, other), ready++;
	}
	return ready;
}

int select(int count, fd_set *restrict in, fd_set *restrict out, fd_set *restrict other, struct timeval *restrict span) {
	struct timespec exact;
	if (span) exact = (struct timespec){.tv_sec = span->tv_sec, .tv_nsec = span->tv_usec * 1000};
	return pselect(count, in, out, other, span ? &exact : 0, 0);
}

int epoll_create1(int flags) {
	return CALL1(SYS_epoll_create1, flags);
}

int epoll_create(int size) {
	if (size > 0) return epoll_create1(0);
	errno = EINVAL;
	return -1;
}

int epoll_ctl(int set, int operation, int fd, struct epoll_event *event) {
	return CALL4(SYS_epoll_ctl, set, operation, fd, P(event));
}

int epoll_wait(int set, struct epoll_event *events, int room, int milliseconds) {
	return CALL4(SYS_epoll_wait, set, P(events), room, milliseconds);
}

int epoll_pwait(int set, struct epoll_event *events, int room, int milliseconds, const sigset_t *mask) {
	(void)mask;
	return epoll_wait(set, events, room, milliseconds);
}

int eventfd(unsigned initial, int flags) {
	return CALL2(SYS_eventfd2, initial, flags);
}

int eventfd_read(int fd, eventfd_t *value) {
	return read(fd, value, sizeof *value) == sizeof *value ? 0 : -1;
}

int eventfd_write(int fd, eventfd_t value) {
	return write(fd, &value, sizeof value) == sizeof value ? 0 : -1;
}

int timerfd_create(int clock, int flags) {
	return CALL2(SYS_timerfd_create, clock, flags);
}

int timerfd_settime(int fd, int flags, const struct itimerspec *to, struct itimerspec *before) {
	return CALL4(SYS_timerfd_settime, fd, flags, P(to), P(before));
}

int timerfd_gettime(int fd, struct itimerspec *into) {
	return CALL2(SYS_timerfd_gettime, fd, P(into));
}
