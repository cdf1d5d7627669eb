#ifndef _SYS_TIMERFD_H
#define _SYS_TIMERFD_H

#include <fcntl.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TFD_NONBLOCK O_NONBLOCK
#define TFD_CLOEXEC O_CLOEXEC
#define TFD_TIMER_ABSTIME 1

int timerfd_create(int clock, int flags);
int timerfd_settime(int fd, int flags, const struct itimerspec *to, struct itimerspec *before);
int timerfd_gettime(int fd, struct itimerspec *into);

#ifdef __cplusplus
}
#endif

#endif
