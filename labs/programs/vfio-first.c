/*
 * The first steps with VFIO, as the kernel's documentation walks them: container, group, IOMMU, memory for DMA, device,
 * regions and interrupts.
 *
 *   cc vfio-first.c -o vfio-first && ./vfio-first 0000:01:00.0
 *
 * The function must be bound to vfio-pci (driverctl set-override 0000:01:00.0 vfio-pci).
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(1);
}

/* /sys says which group a function is in. */
static int group_of(const char *device)
{
	char path[PATH_MAX], target[PATH_MAX];
	snprintf(path, sizeof path, "/sys/bus/pci/devices/%s/iommu_group", device);
	ssize_t length = readlink(path, target, sizeof target - 1);
	if (length < 0)
		die(path);
	target[length] = 0;
	return atoi(basename(target));
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "0000:01:00.0";
	char path[64];

	/* A container holds groups that share an address space for DMA. */
	int container = open("/dev/vfio/vfio", O_RDWR);
	if (container < 0)
		die("/dev/vfio/vfio");
	if (ioctl(container, VFIO_GET_API_VERSION) != VFIO_API_VERSION) {
		fprintf(stderr, "unknown version of the interface\n");
		return 1;
	}
	if (!ioctl(container, VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU)) {
		fprintf(stderr, "this kernel has no type 1 IOMMU\n");
		return 1;
	}

	/* The group is the smallest thing that can be given away: all its functions must be free. */
	int number = group_of(name);
	snprintf(path, sizeof path, "/dev/vfio/%d", number);
	int group = open(path, O_RDWR);
	if (group < 0)
		die(path);
	struct vfio_group_status status = { .argsz = sizeof(status) };
	if (ioctl(group, VFIO_GROUP_GET_STATUS, &status))
		die("VFIO_GROUP_GET_STATUS");
	if (!(status.flags & VFIO_GROUP_FLAGS_VIABLE)) {
		fprintf(stderr, "group %d is not viable: some of its functions belong to host drivers\n", number);
		return 1;
	}
	printf("group %d is viable\n", number);
	if (ioctl(group, VFIO_GROUP_SET_CONTAINER, &container))
		die("VFIO_GROUP_SET_CONTAINER");
	if (ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		die("VFIO_SET_IOMMU");

	struct vfio_iommu_type1_info iommu = { .argsz = sizeof(iommu) };
	if (ioctl(container, VFIO_IOMMU_GET_INFO, &iommu))
		die("VFIO_IOMMU_GET_INFO");
	printf("page sizes of the IOMMU: 0x%" PRIx64 "\n", (uint64_t)iommu.iova_pgsizes);

	/* 1 MiB that the device sees at address 0. */
	struct vfio_iommu_type1_dma_map map = { .argsz = sizeof(map) };
	void *memory = mmap(NULL, 1024 * 1024, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		die("mmap");
	map.vaddr = (uintptr_t)memory;
	map.size = 1024 * 1024;
	map.iova = 0;
	map.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE;
	if (ioctl(container, VFIO_IOMMU_MAP_DMA, &map))
		die("VFIO_IOMMU_MAP_DMA");

	/* The device, with its regions and interrupts. */
	int device = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, name);
	if (device < 0)
		die("VFIO_GROUP_GET_DEVICE_FD");
	struct vfio_device_info info = { .argsz = sizeof(info) };
	if (ioctl(device, VFIO_DEVICE_GET_INFO, &info))
		die("VFIO_DEVICE_GET_INFO");
	printf("%s: %u regions, %u kinds of interrupts%s\n", name, info.num_regions, info.num_irqs,
	       info.flags & VFIO_DEVICE_FLAGS_RESET ? ", can be reset" : "");
	for (unsigned i = 0; i < info.num_regions; i++) {
		struct vfio_region_info region = { .argsz = sizeof(region), .index = i };
		if (ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &region) || !region.size)
			continue;
		printf("  region %u: 0x%" PRIx64 " bytes at 0x%" PRIx64 "%s\n", i, (uint64_t)region.size,
		       (uint64_t)region.offset, region.flags & VFIO_REGION_INFO_FLAG_MMAP ? ", can be mapped" : "");
	}
	for (unsigned i = 0; i < info.num_irqs; i++) {
		struct vfio_irq_info irq = { .argsz = sizeof(irq), .index = i };
		if (ioctl(device, VFIO_DEVICE_GET_IRQ_INFO, &irq) || !irq.count)
			continue;
		printf("  interrupts %u: %u\n", i, irq.count);
	}

	/* Config space is a region like the others. */
	struct vfio_region_info config = { .argsz = sizeof(config), .index = VFIO_PCI_CONFIG_REGION_INDEX };
	if (ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &config))
		die("VFIO_DEVICE_GET_REGION_INFO");
	uint16_t ids[2];
	if (pread(device, ids, sizeof ids, config.offset) != sizeof ids)
		die("pread");
	printf("vendor %04x device %04x\n", ids[0], ids[1]);

	if (info.flags & VFIO_DEVICE_FLAGS_RESET && ioctl(device, VFIO_DEVICE_RESET))
		die("VFIO_DEVICE_RESET");
	return 0;
}
