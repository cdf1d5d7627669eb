/** Manual pages for the interfaces that the lab teaches. */
export const INTERFACE_PAGES: Readonly<Record<string, string>> = {
  'vfio-api': `VFIO-API(4)                      VFIO Lab                      VFIO-API(4)

NAME
       vfio-api - containers, groups and devices: the requests of VFIO

DESCRIPTION
       /dev/vfio/vfio, a container: an I/O address space with its mappings
              VFIO_GET_API_VERSION        0
              VFIO_CHECK_EXTENSION        is there VFIO_TYPE1v2_IOMMU?
              VFIO_SET_IOMMU              chooses it, once a group is in
              VFIO_IOMMU_GET_INFO         page sizes, usable ranges
              VFIO_IOMMU_MAP_DMA          memory of the process at an IOVA
              VFIO_IOMMU_UNMAP_DMA

       /dev/vfio/N, a group; one opener at a time
              VFIO_GROUP_GET_STATUS       viable: no member at a host driver
              VFIO_GROUP_SET_CONTAINER    EPERM when it is not viable
              VFIO_GROUP_GET_DEVICE_FD    a descriptor, by address

       the device
              VFIO_DEVICE_GET_INFO        how many regions and interrupts
              VFIO_DEVICE_GET_REGION_INFO size and offset of one: 0 to 5 the BARs,
                                          6 the ROM, 7 config space
              VFIO_DEVICE_GET_IRQ_INFO    INTx, MSI, MSI-X, error, request
              VFIO_DEVICE_SET_IRQS        eventfds for vectors; mask, unmask
              VFIO_DEVICE_RESET
       Regions are read and written with pread and pwrite at their offset; what may
       be mapped says so in its flags.

       Mapped memory is locked and counts against ulimit -l (ENOMEM).

FILES
       /usr/include/linux/vfio.h (for cc)

SEE ALSO
       vfio(1), vfio-groups(7), iommufd(4), strace(1)
`,
  iommufd: `IOMMUFD(4)                       VFIO Lab                       IOMMUFD(4)

NAME
       iommufd - I/O address spaces as objects

DESCRIPTION
       Where the kernel has it, /dev/iommu does what a container does, for single
       devices: open /dev/vfio/devices/vfioN, VFIO_DEVICE_BIND_IOMMUFD, make an
       address space (IOMMU_IOAS_ALLOC), attach the device to it
       (VFIO_DEVICE_ATTACH_IOMMUFD_PT), and map (IOMMU_IOAS_MAP).

       ls /dev/iommu tells whether this machine has it. vfio attach --iommufd goes
       this way and shows each call.

SEE ALSO
       vfio-api(4), vfio(1)
`,
  'sysfs-pci': `SYSFS-PCI(5)                     VFIO Lab                     SYSFS-PCI(5)

NAME
       sysfs-pci - files of a PCI function

SYNOPSIS
       /sys/bus/pci/devices/0000:01:00.0/

DESCRIPTION
       vendor, device, class, revision
       config             its config space
       resource, resourceN
                          its BARs, as a table and as files
       driver             the driver that has it; missing: none
       driver_override    the only driver that may have it; an empty line: any
       driver/unbind      write the address: the driver lets go
       iommu_group        its group
       msi_irqs/          a file for each interrupt
       sriov_numvfs       how many virtual functions there are
       reset, reset_method
       remove             write 1: it is gone until a rescan

       /sys/bus/pci/drivers/NAME/bind, unbind, new_id, remove_id
       /sys/bus/pci/drivers_probe, rescan

EXAMPLES
       echo vfio-pci > /sys/bus/pci/devices/0000:01:00.0/driver_override
       echo 0000:01:00.0 > /sys/bus/pci/devices/0000:01:00.0/driver/unbind
       echo 0000:01:00.0 > /sys/bus/pci/drivers_probe

SEE ALSO
       driverctl(8), lspci(8), vfio-groups(7)
`,
};
