/*
 * Loads and stores. The compiler calls one of these before every access (its instrumentation for finding races, which
 * is here used to see accesses at all). A page that is a window on a device brings the register's value into memory
 * before a load; a store is delivered at the next access or call, when its value stands in memory.
 */
#include "lab.h"
#include <string.h>

/* `posted` and `attention` side by side: one look for both. */
static inline int wanted(void) {
	return *(volatile uint64_t *)&lab_control.posted != 0;
}

static void attend(void) {
	lab_call(LAB_attend, 0, 0, 0, 0, 0, 0);
}

static void special(uintptr_t at, unsigned width, int write) {
	unsigned char page = lab_pages[at >> LAB_PAGE_SHIFT];
	if (page == LAB_READ_ONLY && !write) return;
	if (page != LAB_WINDOW) {
		lab_call(LAB_fault, at, width, write, 0, 0, 0);
	} else if (write) {
		lab_control.posted_address = at;
		lab_control.posted = width;
	} else {
		lab_call(LAB_load, at, width, 0, 0, 0, 0);
	}
}

static inline void touch(const void *pointer, unsigned width, int write) {
	uintptr_t at = (uintptr_t)pointer;
	if (__builtin_expect(wanted(), 0)) attend();
	if (__builtin_expect(lab_pages[at >> LAB_PAGE_SHIFT] != LAB_PLAIN, 0)) special(at, width, write);
}

/* Two halves: there is no load of 16 bytes. */
static inline void touch_wide(const void *pointer, int write) {
	touch(pointer, 8, write);
	touch((const char *)pointer + 8, 8, write);
}

void __tsan_init(void) {}

#define ACCESS(name, width) \
	void __tsan_##name##read##width(void *p) { touch(p, width, 0); } \
	void __tsan_##name##write##width(void *p) { touch(p, width, 1); }
#define ACCESSES(name) \
	ACCESS(name, 1) ACCESS(name, 2) ACCESS(name, 4) ACCESS(name, 8) \
	void __tsan_##name##read16(void *p) { touch_wide(p, 0); } \
	void __tsan_##name##write16(void *p) { touch_wide(p, 1); }
ACCESSES()
ACCESSES(unaligned_)
ACCESSES(volatile_)
ACCESSES(unaligned_volatile_)

static inline int windowed(const void *from, size_t size) {
	if (size == 0) return 0;
	uintptr_t first = (uintptr_t)from >> LAB_PAGE_SHIFT, last = ((uintptr_t)from + size - 1) >> LAB_PAGE_SHIFT;
	for (uintptr_t page = first; page <= last; page++)
		if (lab_pages[page] != LAB_PLAIN) return 1;
	return 0;
}

/* Copies through windows go word by word where both ends are aligned, else byte by byte. */
static void copy(unsigned char *to, const unsigned char *from, size_t size) {
	while (size > 0) {
		unsigned width = (((uintptr_t)to | (uintptr_t)from) & 3) == 0 && size >= 4 ? 4 : 1;
		touch(from, width, 0);
		if (width == 4) {
			uint32_t value = *(const uint32_t *)from;
			touch(to, width, 1);
			*(volatile uint32_t *)to = value;
		} else {
			unsigned char value = *from;
			touch(to, width, 1);
			*(volatile unsigned char *)to = value;
		}
		to += width;
		from += width;
		size -= width;
	}
	if (wanted()) attend();
}

void *__tsan_memcpy(void *to, const void *from, size_t size) {
	if (wanted()) attend();
	if (windowed(to, size) || windowed(from, size)) copy(to, from, size);
	else __builtin_memcpy(to, from, size);
	return to;
}

void *__tsan_memmove(void *to, const void *from, size_t size) {
	if (wanted()) attend();
	if (windowed(to, size) || windowed(from, size)) copy(to, from, size);
	else __builtin_memmove(to, from, size);
	return to;
}

void *__tsan_memset(void *to, int value, size_t size) {
	if (wanted()) attend();
	if (!windowed(to, size)) return __builtin_memset(to, value, size);
	unsigned char *at = to;
	uint32_t word = (unsigned char)value * 0x01010101u;
	while (size > 0) {
		unsigned width = ((uintptr_t)at & 3) == 0 && size >= 4 ? 4 : 1;
		touch(at, width, 1);
		if (width == 4) *(volatile uint32_t *)at = word;
		else *(volatile unsigned char *)at = (unsigned char)value;
		at += width;
		size -= width;
	}
	if (wanted()) attend();
	return to;
}
