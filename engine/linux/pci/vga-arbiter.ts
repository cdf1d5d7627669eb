/**
 * Which display is the first one, and who gets the legacy VGA addresses (vgaarb): `boot_vga`, and the ROM of the first
 * display, of which firmware left a copy in memory.
 */
import type { KernelLog } from '../log';
import { ROM_RESOURCE } from './device';
import type { PciDevice } from './device';
import { LEVEL, devicePrefix } from './enable';
import { RESOURCE_FIXED, RESOURCE_MEMORY, RESOURCE_ROM_SHADOW, resourceText } from './resource';

const VGA = 0x0300;
const COMMAND = 0x04;
const DECODES_IO = 0x1;
const DECODES_MEMORY = 0x2;
const DECODES = DECODES_IO | DECODES_MEMORY;
const BRIDGE_CONTROL = 0x3e;
const PASSES_VGA = 0x8;
const ROM_ENABLE = 0x1;
const ROM = { endpoint: 0x30, bridge: 0x38 } as const;
const SHADOW = { start: 0xc0000n, end: 0xdffffn } as const;

const isVga = (device: PciDevice): boolean => device.class >>> 8 === VGA;

/** Legacy VGA addresses come through every bridge above. */
function isRouted(device: PciDevice): boolean {
  for (let bridge = device.parent; bridge !== null; bridge = bridge.parent) {
    if (!(bridge.config.read(BRIDGE_CONTROL, 2) & PASSES_VGA)) return false;
  }
  return true;
}

/** Legacy resources that the display owns: I/O, memory. */
const ownedBy = (device: PciDevice): number => (isRouted(device) ? device.config.read(COMMAND, 2) & DECODES : 0);

const words = (resources: number): string =>
  resources === DECODES ? 'io+mem' : resources === DECODES_IO ? 'io' : resources === DECODES_MEMORY ? 'mem' : 'none';

export class VgaArbiter {
  /** The display whose `boot_vga` reads 1. */
  first: PciDevice | null = null;
  /** What each display owned when it came. */
  private readonly displays = new Map<PciDevice, number>();
  private readonly log: KernelLog;

  constructor(log: KernelLog) {
    this.log = log;
  }

  /** Displays of a machine that runs; the dump may tell the first one. */
  takeOver(devices: Iterable<PciDevice>): void {
    for (const device of devices) {
      if (!isVga(device)) continue;
      if (this.isBetter(device)) this.first = device;
      this.displays.set(device, ownedBy(device));
    }
    for (const device of this.displays.keys()) if (device.attributes['bootVga'] === 1) this.first = device;
  }

  /** A function came onto the bus (vga_arbiter_add_pci_device). */
  add(device: PciDevice): void {
    if (!isVga(device)) return;
    const say = (text: string): void => this.log.print(LEVEL.INFO, `${devicePrefix(device)}vgaarb: ${text}`);
    if (this.isBetter(device)) {
      say(`setting as boot VGA device${this.first === null ? '' : ' (overriding previous)'}`);
      this.first = device;
    }
    say(this.sharesBridge(device) ? 'no bridge control possible' : 'bridge control possible');
    const owned = ownedBy(device);
    this.displays.set(device, owned);
    say(`VGA device added: decodes=io+mem,owns=${words(owned)},locks=none`);
  }

  remove(device: PciDevice): void {
    this.displays.delete(device);
    if (this.first === device) this.first = null;
  }

  /** vga_is_boot_device */
  private isBetter(device: PciDevice): boolean {
    const { first } = this;
    if (first !== null && this.displays.get(first) === DECODES) return false;
    if (ownedBy(device) === DECODES) return true;
    if (!(device.config.read(COMMAND, 2) & DECODES)) return first === null;
    return first === null || !(first.config.read(COMMAND, 2) & DECODES);
  }

  /** Another display is somewhere below the bridge right above this one, which then cannot steer this one alone. */
  private sharesBridge(device: PciDevice): boolean {
    if (device.parent === null) return false;
    for (const other of this.displays.keys()) {
      for (let bridge = other.parent; bridge !== null; bridge = bridge.parent) {
        if (bridge === device.parent) return true;
      }
    }
    return false;
  }

  /** The first display's ROM is the copy at C0000, wherever its register leads (pci_fixup_video; recorded). */
  shadowRom(device: PciDevice): void {
    if (!isVga(device) || !isRouted(device) || (this.first !== null && this.first !== device)) return;
    const { config } = device;
    if (!(config.read(COMMAND, 2) & DECODES)) return;
    const at = device.function.isBridge ? ROM.bridge : ROM.endpoint;
    config.write(at, 4, (config.read(at, 4) & ~ROM_ENABLE) >>> 0);
    const rom = { ...SHADOW, flags: RESOURCE_MEMORY | RESOURCE_ROM_SHADOW | RESOURCE_FIXED };
    device.resources[ROM_RESOURCE] = rom;
    this.log.print(LEVEL.INFO, `${devicePrefix(device)}Video device with shadowed ROM at ${resourceText(rom)}`);
  }
}
