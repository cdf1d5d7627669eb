/*
 * The newer way: a function by its own node below /dev/vfio/devices, bound to an iommufd, which keeps the address space.
 * Needs a kernel with VFIO_DEVICE_CDEV and iommufd.
 *
 *   cc iommufd-cdev.c -o iommufd-cdev && ./iommufd-cdev 0000:01:00.0
 */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/iommufd.h>
#include <linux/vfio.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef VFIO_DEVICE_BIND_IOMMUFD
#error "These kernel headers are older than Linux 6.6: they have no VFIO_DEVICE_BIND_IOMMUFD."
#endif

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(1);
}

/* /sys tells the node's name. */
static int open_device(const char *name)
{
	char path[PATH_MAX];
	snprintf(path, sizeof path, "/sys/bus/pci/devices/%s/vfio-dev", name);
	DIR *directory = opendir(path);
	if (!directory)
		die(path);
	struct dirent *entry;
	while ((entry = readdir(directory)))
		if (strncmp(entry->d_name, "vfio", 4) == 0)
			break;
	if (!entry) {
		fprintf(stderr, "%s is not bound to vfio-pci\n", name);
		exit(1);
	}
	snprintf(path, sizeof path, "/dev/vfio/devices/%s", entry->d_name);
	closedir(directory);
	printf("%s is %s\n", name, path);
	int device = open(path, O_RDWR);
	if (device < 0)
		die(path);
	return device;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "0000:01:00.0";

	int device = open_device(name);
	int iommu = open("/dev/iommu", O_RDWR);
	if (iommu < 0)
		die("/dev/iommu");

	struct vfio_device_bind_iommufd bind = { .argsz = sizeof(bind), .iommufd = iommu };
	if (ioctl(device, VFIO_DEVICE_BIND_IOMMUFD, &bind))
		die("VFIO_DEVICE_BIND_IOMMUFD");
	struct iommu_ioas_alloc ioas = { .size = sizeof(ioas) };
	if (ioctl(iommu, IOMMU_IOAS_ALLOC, &ioas))
		die("IOMMU_IOAS_ALLOC");
	struct vfio_device_attach_iommufd_pt attach = { .argsz = sizeof(attach), .pt_id = ioas.out_ioas_id };
	if (ioctl(device, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach))
		die("VFIO_DEVICE_ATTACH_IOMMUFD_PT");
	printf("device %u, address space %u, page table %u\n", bind.out_devid, ioas.out_ioas_id, attach.pt_id);

	/* The kernel chooses the device's address. */
	void *memory = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		die("mmap");
	struct iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = IOMMU_IOAS_MAP_READABLE | IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = ioas.out_ioas_id,
		.user_va = (uintptr_t)memory,
		.length = 1 << 20,
	};
	if (ioctl(iommu, IOMMU_IOAS_MAP, &map))
		die("IOMMU_IOAS_MAP");
	printf("1 MiB at device address 0x%" PRIx64 "\n", (uint64_t)map.iova);

	struct vfio_device_info info = { .argsz = sizeof(info) };
	if (ioctl(device, VFIO_DEVICE_GET_INFO, &info))
		die("VFIO_DEVICE_GET_INFO");
	printf("%u regions, %u kinds of interrupts\n", info.num_regions, info.num_irqs);

	struct iommu_ioas_unmap unmap = {
		.size = sizeof(unmap),
		.ioas_id = ioas.out_ioas_id,
		.iova = map.iova,
		.length = map.length,
	};
	if (ioctl(iommu, IOMMU_IOAS_UNMAP, &unmap))
		die("IOMMU_IOAS_UNMAP");
	printf("unmapped %" PRIu64 " bytes\n", (uint64_t)unmap.length);
	return 0;
}
