#ifndef _SYS_SYSMACROS_H
#define _SYS_SYSMACROS_H

#define major(device) ((unsigned)(((device) >> 31 >> 1) & 0xfffff000) | (((unsigned)(device) >> 8) & 0x00000fff))
#define minor(device) ((unsigned)(((device) >> 12) & 0xffffff00) | ((unsigned)(device) & 0x000000ff))
#define makedev(major, minor) \
	((((major) & 0xfffff000ull) << 32) | (((major) & 0x00000fffull) << 8) | (((minor) & 0xffffff00ull) << 12) | \
	 ((minor) & 0x000000ffull))

#endif
