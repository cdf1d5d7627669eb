/* Floods the kernel with calls that make no sense. */
#include <fcntl.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

int main(void)
{
	int container = open("/dev/vfio/vfio", O_RDWR);
	for (uint32_t n = 1;; n = n * 1664525 + 1013904223) {
		ioctl(container, 0x3b64 + (n >> 8) % 32, (void *)(uintptr_t)n);
		pread(n % 8, (void *)(uintptr_t)n, n >> 12, n);
		munmap((void *)(uintptr_t)(n & ~0xfffu), n >> 16);
		mmap((void *)(uintptr_t)n, n, n >> 3 & 7, n >> 6, container, n & 0xfff000);
	}
}
