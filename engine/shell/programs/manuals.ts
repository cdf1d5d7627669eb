/** Manual pages for what is the lab's own, and for the interfaces it teaches. */
export const MANUALS: Readonly<Record<string, string>> = {
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
       stim - make a device of the lab act

SYNOPSIS
       stim ADDRESS vector N
       stim ADDRESS intx

DESCRIPTION
       The device raises MSI or MSI-X vector N, or its interrupt pin. It goes
       the way of the hardware: a masked vector stays pending, and a device
       without bus mastering sends no message.

SEE ALSO
       vfio(1)
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
