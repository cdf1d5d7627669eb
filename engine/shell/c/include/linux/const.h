/* Constants that C and assembler share. */
#ifndef _LINUX_CONST_H
#define _LINUX_CONST_H

#define __AC(value, suffix) (value##suffix)
#define _AC(value, suffix) __AC(value, suffix)
#define _AT(type, value) ((type)(value))

#define _UL(value) (_AC(value, UL))
#define _ULL(value) (_AC(value, ULL))

#define _BITUL(n) (_UL(1) << (n))
#define _BITULL(n) (_ULL(1) << (n))

#define __ALIGN_KERNEL_MASK(value, mask) (((value) + (mask)) & ~(mask))
#define __ALIGN_KERNEL(value, size) __ALIGN_KERNEL_MASK(value, (__typeof__(value))(size) - 1)
#define __KERNEL_DIV_ROUND_UP(n, by) (((n) + (by) - 1) / (by))

#endif
