/** What the command line says to the PCI core (`pci=…`; pci-linux.md 3, 4, 6). */
import { pciOptions } from './device-match';
import { lookUp } from '../../hardware/lookup';

export type PayloadPolicy = 'default' | 'tune-off' | 'safe' | 'performance' | 'peer-to-peer';

/** `off`: firmware keeps what it set; `force`: also on devices that are too old. */
export type AspmMode = 'default' | 'off' | 'force';

export interface PciOptions {
  /** Bus numbers that a hot-plug bridge gets at least. */
  readonly hotplugBuses: number;
  /** Bytes that a hot-plug bridge's windows should have. */
  readonly hotplugIo: bigint;
  readonly hotplugMemory: bigint;
  readonly hotplugPrefetch: bigint;
  /** Bus numbers that firmware gave are not kept. */
  readonly assignBuses: boolean;
  /** Tries again with the windows released that were too small; `auto`: where a virtual function's BAR has no place. */
  readonly realloc: 'on' | 'off' | 'auto';
  readonly skipIsaAlign: boolean;
  readonly payload: PayloadPolicy;
  readonly noAer: boolean;
  readonly noMsi: boolean;
  /** `resource_alignment=`: order@device entries, as written. */
  readonly resourceAlignment: string;
  /** `pcie_aspm=` */
  readonly aspm: AspmMode;
}

const UNITS: Readonly<Record<string, bigint>> = { '': 1n, k: 1n << 10n, m: 1n << 20n, g: 1n << 30n, t: 1n << 40n };

/** A number as the kernel's memparse reads it: `32M`, `0x100`. */
function bytesOf(text: string, otherwise: bigint): bigint {
  const match = /^(0x[0-9a-f]+|\d+)([kmgt]?)/i.exec(text);
  return match ? BigInt(match[1]!) * UNITS[match[2]!.toLowerCase()]! : otherwise;
}

const MIB = 0x100000n;
const LARGEST_BUS = 0xff;

const PAYLOADS: Readonly<Record<string, PayloadPolicy>> = {
  pcie_bus_tune_off: 'tune-off',
  pcie_bus_safe: 'safe',
  pcie_bus_perf: 'performance',
  pcie_bus_peer2peer: 'peer-to-peer',
};

function aspmOf(cmdline: string): AspmMode {
  let mode: AspmMode = 'default';
  for (const [, word] of cmdline.matchAll(/(?:^|\s)pcie_aspm=(\S+)/g)) {
    if (word === 'off' || word === 'force') mode = word;
  }
  return mode;
}

export function pciOptionsOf(cmdline: string): PciOptions {
  let options: PciOptions = {
    hotplugBuses: 1,
    hotplugIo: 256n,
    hotplugMemory: 2n * MIB,
    hotplugPrefetch: 2n * MIB,
    assignBuses: false,
    realloc: 'auto',
    skipIsaAlign: false,
    payload: 'default',
    noAer: false,
    noMsi: false,
    resourceAlignment: '',
    aspm: aspmOf(cmdline),
  };
  for (const [name, value] of pciOptions(cmdline)) {
    switch (name) {
      case 'hpbussize': {
        const buses = Number(bytesOf(value, 1n));
        options = { ...options, hotplugBuses: buses > LARGEST_BUS ? 1 : buses };
        break;
      }
      case 'hpiosize':
        options = { ...options, hotplugIo: bytesOf(value, 0n) };
        break;
      case 'hpmmiosize':
        options = { ...options, hotplugMemory: bytesOf(value, 0n) };
        break;
      case 'hpmmioprefsize':
        options = { ...options, hotplugPrefetch: bytesOf(value, 0n) };
        break;
      case 'hpmemsize':
        options = { ...options, hotplugMemory: bytesOf(value, 0n), hotplugPrefetch: bytesOf(value, 0n) };
        break;
      case 'assign-busses':
        options = { ...options, assignBuses: true };
        break;
      case 'realloc':
        options = { ...options, realloc: value === 'off' ? 'off' : 'on' };
        break;
      case 'skip_isa_align':
        options = { ...options, skipIsaAlign: true };
        break;
      case 'noaer':
        options = { ...options, noAer: true };
        break;
      case 'nomsi':
        options = { ...options, noMsi: true };
        break;
      case 'resource_alignment':
        options = { ...options, resourceAlignment: value };
        break;
      default: {
        const payload = lookUp(PAYLOADS, name);
        if (payload !== undefined) options = { ...options, payload };
      }
    }
  }
  return options;
}
