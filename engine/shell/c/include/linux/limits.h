#ifndef _LINUX_LIMITS_H
#define _LINUX_LIMITS_H

#define NR_OPEN 1024
#define ARG_MAX 131072
#define NAME_MAX 255
#define PATH_MAX 4096
#define PIPE_BUF 4096

#endif
