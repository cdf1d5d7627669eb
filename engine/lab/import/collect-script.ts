/** The shell script that copies what an import needs from a machine's /sys, with standard tools only. */
export const COLLECT_SCRIPT = `#!/bin/sh
# Copies the PCI part of /sys for VFIO Lab. Run as root: without root the capabilities stay hidden.
# Reads only. Serial numbers can be inside the configuration space of some devices.
set -eu
out=\${1:-vfiolab-\$(uname -n)}
mkdir -p "\$out/proc" "\$out/sys/kernel"
for f in cmdline version modules; do cat "/proc/\$f" > "\$out/proc/\$f" 2>/dev/null || :; done
for d in /sys/bus/pci/devices/*; do
  real=\$(readlink -f "\$d")
  mkdir -p "\$out\$real"
  for f in config resource irq class revision modalias vendor device numa_node reset_method msi_bus d3cold_allowed \\
    ari_enabled dma_mask_bits consistent_dma_mask_bits enable broken_parity_status boot_vga power_state \\
    current_link_speed current_link_width max_link_speed max_link_width driver_override sriov_totalvfs sriov_numvfs; do
    cat "\$real/\$f" > "\$out\$real/\$f" 2>/dev/null || rm -f "\$out\$real/\$f"
  done
  for l in driver iommu_group physfn iommu; do
    [ -L "\$real/\$l" ] && readlink "\$real/\$l" > "\$out\$real/\$l"
  done
done
for g in /sys/kernel/iommu_groups/*; do
  [ -d "\$g" ] || continue
  mkdir -p "\$out\$g/devices"
  for f in type reserved_regions; do cat "\$g/\$f" > "\$out\$g/\$f" 2>/dev/null || :; done
  for d in "\$g"/devices/*; do readlink "\$d" > "\$out\$d"; done
done
tar -czf "\$out.tar.gz" "\$out"
echo "\$out.tar.gz"
`;
