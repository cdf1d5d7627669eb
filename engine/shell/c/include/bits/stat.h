/* What stat gives. Field by field as on x86-64, each as wide as there. */
struct stat {
	dev_t st_dev;
	ino_t st_ino;
	unsigned long long st_nlink;
	mode_t st_mode;
	uid_t st_uid;
	gid_t st_gid;
	unsigned int __pad0;
	dev_t st_rdev;
	off_t st_size;
	long long st_blksize;
	blkcnt_t st_blocks;
	struct timespec st_atim;
	struct timespec st_mtim;
	struct timespec st_ctim;
};
