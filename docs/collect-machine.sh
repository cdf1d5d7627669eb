#!/bin/sh
# Copies what VFIO Lab needs to show this machine: the PCI part of /sys, the IOMMU groups, firmware's
# table of IOMMU units, a few lines of /proc.
# Usage: sudo sh collect-machine.sh [FILE]      default: machine.tar.gz in the current folder
# Without root only the first 64 bytes of each configuration space can be read, and isolation (ACS) stays unknown.
# Nothing is changed and nothing is sent anywhere. Serial numbers stand in the configuration space.
set -u
out=${1:-machine.tar.gz}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
top=$work/machine
mkdir -p "$top/proc" "$top/sys/class/iommu"
[ "$(id -u)" -eq 0 ] || echo "Not run as root: capabilities and ACS will be unknown." >&2

for name in version cmdline modules; do cat "/proc/$name" >"$top/proc/$name" 2>/dev/null; done
for unit in /sys/class/iommu/*; do
  [ -e "$unit" ] && : >"$top/sys/class/iommu/${unit##*/}"
done

for table in DMAR IVRS; do
  file=/sys/firmware/acpi/tables/$table
  [ -r "$file" ] && mkdir -p "$top/sys/firmware/acpi/tables" && cat "$file" >"$top$file" 2>/dev/null
done

for device in /sys/bus/pci/devices/*; do
  real=$(cd "$device" && pwd -P) || continue
  folder=$top$real
  mkdir -p "$folder"
  for name in config resource irq numa_node class revision modalias uevent vendor device subsystem_vendor \
    subsystem_device msi_bus d3cold_allowed ari_enabled dma_mask_bits consistent_dma_mask_bits enable \
    broken_parity_status boot_vga removable power_state current_link_speed current_link_width max_link_speed max_link_width \
    driver_override reset_method sriov_totalvfs sriov_numvfs label; do
    [ -r "$real/$name" ] && cat "$real/$name" >"$folder/$name" 2>/dev/null
  done
  for name in driver iommu_group iommu physfn; do
    target=$(readlink "$real/$name" 2>/dev/null) && printf '%s\n' "$target" >"$folder/$name"
  done
done

for group in /sys/kernel/iommu_groups/*; do
  [ -d "$group" ] || continue
  mkdir -p "$top$group"
  for name in type reserved_regions; do
    [ -r "$group/$name" ] && cat "$group/$name" >"$top$group/$name" 2>/dev/null
  done
done

tar -C "$work" -cf - machine | gzip -9 >"$out" && echo "Wrote $out" >&2
