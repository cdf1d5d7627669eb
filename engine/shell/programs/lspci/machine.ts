/** The machine-readable forms: -m, -mm, -vm, -vmm. */
import { hex } from './format';
import type { Names } from './names';
import type { PciFunctionInfo } from './source';
import { subsystemOf } from './verbose';

const quote = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;

/** One line: `00:01.0 "PCI bridge" "Intel Corporation" "…" -rf1 -p00 "…" "…"`. */
export function machineLine(info: PciFunctionInfo, address: string, names: Names): string {
  const parts = [
    address,
    quote(names.className(info.classCode)),
    quote(names.vendorOnly(info.vendor)),
    quote(names.deviceOnly(info.vendor, info.deviceId)),
  ];
  if (info.revision) parts.push(`-r${hex(info.revision, 2)}`);
  parts.push(`-p${hex(info.progIf, 2)}`);
  const subsystem = subsystemOf(info);
  if (subsystem) {
    parts.push(
      quote(names.subsystemVendorOnly(subsystem.vendor)),
      quote(names.subsystemDeviceOnly(info.vendor, info.deviceId, subsystem.vendor, subsystem.device)),
    );
  } else parts.push('""', '""');
  return parts.join(' ');
}

/** One tagged line each. `firstTag` is `Slot` (-vmm) or `Device` (-vm). */
export function machineBlock(
  info: PciFunctionInfo,
  address: string,
  names: Names,
  firstTag: string,
  showKernel: boolean,
): string[] {
  const lines: string[] = [];
  const tag = (name: string, value: string): void => void lines.push(`${name}:\t${value}`);
  tag(firstTag, address);
  tag('Class', names.className(info.classCode));
  tag('Vendor', names.vendorOnly(info.vendor));
  tag('Device', names.deviceOnly(info.vendor, info.deviceId));
  const subsystem = subsystemOf(info);
  if (subsystem) {
    tag('SVendor', names.subsystemVendorOnly(subsystem.vendor));
    tag('SDevice', names.subsystemDeviceOnly(info.vendor, info.deviceId, subsystem.vendor, subsystem.device));
  }
  if (info.physicalSlot !== null) tag('PhySlot', info.physicalSlot);
  if (info.revision) tag('Rev', hex(info.revision, 2));
  tag('ProgIf', hex(info.progIf, 2));
  if (showKernel) {
    if (info.driver) tag('Driver', info.driver);
    for (const module of info.modules) tag('Module', module);
  }
  if (info.numaNode !== null) tag('NUMANode', String(info.numaNode));
  if (info.iommuGroup !== null) tag('IOMMUGroup', info.iommuGroup);
  return lines;
}
