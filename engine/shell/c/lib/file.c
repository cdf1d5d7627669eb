/* Files: descriptors, paths, directories. */
#include "lab.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

int open(const char *path, int flags, ...) {
	unsigned mode = 0;
	if (flags & O_CREAT) {
		va_list list;
		va_start(list, flags);
		mode = va_arg(list, unsigned);
		va_end(list);
	}
	return CALL3(SYS_open, P(path), flags, mode);
}

int openat(int directory, const char *path, int flags, ...) {
	unsigned mode = 0;
	if (flags & O_CREAT) {
		va_list list;
		va_start(list, flags);
		mode = va_arg(list, unsigned);
		va_end(list);
	}
	return CALL4(SYS_openat, directory, P(path), flags, mode);
}

/* fopen's way in. */
int __wasilibc_open_nomode(const char *path, int flags) {
	return open(path, flags, 0666);
}

int creat(const char *path, mode_t mode) {
	return open(path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

int close(int fd) {
	return CALL1(SYS_close, fd);
}

ssize_t read(int fd, void *into, size_t size) {
	return CALL3(SYS_read, fd, P(into), size);
}

ssize_t write(int fd, const void *from, size_t size) {
	return CALL3(SYS_write, fd, P(from), size);
}

ssize_t pread(int fd, void *into, size_t size, off_t offset) {
	return CALL4(SYS_pread64, fd, P(into), size, offset);
}

ssize_t pwrite(int fd, const void *from, size_t size, off_t offset) {
	return CALL4(SYS_pwrite64, fd, P(from), size, offset);
}

/* Part by part, as long as each is complete; `seek` < 0: at the file's own position. */
static ssize_t vector(int fd, const struct iovec *parts, int count, off_t seek, int write) {
	ssize_t sum = 0;
	if (count < 0 || count > IOV_MAX) {
		errno = EINVAL;
		return -1;
	}
	for (int i = 0; i < count; i++) {
		if (parts[i].iov_len == 0) continue;
		ssize_t done = seek < 0 ? CALL3(write ? SYS_write : SYS_read, fd, P(parts[i].iov_base), parts[i].iov_len)
		                        : CALL4(write ? SYS_pwrite64 : SYS_pread64, fd, P(parts[i].iov_base), parts[i].iov_len,
		                                seek + sum);
		if (done < 0) return sum ? sum : -1;
		sum += done;
		if ((size_t)done < parts[i].iov_len) break;
	}
	return sum;
}

ssize_t readv(int fd, const struct iovec *parts, int count) {
	return vector(fd, parts, count, -1, 0);
}

/* One call where all fits into one, so that what stdio writes together arrives together. */
ssize_t writev(int fd, const struct iovec *parts, int count) {
	char together[4096];
	size_t sum = 0;
	for (int i = 0; i < count; i++) sum += parts[i].iov_len;
	if (count < 2 || sum > sizeof together) return vector(fd, parts, count, -1, 1);
	char *at = together;
	for (int i = 0; i < count; i++) {
		memcpy(at, parts[i].iov_base, parts[i].iov_len);
		at += parts[i].iov_len;
	}
	return write(fd, together, sum);
}

ssize_t preadv(int fd, const struct iovec *parts, int count, off_t offset) {
	return vector(fd, parts, count, offset, 0);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
	return vector(fd, parts, count, offset, 1);
}

off_t __lseek(int fd, off_t offset, int from) {
	return CALL3(SYS_lseek, fd, offset, from);
}

off_t(lseek)(int fd, off_t offset, int from) {
	return __lseek(fd, offset, from);
}

off_t __wasilibc_tell(int fd) {
	return __lseek(fd, 0, SEEK_CUR);
}

int ioctl(int fd, unsigned long request, ...) {
	va_list list;
	va_start(list, request);
	unsigned argument = va_arg(list, unsigned);
	va_end(list);
	return CALL3(SYS_ioctl, fd, request, argument);
}

int fcntl(int fd, int command, ...) {
	va_list list;
	va_start(list, command);
	unsigned argument = va_arg(list, unsigned);
	va_end(list);
	return CALL3(SYS_fcntl, fd, command, argument);
}

int dup(int fd) {
	return CALL1(SYS_dup, fd);
}

int dup2(int fd, int to) {
	return CALL2(SYS_dup2, fd, to);
}

int dup3(int fd, int to, int flags) {
	return CALL3(SYS_dup3, fd, to, flags);
}

int pipe2(int ends[2], int flags) {
	return CALL2(SYS_pipe2, P(ends), flags);
}

int pipe(int ends[2]) {
	return pipe2(ends, 0);
}

int fsync(int fd) {
	return fcntl(fd, F_GETFL) < 0 ? -1 : 0;
}

int fdatasync(int fd) {
	return fsync(fd);
}

int ftruncate(int fd, off_t length) {
	return CALL2(SYS_ftruncate, fd, length);
}

int __isatty(int fd) {
	struct winsize size;
	return ioctl(fd, TIOCGWINSZ, &size) == 0;
}

int isatty(int fd) {
	return __isatty(fd);
}

/* ---- paths */

int access(const char *path, int mode) {
	return CALL2(SYS_access, P(path), mode);
}

int faccessat(int directory, const char *path, int mode, int flags) {
	if (directory != AT_FDCWD && *path != '/') {
		errno = ENOSYS;
		return -1;
	}
	(void)flags;
	return access(path, mode);
}

int stat(const char *restrict path, struct stat *restrict into) {
	return CALL2(SYS_stat, P(path), P(into));
}

int lstat(const char *restrict path, struct stat *restrict into) {
	return CALL2(SYS_lstat, P(path), P(into));
}

int fstat(int fd, struct stat *into) {
	return CALL2(SYS_fstat, fd, P(into));
}

int fstatat(int directory, const char *restrict path, struct stat *restrict into, int flags) {
	if (directory != AT_FDCWD && *path != '/') {
		int fd = openat(directory, path, O_RDONLY | (flags & AT_SYMLINK_NOFOLLOW ? O_NOFOLLOW : 0));
		if (fd < 0) return -1;
		int result = fstat(fd, into);
		close(fd);
		return result;
	}
	return flags & AT_SYMLINK_NOFOLLOW ? lstat(path, into) : stat(path, into);
}

ssize_t readlink(const char *restrict path, char *restrict into, size_t size) {
	return CALL3(SYS_readlink, P(path), P(into), size);
}

char *realpath(const char *restrict path, char *restrict into) {
	char found[PATH_MAX];
	if (CALL3(LAB_realpath, P(path), P(found), sizeof found) < 0) return 0;
	return into ? strcpy(into, found) : strdup(found);
}

char *getcwd(char *into, size_t size) {
	char here[PATH_MAX];
	if (CALL2(SYS_getcwd, P(here), sizeof here) < 0) return 0;
	if (!into) return strdup(here);
	if (strlen(here) >= size) {
		errno = ERANGE;
		return 0;
	}
	return strcpy(into, here);
}

int chdir(const char *path) {
	return CALL1(SYS_chdir, P(path));
}

int unlink(const char *path) {
	return CALL1(SYS_unlink, P(path));
}

int rmdir(const char *path) {
	return CALL1(SYS_rmdir, P(path));
}

int remove(const char *path) {
	return unlink(path) == 0 || (errno == EISDIR && rmdir(path) == 0) ? 0 : -1;
}

int mkdir(const char *path, mode_t mode) {
	return CALL2(SYS_mkdir, P(path), mode);
}

int rename(const char *from, const char *to) {
	return CALL2(SYS_rename, P(from), P(to));
}

int symlink(const char *target, const char *path) {
	return CALL2(SYS_symlink, P(target), P(path));
}

int chmod(const char *path, mode_t mode) {
	return CALL2(SYS_chmod, P(path), mode);
}

int chown(const char *path, uid_t owner, gid_t group) {
	return CALL3(SYS_chown, P(path), (int)owner, (int)group);
}

/* ---- directories */

struct __dirstream {
	int fd;
	int at, end;
	char buffer[2048];
};

DIR *fdopendir(int fd) {
	DIR *directory = malloc(sizeof *directory);
	if (!directory) return 0;
	directory->fd = fd;
	directory->at = directory->end = 0;
	return directory;
}

DIR *opendir(const char *path) {
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? 0 : fdopendir(fd);
}

struct dirent *readdir(DIR *directory) {
	if (directory->at >= directory->end) {
		int got = CALL3(SYS_getdents64, directory->fd, P(directory->buffer), sizeof directory->buffer);
		if (got <= 0) return 0;
		directory->at = 0;
		directory->end = got;
	}
	struct dirent *entry = (void *)(directory->buffer + directory->at);
	directory->at += entry->d_reclen;
	return entry;
}

void rewinddir(DIR *directory) {
	lseek(directory->fd, 0, SEEK_SET);
	directory->at = directory->end = 0;
}

int closedir(DIR *directory) {
	int fd = directory->fd;
	free(directory);
	return close(fd);
}

int dirfd(DIR *directory) {
	return directory->fd;
}

int scandir(const char *path, struct dirent ***names, int (*filter)(const struct dirent *),
            int (*compare)(const struct dirent **, const struct dirent **)) {
	DIR *directory = opendir(path);
	if (!directory) return -1;
	struct dirent **list = 0, *entry;
	size_t count = 0, room = 0;
	while ((entry = readdir(directory))) {
		if (filter && !filter(entry)) continue;
		if (count == room) {
			struct dirent **larger = realloc(list, (room = room * 2 + 16) * sizeof *list);
			if (!larger) break;
			list = larger;
		}
		struct dirent *kept = malloc(entry->d_reclen);
		if (!kept) break;
		memcpy(kept, entry, entry->d_reclen);
		list[count++] = kept;
	}
	closedir(directory);
	if (compare && count) qsort(list, count, sizeof *list, (int (*)(const void *, const void *))compare);
	*names = list;
	return count;
}

int alphasort(const struct dirent **a, const struct dirent **b) {
	return strcmp((*a)->d_name, (*b)->d_name);
}
