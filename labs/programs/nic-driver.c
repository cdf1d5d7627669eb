/*
 * A driver in user space for the lab's network controller (1ab0:0001), with four MSI-X vectors: two pairs of rings, one
 * vector for each ring. Packets go out of one ring and, in loopback, come back into the other. docs/devices/nic.md is the
 * data sheet.
 *
 *   cc nic-driver.c -o nic-driver && ./nic-driver 0000:01:00.0
 */
#include <fcntl.h>
#include <inttypes.h>
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
	NIC_ID = 0x00,
	NIC_FEATURES = 0x04,
	NIC_CONTROL = 0x08,
	NIC_MASK_SET = 0x18,
	NIC_RINGS = 0x1000, /* each pair 0x100 */
	RING_TRANSMIT = 0x80,
	RING_BASE_LOW = 0x00,
	RING_BASE_HIGH = 0x04,
	RING_SIZE = 0x08,
	RING_CONTROL = 0x0c,
	RING_TAIL = 0x14,
};
#define NIC_ID_VALUE 0x1ab00001
#define CONTROL_ENABLE 1u
#define CONTROL_LOOPBACK 2u
#define CONTROL_RESET (1u << 31)

struct descriptor {
	uint64_t address;
	uint16_t length;
	uint16_t flags;
	uint32_t result;
};
#define FLAG_INTERRUPT 1
#define FLAG_END 2
#define RESULT_DONE 1u
#define RESULT_LENGTH(result) ((result) >> 16)

#define PAIRS 2
#define VECTORS (2 * PAIRS) /* after a reset: ring by ring, receive before transmit */
#define ENTRIES 8
#define BUFFER 2048

/* What the controller reads and writes; it lies at IOVA for it. */
struct shared {
	struct {
		struct descriptor receive[ENTRIES];
		struct descriptor transmit[ENTRIES];
		uint8_t room[ENTRIES][BUFFER];
		uint8_t packet[ENTRIES][BUFFER];
	} pair[PAIRS];
};
#define IOVA 0x200000ull

static volatile uint8_t *bar;
static struct shared *memory;
static struct pollfd vectors[VECTORS];

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

/* Address at which the controller finds something of `memory`. */
static uint64_t bus(const void *at)
{
	return IOVA + ((const char *)at - (const char *)memory);
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

static void enable(int device)
{
	struct vfio_region_info config = { .argsz = sizeof(config), .index = VFIO_PCI_CONFIG_REGION_INDEX };
	uint16_t command;
	if (ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &config) ||
	    pread(device, &command, sizeof command, config.offset + PCI_COMMAND) != sizeof command)
		die("config space");
	command |= PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	if (pwrite(device, &command, sizeof command, config.offset + PCI_COMMAND) != sizeof command)
		die("config space");
}

/* One eventfd for each vector. */
static void set_vectors(int device)
{
	size_t size = sizeof(struct vfio_irq_set) + VECTORS * sizeof(int32_t);
	struct vfio_irq_set *set = calloc(1, size);
	int32_t *fds = (int32_t *)set->data;
	for (int i = 0; i < VECTORS; i++) {
		fds[i] = eventfd(0, EFD_NONBLOCK);
		vectors[i] = (struct pollfd){ .fd = fds[i], .events = POLLIN };
	}
	set->argsz = size;
	set->flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER;
	set->index = VFIO_PCI_MSIX_IRQ_INDEX;
	set->count = VECTORS;
	if (ioctl(device, VFIO_DEVICE_SET_IRQS, set))
		die("VFIO_DEVICE_SET_IRQS");
	free(set);
}

static void start_ring(unsigned at, const struct descriptor *ring)
{
	write32(at + RING_BASE_LOW, (uint32_t)bus(ring));
	write32(at + RING_BASE_HIGH, (uint32_t)(bus(ring) >> 32));
	write32(at + RING_SIZE, ENTRIES);
	write32(at + RING_CONTROL, 1);
}

static void start_pair(unsigned n)
{
	unsigned at = NIC_RINGS + 0x100 * n;
	start_ring(at, memory->pair[n].receive);
	start_ring(at + RING_TRANSMIT, memory->pair[n].transmit);
	/* All receive buffers but one: a full ring would look like an empty one. */
	for (int i = 0; i < ENTRIES - 1; i++)
		memory->pair[n].receive[i] = (struct descriptor){
			.address = bus(memory->pair[n].room[i]),
			.length = BUFFER,
		};
	write32(at + RING_TAIL, ENTRIES - 1);
}

static void send_packet(unsigned n, unsigned entry, const char *text)
{
	uint8_t *packet = memory->pair[n].packet[entry];
	size_t length = strlen(text);
	memcpy(packet, text, length);
	memory->pair[n].transmit[entry] = (struct descriptor){
		.address = bus(packet),
		.length = length,
		.flags = FLAG_END | FLAG_INTERRUPT,
	};
	write32(NIC_RINGS + 0x100 * n + RING_TRANSMIT + RING_TAIL, entry + 1);
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "0000:01:00.0";

	int container = open("/dev/vfio/vfio", O_RDWR);
	if (container < 0)
		die("/dev/vfio/vfio");
	int group = open_group(name);
	if (ioctl(group, VFIO_GROUP_SET_CONTAINER, &container) || ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		die("container");
	int device = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, name);
	if (device < 0)
		die("VFIO_GROUP_GET_DEVICE_FD");

	struct vfio_region_info region = { .argsz = sizeof(region), .index = VFIO_PCI_BAR0_REGION_INDEX };
	if (ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &region))
		die("VFIO_DEVICE_GET_REGION_INFO");
	bar = mmap(NULL, region.size, PROT_READ | PROT_WRITE, MAP_SHARED, device, region.offset);
	if (bar == MAP_FAILED)
		die("mmap of BAR 0");
	enable(device);
	if (read32(NIC_ID) != NIC_ID_VALUE) {
		fprintf(stderr, "%s is not the lab's network controller\n", name);
		return 1;
	}
	write32(NIC_CONTROL, CONTROL_RESET);
	printf("%u pairs of rings, %u vectors\n", read32(NIC_FEATURES) >> 8 & 0xff, read32(NIC_FEATURES) >> 16 & 0xff);

	size_t size = (sizeof *memory + 4095) & ~(size_t)4095;
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		die("mmap");
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)memory,
		.iova = IOVA,
		.size = size,
	};
	if (ioctl(container, VFIO_IOMMU_MAP_DMA, &map))
		die("VFIO_IOMMU_MAP_DMA");

	set_vectors(device);
	write32(NIC_CONTROL, CONTROL_ENABLE | CONTROL_LOOPBACK);
	for (unsigned n = 0; n < PAIRS; n++)
		start_pair(n);
	write32(NIC_MASK_SET, 0x3ff | 0xff00);

	send_packet(0, 0, "first packet of pair 0");
	send_packet(1, 0, "first packet of pair 1");
	send_packet(1, 1, "and a second one");

	/* Until every vector has rung. */
	uint64_t rung[VECTORS] = { 0 };
	while (!rung[0] || !rung[1] || !rung[2] || !rung[3]) {
		int ready = poll(vectors, VECTORS, 1000);
		if (ready < 0)
			die("poll");
		if (ready == 0) {
			fprintf(stderr, "no interrupt for a second\n");
			return 1;
		}
		for (int i = 0; i < VECTORS; i++) {
			uint64_t times;
			if (vectors[i].revents & POLLIN && read(vectors[i].fd, &times, sizeof times) == sizeof times)
				rung[i] += times;
		}
	}
	for (int i = 0; i < VECTORS; i++)
		printf("vector %d (%s of pair %d): %" PRIu64 "\n", i, i % 2 ? "transmit" : "receive", i / 2, rung[i]);

	for (unsigned n = 0; n < PAIRS; n++) {
		for (int i = 0; i < ENTRIES; i++) {
			volatile struct descriptor *d = &memory->pair[n].receive[i];
			if (d->result & RESULT_DONE)
				printf("pair %u received \"%.*s\"\n", n, (int)RESULT_LENGTH(d->result), memory->pair[n].room[i]);
		}
	}
	return 0;
}
