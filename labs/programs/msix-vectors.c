/*
 * MSI-X vector by vector: how many a function has, an eventfd for each, and who rings. Vectors are raised by hand
 * (VFIO_IRQ_SET_ACTION_TRIGGER without data), so any function with MSI-X will do.
 *
 *   cc msix-vectors.c -o msix-vectors && ./msix-vectors 0000:02:00.0
 */
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/vfio.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define MOST 8

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(1);
}

static int open_group(const char *device)
{
	char path[PATH_MAX], target[PATH_MAX];
	snprintf(path, sizeof path, "/sys/bus/pci/devices/%s/iommu_group", device);
	ssize_t length = readlink(path, target, sizeof target - 1);
	if (length < 0)
		die(path);
	target[length] = 0;
	snprintf(path, sizeof path, "/dev/vfio/%s", basename(target));
	int group = open(path, O_RDWR);
	if (group < 0)
		die(path);
	return group;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "0000:02:00.0";

	int container = open("/dev/vfio/vfio", O_RDWR);
	if (container < 0)
		die("/dev/vfio/vfio");
	int group = open_group(name);
	if (ioctl(group, VFIO_GROUP_SET_CONTAINER, &container) || ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		die("container");
	int device = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, name);
	if (device < 0)
		die("VFIO_GROUP_GET_DEVICE_FD");

	struct vfio_irq_info info = { .argsz = sizeof(info), .index = VFIO_PCI_MSIX_IRQ_INDEX };
	if (ioctl(device, VFIO_DEVICE_GET_IRQ_INFO, &info))
		die("VFIO_DEVICE_GET_IRQ_INFO");
	if (info.count == 0) {
		fprintf(stderr, "%s has no MSI-X\n", name);
		return 1;
	}
	unsigned count = info.count < MOST ? info.count : MOST;
	printf("%s has %u vectors; %u are used\n", name, info.count, count);

	/* An eventfd for each vector; epoll waits for all of them. */
	size_t size = sizeof(struct vfio_irq_set) + count * sizeof(int32_t);
	struct vfio_irq_set *set = calloc(1, size);
	int32_t *fds = (int32_t *)set->data;
	int events = epoll_create1(0);
	for (unsigned i = 0; i < count; i++) {
		fds[i] = eventfd(0, EFD_NONBLOCK);
		struct epoll_event event = { .events = EPOLLIN, .data.u32 = i };
		if (epoll_ctl(events, EPOLL_CTL_ADD, fds[i], &event))
			die("epoll_ctl");
	}
	set->argsz = size;
	set->flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER;
	set->index = VFIO_PCI_MSIX_IRQ_INDEX;
	set->count = count;
	if (ioctl(device, VFIO_DEVICE_SET_IRQS, set))
		die("VFIO_DEVICE_SET_IRQS");

	/* Ring every other vector, as the device would. */
	for (unsigned i = 0; i < count; i += 2) {
		struct vfio_irq_set ring = {
			.argsz = sizeof(ring),
			.flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER,
			.index = VFIO_PCI_MSIX_IRQ_INDEX,
			.start = i,
			.count = 1,
		};
		if (ioctl(device, VFIO_DEVICE_SET_IRQS, &ring))
			die("trigger");
	}

	struct epoll_event ready[MOST];
	int found = epoll_wait(events, ready, MOST, 1000);
	if (found < 0)
		die("epoll_wait");
	for (int i = 0; i < found; i++) {
		unsigned vector = ready[i].data.u32;
		uint64_t times;
		if (read(fds[vector], &times, sizeof times) != sizeof times)
			die("read");
		printf("vector %u: %llu\n", vector, (unsigned long long)times);
	}
	printf("%d vectors rang\n", found);
	return 0;
}
