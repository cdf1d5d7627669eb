/** What firmware programmed is claimed where it stands, once, at boot (pcibios_resource_survey; pci-linux.md 4.1). */
import type { KernelLog } from '../log';
import { BRIDGE_RESOURCES, ROM_RESOURCE } from './device';
import type { PciDevice, Resource } from './device';
import { LEVEL, devicePrefix } from './enable';
import type { LogicalBus } from './logical-bus';
import { RESOURCE_FIXED, RESOURCE_IO, WINDOW_ROWS, noResource, resourceName, resourceText } from './resource';
import { TYPE_BITS } from './resource-tree';
import type { ResourceTree } from './resource-tree';
import { writeWindow } from './windows';

const COMMAND = 0x04;
const COMMAND_IO = 0x1;
const COMMAND_MEMORY = 0x2;
const ROM = { endpoint: 0x30, bridge: 0x38 } as const;
const ROM_ENABLE = 1n;
const PCI_BRIDGE = 0x0604;

export class ResourceSurvey {
  private readonly tree: ResourceTree;
  private readonly log: KernelLog;

  constructor(tree: ResourceTree, log: KernelLog) {
    this.tree = tree;
    this.log = log;
  }

  /** Windows from the top down, then BARs of functions that decode, then the others; ROMs last. */
  take(roots: readonly LogicalBus[]): void {
    const buses = roots.flatMap((root) => [...root.all()]);
    for (const { bridge } of buses) if (bridge !== null) this.windows(bridge);
    for (const decoding of [true, false]) for (const bus of buses) this.bars(bus, decoding);
    for (const bus of buses) for (const device of bus.devices) this.rom(device);
  }

  /** A window without a place becomes free for assignment. */
  private windows(bridge: PciDevice): void {
    for (const row of WINDOW_ROWS) {
      const resource = bridge.resources[row]!;
      if (resource.flags === 0n) continue;
      if (resource.start === 0n || !this.claimWindow(bridge, row)) bridge.resources[row] = noResource();
    }
  }

  /** pci_claim_bridge_resource: a window that is too large for the one above is cut to fit. */
  private claimWindow(bridge: PciDevice, row: number): boolean {
    if (this.claim(bridge, row)) return true;
    if (bridge.class >>> 8 !== PCI_BRIDGE || !this.clip(bridge, row)) return false;
    const resource = bridge.resources[row]!;
    this.say(bridge, `  ${resourceName(row)} ${resourceText(resource)}`);
    writeWindow(bridge, row, resource);
    return this.claim(bridge, row);
  }

  /** pci_bus_clip_resource: to the first window of the bus that it overlaps; false where that takes nothing away. */
  private clip(bridge: PciDevice, row: number): boolean {
    const resource = bridge.resources[row]!;
    for (const window of this.tree.windowsOf(bridge.bus!)) {
      if ((window.flags ^ resource.flags) & TYPE_BITS) continue;
      const start = window.start > resource.start ? window.start : resource.start;
      const end = window.end < resource.end ? window.end : resource.end;
      if (start > end) continue;
      if (start === resource.start && end === resource.end) return false;
      const before = resourceText(resource);
      Object.assign(resource, { start, end });
      this.say(bridge, `${before} clipped to ${resourceText(resource)}`);
      return true;
    }
    return false;
  }

  private bars(bus: LogicalBus, decoding: boolean): void {
    for (const device of bus.devices) {
      if (device.isVirtual) continue;
      const command = device.config.read(COMMAND, 2);
      for (let row = 0; row < BRIDGE_RESOURCES; row++) {
        const resource = device.resources[row]!;
        if (row === ROM_RESOURCE || resource.start === 0n || this.tree.isClaimed(resource)) continue;
        const on = (command & (resource.flags & RESOURCE_IO ? COMMAND_IO : COMMAND_MEMORY)) !== 0;
        if (on !== decoding || resource.flags & RESOURCE_FIXED || this.claim(device, row)) continue;
        device.firmwareAddresses[row] = resource.start;
        forget(resource);
      }
      if (decoding) turnRomOff(device);
    }
  }

  private rom(device: PciDevice): void {
    const resource = device.resources[ROM_RESOURCE]!;
    if (device.isVirtual || resource.flags === 0n || resource.start === 0n || resource.flags & RESOURCE_FIXED) return;
    if (!this.claim(device, ROM_RESOURCE)) forget(resource);
  }

  private claim(device: PciDevice, row: number): boolean {
    const resource = device.resources[row]!;
    const problem = this.tree.claim(device, resource);
    if (problem === null) return true;
    const reason =
      problem === 'no window'
        ? 'no compatible bridge window'
        : `address conflict with ${problem.name} ${resourceText(problem.resource)}`;
    this.say(device, `${resourceName(row)} ${resourceText(resource)}: can't claim; ${reason}`);
    return false;
  }

  private say(device: PciDevice, text: string): void {
    this.log.print(LEVEL.INFO, `${devicePrefix(device)}${text}`);
  }
}

/** The address goes, the size stays. */
function forget(resource: Resource): void {
  resource.end -= resource.start;
  resource.start = 0n;
}

function turnRomOff(device: PciDevice): void {
  const resource = device.resources[ROM_RESOURCE]!;
  if (!(resource.flags & ROM_ENABLE)) return;
  resource.flags &= ~ROM_ENABLE;
  const at = device.function.isBridge ? ROM.bridge : ROM.endpoint;
  device.config.write(at, 4, (device.config.read(at, 4) & ~Number(ROM_ENABLE)) >>> 0);
}
