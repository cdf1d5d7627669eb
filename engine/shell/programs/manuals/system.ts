/** Manual pages for programs that work here as on any Linux machine. */
export const SYSTEM_PAGES: Readonly<Record<string, string>> = {
  lspci: `LSPCI(8)                         VFIO Lab                         LSPCI(8)

NAME
       lspci - list all PCI functions of the machine

SYNOPSIS
       lspci [-v] [-n | -nn] [-k] [-t] [-x] [-s SLOT] [-d ID] [-D] [-m | -mm]

DESCRIPTION
       One line a function: its address, class and name. Names come from the
       maintained list of PCI IDs.

       -n, -nn     numbers instead of names, or both
       -v, -vv, -vvv
                   more about each: capabilities, then their bits
       -k          the driver in use
       -t, -tv     the buses as a tree
       -x, -xxx, -xxxx
                   the first 64 bytes of config space, 256, or all 4096
       -s [[DOMAIN:]BUS:][SLOT][.FUNCTION]
                   only these, such as 01: or :1f. or .0
       -d [VENDOR]:[DEVICE][:CLASS]
                   only these, such as 8086: or ::0300
       -D          the domain too, as file names in /sys need it
       -m, -mm, -vmm
                   for programs

EXAMPLES
       lspci -nnk -s 01:00
       lspci -nn -d ::0300
       lspci -vvv -s 01:00.0 | grep -A8 ACSCap

SEE ALSO
       setpci(8), sysfs-pci(5), vfio-groups(7)
`,
  setpci: `SETPCI(8)                        VFIO Lab                        SETPCI(8)

NAME
       setpci - read and write config space registers

SYNOPSIS
       setpci [-v] [-s SLOT | -d ID]... REGISTER[=VALUE[:MASK]]...

DESCRIPTION
       REGISTER is an offset in hex, a name (COMMAND, VENDOR_ID, BASE_ADDRESS_0;
       see setpci --dumpregs), a capability (CAP_EXP, CAP05, ECAP_ACS) or one of
       these with +OFFSET; .B, .W or .L is its width. MASK names the bits to
       change; the others keep their value.

       This is the hardware's register itself. A function that vfio-pci drives
       shows its user another picture of it: vfio cfg reads that one.

EXAMPLES
       setpci -s 01:00.0 COMMAND
       setpci -s 01:00.0 COMMAND=4:4
       setpci -s 00:01.0 ECAP_ACS+6.w

SEE ALSO
       lspci(8), vfio(1)
`,
  driverctl: `DRIVERCTL(8)                     VFIO Lab                     DRIVERCTL(8)

NAME
       driverctl - choose the driver of a device, for good

SYNOPSIS
       driverctl [--nosave] set-override ADDRESS DRIVER
       driverctl unset-override ADDRESS
       driverctl list-overrides
       driverctl list-devices [TYPE]

DESCRIPTION
       set-override loads the driver's module, takes the device from the driver
       that has it, writes driver_override and lets the kernel bind again. The
       choice stands in /etc/driverctl.d and is made again at each boot, unless
       --nosave was given.

FILES
       /etc/driverctl.d/pci-ADDRESS

EXAMPLES
       driverctl set-override 0000:01:00.0 vfio-pci
       driverctl unset-override 0000:01:00.0

SEE ALSO
       sysfs-pci(5), modprobe.d(5)
`,
  modprobe: `MODPROBE(8)                      VFIO Lab                      MODPROBE(8)

NAME
       modprobe - load and remove kernel modules

SYNOPSIS
       modprobe [-v] [-n] [-q] [-b] [-i] MODULE [NAME=VALUE]...
       modprobe -a MODULE...
       modprobe -r MODULE...
       modprobe -c

DESCRIPTION
       Loads a module and what it needs, with the options that modprobe.d(5)
       gives it. - and _ are the same in names. A module that somebody uses
       cannot be removed.

       -v   say what is loaded      -n   do nothing
       -q   no message for a module that does not exist
       -b   leave out what is on a blacklist
       -i   no install commands     -c   show the configuration

SEE ALSO
       modprobe.d(5), lsmod, modinfo, rmmod
`,
  'modprobe.d': `MODPROBE.D(5)                    VFIO Lab                    MODPROBE.D(5)

NAME
       modprobe.d - what modprobe and the boot do with modules

SYNOPSIS
       /etc/modprobe.d/*.conf

DESCRIPTION
       options MODULE NAME=VALUE...
              given to the module whenever it is loaded
       blacklist MODULE
              not loaded because a device asks for it
       softdep MODULE pre: MODULE... post: MODULE...
              loaded in front of it, and behind it
       install MODULE COMMAND
              what modprobe does instead of loading it
       alias NAME MODULE
              another name

       At boot, the modules that /etc/initramfs-tools/modules, /etc/modules and
       /etc/modules-load.d/*.conf list are loaded first, then those that devices
       ask for. So a device goes to vfio-pci from the start when its ID is in

              options vfio-pci ids=10de:1b81,10de:10f0

       and vfio-pci comes before the device's own driver: by one of those lists,
       or by

              softdep nouveau pre: vfio-pci

       Install commands are not run at boot.

SEE ALSO
       modprobe(8), driverctl(8), reboot(8)
`,
  reboot: `REBOOT(8)                        VFIO Lab                        REBOOT(8)

NAME
       reboot - boot the machine again

DESCRIPTION
       Every process ends, devices are reset, Linux boots. Files are kept, but for
       those in /tmp and /run.

       The kernel command line is what /etc/default/grub says: GRUB_CMDLINE_LINUX,
       then GRUB_CMDLINE_LINUX_DEFAULT. The boot loader of the lab reads that file
       itself, so update-grub is not needed here, and does no harm.

EXAMPLES
       sed -i 's/quiet/quiet iommu=pt/' /etc/default/grub; reboot
       cat /proc/cmdline

SEE ALSO
       modprobe.d(5)
`,
  strace: `STRACE(1)                        VFIO Lab                        STRACE(1)

NAME
       strace - show the system calls of a program

SYNOPSIS
       strace [-f] [-c] [-e trace=NAME,...] [-o FILE] PROGRAM [ARGUMENT]...

DESCRIPTION
       One line a call: name, arguments, result; structures of VFIO and iommufd
       are taken apart. -f follows child processes, -c counts instead, -e shows
       these calls only.

EXAMPLES
       strace vfio attach 01:00.0
       strace -f -e trace=ioctl ./driver

SEE ALSO
       why(1), vfio(1)
`,
  dmesg: `DMESG(1)                         VFIO Lab                         DMESG(1)

NAME
       dmesg - show the kernel's messages

SYNOPSIS
       dmesg [-w | -W] [-T | -t] [-l LEVEL,...] [-x] [-L[WHEN]]

DESCRIPTION
       -w   go on and show new ones as they come; -W: only new ones
       -T   times of the clock      -t   no times
       -l   only these levels: emerg, alert, crit, err, warn, notice, info, debug
       -x   facility and level in words

EXAMPLES
       dmesg | grep -i -e DMAR -e IOMMU
       dmesg -w -l err,warn
`,
  cc: `CC(1)                            VFIO Lab                            CC(1)

NAME
       cc - compile a program in C

SYNOPSIS
       cc FILE.c... [-o PROGRAM] [-O2] [-Wall] [-I DIR] [-D NAME[=VALUE]]

DESCRIPTION
       Compiles for the lab's Linux; the program runs as a process of its own and
       makes real system calls of it. The headers of VFIO, iommufd and PCI stand
       under their own names: linux/vfio.h, linux/iommufd.h, linux/pci_regs.h,
       sys/ioctl.h, sys/eventfd.h, sys/mman.h.

       A BAR that was mapped with mmap is read and written through volatile
       pointers, and DMA reaches the program's own memory. Ctrl-C ends it.

EXAMPLES
       cc driver.c -o driver && ./driver

SEE ALSO
       vfio(1), vfio-api(4), strace(1)
`,
};
