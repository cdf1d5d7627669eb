/** Manual pages for what is the lab's own. */
export const LAB_PAGES: Readonly<Record<string, string>> = {
  vfio: `VFIO(1)                          VFIO Lab                          VFIO(1)

NAME
       vfio - drive a PCI function from user space, one system call at a time

DESCRIPTION
       The functions of one IOMMU group can only be given away together: the
       IOMMU cannot tell them apart, or they could reach each other without it.
       A process that wants to drive one of them

       1. opens /dev/vfio/vfio, an empty container (an I/O address space);
       2. opens /dev/vfio/N, the group, and asks whether it is viable: no
          member may be bound to a driver of the host;
       3. puts the group into the container (VFIO_GROUP_SET_CONTAINER);
       4. chooses the IOMMU model (VFIO_SET_IOMMU, type1v2);
       5. maps memory for DMA (VFIO_IOMMU_MAP_DMA);
       6. gets a descriptor of the device (VFIO_GROUP_GET_DEVICE_FD), through
          which it reads config space and BARs and asks for interrupts.

       vfio does these steps and shows each system call as strace would. The
       descriptors stay open in this shell until vfio detach, or exit.

       Type vfio for the list of commands.

SEE ALSO
       stim(1), why(1), driverctl(8), vfio-groups(7)
`,
  stim: `STIM(1)                          VFIO Lab                          STIM(1)

NAME
       stim - let something happen to a device of the lab

SYNOPSIS
       stim [ADDRESS]
       stim [-n COUNT] [-i MS] ADDRESS WHAT [NAME=VALUE | VALUE]...
       stim ADDRESS vector N
       stim ADDRESS intx

DESCRIPTION
       A device in the lab acts when its driver tells it to, and when the world
       does something to it: a packet arrives, a key is pressed, a cable is
       pulled. stim is the world. With an address alone it lists what can happen
       to that device, with the parameters of each.

       interrupt   the device raises MSI or MSI-X vector N, or pulses its INTx
                   pin. It goes the way of the hardware: a masked vector stays
                   pending, a device without bus mastering sends no message.
       packet      a packet comes in, for one of the receive queues.
       doorbell    a doorbell is rung by somebody outside of the machine.
       key         a key of the keyboard behind the device is pressed.
       link        the cable, or a port's PCI Express link, fails or comes back.
       error       the function detects an error, by its name in the AER
                   registers, and reports it to its root port.
       dma         the device reads or writes memory that nobody told it to.
                   The IOMMU decides; dmesg shows its faults.
       msi         the device writes an interrupt message of its own making.
       register    see poke(1).

OPTIONS
       -n COUNT    so often: a storm.
       -i MS       so many milliseconds of the machine's time apart; 0.01 makes
                   100,000 a second. At a terminal it takes as long as it says.
       -q          say nothing.

EXAMPLES
       stim 01:00.0 packet queue=1 hex=text:hello
       stim -n 100000 -i 0.01 01:00.0 vector 3
       stim 01:00.0 dma write address=0x1000 hex=16*ff
       stim 00:01.0 link down
       stim 01:00.0 error RxErr

SEE ALSO
       poke(1), vfio(1)
`,
  poke: `POKE(1)                          VFIO Lab                          POKE(1)

NAME
       poke - the lab's hand at a register of a device

SYNOPSIS
       poke ADDRESS
       poke [-n COUNT] ADDRESS PLACE
       poke ADDRESS PLACE VALUE

DESCRIPTION
       Reads or writes a register in a BAR of a device directly. This is not how
       a program of Linux does it: no driver, no /dev/vfio and no resource file
       is in the way, memory decoding may be off, and nobody asks for permission.
       It is for looking and for trying; a register that acts when it is read
       acts here too. Config space has setpci(8).

       With an address alone it lists the registers that the device's data sheet
       names. PLACE is such a name, or BAR:OFFSET, with .b, .w, .l or .q for 1, 2,
       4 or 8 bytes.

EXAMPLES
       poke 01:00.0
       poke 01:00.0 0:0x08
       poke 01:00.0 2:0x0c.l 0
       poke -n 8 01:00.0 0:0

SEE ALSO
       stim(1), setpci(8), vfio(1)
`,
  why: `WHY(1)                           VFIO Lab                           WHY(1)

NAME
       why - the reason behind a decision of the kernel

SYNOPSIS
       why
       why ADDRESS [ADDRESS]

DESCRIPTION
       Without arguments: which check refused the last call of this shell, what
       it found, and what would satisfy it. With one address: why the function
       is in its group. With two: why the functions share a group, or do not.

SEE ALSO
       vfio(1), vfio-groups(7)
`,
  'vfio-groups': `VFIO-GROUPS(7)                   VFIO Lab                   VFIO-GROUPS(7)

NAME
       vfio-groups - IOMMU groups

DESCRIPTION
       A group is the smallest set of functions that the IOMMU can isolate from
       all others. Functions share a group when they share a requester ID (behind
       a conventional PCI bridge), or when a path between them need not pass the
       IOMMU: a switch or a multi-function device may route a request straight
       to its neighbour unless Access Control Services forbid it.

FILES
       /sys/kernel/iommu_groups/N/devices
       /sys/bus/pci/devices/ADDRESS/iommu_group
       /dev/vfio/N

SEE ALSO
       vfio(1), why(1), lspci(8)
`,
};
