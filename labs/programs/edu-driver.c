/*
 * A driver in user space for QEMU's educational device (1234:11e8): registers, an interrupt by MSI, DMA both ways.
 *
 *   cc edu-driver.c -o edu-driver && ./edu-driver 0000:01:00.0
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

/* Registers of BAR 0, in bytes. */
enum {
	EDU_ID = 0x00,
	EDU_LIVENESS = 0x04,
	EDU_FACTORIAL = 0x08,
	EDU_STATUS = 0x20,
	EDU_IRQ_STATUS = 0x24,
	EDU_IRQ_ACK = 0x64,
	EDU_DMA_SOURCE = 0x80,
	EDU_DMA_DESTINATION = 0x88,
	EDU_DMA_COUNT = 0x90,
	EDU_DMA_COMMAND = 0x98,
};
#define EDU_STATUS_IRQ 0x80 /* raise an interrupt when the factorial is done */
#define EDU_DMA_RUN 1
#define EDU_DMA_TO_MEMORY 2
#define EDU_DMA_IRQ 4
#define EDU_BUFFER 0x40000 /* the device's own memory, for DMA */

static volatile uint8_t *bar;
static int interrupt;

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(1);
}

static uint32_t read32(unsigned offset)
{
	return *(volatile uint32_t *)(bar + offset);
}

static void write32(unsigned offset, uint32_t value)
{
	*(volatile uint32_t *)(bar + offset) = value;
}

static void write64(unsigned offset, uint64_t value)
{
	*(volatile uint64_t *)(bar + offset) = value;
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

/* Waits for the next interrupt, and tells the device that it has come. */
static void wait_interrupt(const char *what)
{
	uint64_t count;
	if (read(interrupt, &count, sizeof count) != sizeof count)
		die("read of the eventfd");
	uint32_t status = read32(EDU_IRQ_STATUS);
	write32(EDU_IRQ_ACK, status);
	printf("%s: interrupt, status 0x%x\n", what, status);
}

static void transfer(uint64_t from, uint64_t to, uint64_t count, uint64_t direction, const char *what)
{
	write64(EDU_DMA_SOURCE, from);
	write64(EDU_DMA_DESTINATION, to);
	write64(EDU_DMA_COUNT, count);
	write64(EDU_DMA_COMMAND, EDU_DMA_RUN | EDU_DMA_IRQ | direction);
	wait_interrupt(what);
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "0000:01:00.0";

	int container = open("/dev/vfio/vfio", O_RDWR);
	if (container < 0)
		die("/dev/vfio/vfio");
	int group = open_group(name);
	if (ioctl(group, VFIO_GROUP_SET_CONTAINER, &container))
		die("VFIO_GROUP_SET_CONTAINER");
	if (ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		die("VFIO_SET_IOMMU");
	int device = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, name);
	if (device < 0)
		die("VFIO_GROUP_GET_DEVICE_FD");

	/* Registers: BAR 0 as memory of this process. */
	struct vfio_region_info region = { .argsz = sizeof(region), .index = VFIO_PCI_BAR0_REGION_INDEX };
	if (ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &region))
		die("VFIO_DEVICE_GET_REGION_INFO");
	bar = mmap(NULL, region.size, PROT_READ | PROT_WRITE, MAP_SHARED, device, region.offset);
	if (bar == MAP_FAILED)
		die("mmap of BAR 0");

	/* DMA needs bus mastering: a bit in config space. */
	struct vfio_region_info config = { .argsz = sizeof(config), .index = VFIO_PCI_CONFIG_REGION_INDEX };
	if (ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &config))
		die("VFIO_DEVICE_GET_REGION_INFO");
	uint16_t command;
	if (pread(device, &command, sizeof command, config.offset + PCI_COMMAND) != sizeof command)
		die("pread of the command register");
	command |= PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	if (pwrite(device, &command, sizeof command, config.offset + PCI_COMMAND) != sizeof command)
		die("pwrite of the command register");

	/* Interrupts: MSI vector 0 signals an eventfd. */
	interrupt = eventfd(0, EFD_CLOEXEC);
	char room[sizeof(struct vfio_irq_set) + sizeof(int32_t)] __attribute__((aligned(8)));
	struct vfio_irq_set *set = (struct vfio_irq_set *)room;
	*set = (struct vfio_irq_set){
		.argsz = sizeof room,
		.flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
		.index = VFIO_PCI_MSI_IRQ_INDEX,
		.count = 1,
	};
	memcpy(set->data, &interrupt, sizeof(int32_t));
	if (ioctl(device, VFIO_DEVICE_SET_IRQS, set))
		die("VFIO_DEVICE_SET_IRQS");

	uint32_t id = read32(EDU_ID);
	printf("identification 0x%08x, version %u.%u\n", id, id >> 24, id >> 16 & 0xff);
	write32(EDU_LIVENESS, 0x12345678);
	printf("liveness 0x%08x\n", read32(EDU_LIVENESS));

	write32(EDU_STATUS, EDU_STATUS_IRQ);
	write32(EDU_FACTORIAL, 10);
	wait_interrupt("factorial");
	printf("10! = %u\n", read32(EDU_FACTORIAL));

	/* A page that the device sees at 1 MiB. */
	const uint64_t iova = 0x100000;
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		die("mmap");
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)page,
		.iova = iova,
		.size = 4096,
	};
	if (ioctl(container, VFIO_IOMMU_MAP_DMA, &map))
		die("VFIO_IOMMU_MAP_DMA");

	const char text[] = "There and back again";
	strcpy(page, text);
	transfer(iova, EDU_BUFFER, sizeof text, 0, "DMA to the device");
	memset(page, 0, 4096);
	transfer(EDU_BUFFER, iova + 2048, sizeof text, EDU_DMA_TO_MEMORY, "DMA to memory");
	printf("back: \"%s\"\n", page + 2048);
	return strcmp(page + 2048, text) ? 1 : 0;
}
