/** A machine put together by hand as Linux found it: registers of the parts library, with what firmware and boot wrote. */
import type { FunctionDescription, MachineDescription } from '../../hardware/description';
import type { Bar, BarKind, Capability, Header } from '../../hardware/parts/registers';
import { buildRegisters } from '../../hardware/parts/registers';
import { ConfigSpace } from '../../hardware/pci/config-space';
import { toHex } from '../../shell/calls/hex';

const MEMORY = 0x200n;
const IO = 0x100n;
const PREFETCH = 0x2000n;
const ALIGNED = 0x40000n;
const WIDE = 0x100000n;
const ROM = 0x46200n;

export interface PlacedBar extends Bar {
  /** Address that firmware gave. */
  readonly base: bigint;
}

type Range = readonly [first: bigint, last: bigint];

export interface BootedFunction {
  readonly parent?: string;
  readonly header: Omit<Header, 'bars' | 'rom' | 'bridge'>;
  readonly bars?: readonly PlacedBar[];
  readonly rom?: { readonly base: bigint; readonly size: number };
  /** A bridge: bus numbers behind it. */
  readonly buses?: readonly [secondary: number, subordinate: number];
  readonly windows?: { readonly io?: Range; readonly memory?: Range; readonly prefetch?: Range };
  readonly capabilities?: readonly Capability[];
  readonly size?: 256 | 4096;
  readonly irq?: number;
  readonly driver?: string;
  readonly resetMethod?: string;
}

const hex64 = (value: bigint): string => `0x${value.toString(16).padStart(16, '0')}`;

const ROW_FLAGS: Readonly<Record<BarKind, bigint>> = {
  io: IO | ALIGNED | 1n,
  mem32: MEMORY | ALIGNED,
  mem64: MEMORY | ALIGNED | WIDE | 4n,
  pref32: MEMORY | ALIGNED | PREFETCH | 8n,
  pref64: MEMORY | ALIGNED | PREFETCH | WIDE | 0xcn,
};

type Row = [bigint, bigint, bigint];
const LOW = 0xffffffffn;

/** Firmware's addresses, in registers and rows. Returns the Command bits for what decodes. */
function placeBars(config: ConfigSpace, fn: BootedFunction, rows: Row[]): number {
  let command = 0;
  for (const { index, kind, base, size } of fn.bars ?? []) {
    const at = 0x10 + 4 * index;
    config.set(at, 4, Number(base & LOW) | config.read(at, 4));
    if (kind === 'mem64' || kind === 'pref64') config.set(at + 4, 4, Number(base >> 32n));
    rows[index] = [base, base + BigInt(size) - 1n, ROW_FLAGS[kind]];
    command |= kind === 'io' ? 1 : 2;
  }
  if (fn.rom) {
    config.set(0x30, 4, Number(fn.rom.base));
    rows[6] = [fn.rom.base, fn.rom.base + BigInt(fn.rom.size) - 1n, ROM];
  }
  return command;
}

function openWindows(config: ConfigSpace, fn: BootedFunction, rows: Row[]): void {
  const { io, memory, prefetch } = fn.windows ?? {};
  if (io) {
    config.set(0x1c, 1, Number(io[0] >> 8n) & 0xf0);
    config.set(0x1d, 1, Number(io[1] >> 8n) & 0xf0);
    rows[13] = [...io, IO];
  }
  if (memory) {
    config.set(0x20, 2, Number(memory[0] >> 16n) & 0xfff0);
    config.set(0x22, 2, Number(memory[1] >> 16n) & 0xfff0);
    rows[14] = [...memory, MEMORY];
  }
  if (prefetch) {
    config.set(0x24, 2, Number((prefetch[0] >> 16n) & 0xfff0n) | 1);
    config.set(0x26, 2, Number((prefetch[1] >> 16n) & 0xfff0n) | 1);
    config.set(0x28, 4, Number(prefetch[0] >> 32n));
    config.set(0x2c, 4, Number(prefetch[1] >> 32n));
    rows[15] = [...prefetch, MEMORY | PREFETCH | WIDE | 1n];
  }
}

const ENDPOINT_TYPES: ReadonlySet<number> = new Set([0, 1, 7]);
const PORT_TYPES: ReadonlySet<number> = new Set([4, 6]);

/** What firmware and Linux set in the PCI Express capability: error reports, payload, common clock, a link that is up. */
function settleExpress(config: ConfigSpace): void {
  const at = config.findCapability(0x10);
  if (at === 0) return;
  const type = (config.read(at + 2, 2) >>> 4) & 0xf;
  const port = PORT_TYPES.has(type);
  if (!ENDPOINT_TYPES.has(type)) config.set(at + 8, 2, 0x2027);
  const link = config.read(at + 0x0c, 4);
  config.set(at + 0x10, 2, 0x0040);
  config.set(at + 0x12, 2, (link & 0x3ff) | 0x1000 | (port ? 0x2000 : 0));
  if (config.read(at + 2, 2) & 0x100) config.set(at + 0x1a, 2, 0x0040);
  if (port && config.read(at + 0x24, 4) & 0x20) config.set(at + 0x28, 2, 0x0020);
}

/** Linux turns on what separates and leaves translation blocking off. */
function settleAcs(config: ConfigSpace): void {
  const at = config.findExtendedCapability(0x0d);
  if (at !== 0) config.set(at + 6, 2, config.read(at + 4, 2) & 0x1d);
}

function headerOf(fn: BootedFunction): Header {
  const bars = fn.bars ?? [];
  return { ...fn.header, bars, rom: fn.rom?.size ?? 0, bridge: fn.buses !== undefined };
}

/** One function as sysfs would show it after boot. */
export function bootedFunction(address: string, fn: BootedFunction): FunctionDescription {
  const { bytes } = buildRegisters(headerOf(fn), fn.capabilities ?? [], fn.size);
  const config = new ConfigSpace(bytes.length === 4096 ? 4096 : 256, null, bytes);
  const rows = Array.from({ length: fn.buses ? 17 : 13 }, (): Row => [0n, 0n, 0n]);
  let command = (fn.driver === undefined ? 0 : 0x0404) | placeBars(config, fn, rows);
  config.set(0x0c, 1, fn.buses || bytes.length === 4096 ? 0x10 : 0);
  config.set(0x3c, 1, fn.irq === undefined ? 0 : 0x0b);
  if (fn.buses) {
    config.set(0x18, 1, parseInt(address.slice(5, 7), 16));
    config.set(0x19, 1, fn.buses[0]);
    config.set(0x1a, 1, fn.buses[1]);
    openWindows(config, fn, rows);
    config.set(0x3e, 2, 0x0002);
    command = 0x0407;
  }
  config.set(0x04, 2, command);
  settleExpress(config);
  settleAcs(config);
  return {
    address,
    parent: fn.parent ?? null,
    rootBus: 'pci0000:00',
    config: toHex(config.bytes),
    known: null,
    writable: null,
    writeOneToClear: null,
    resources: rows.map(([start, end, flags]) => [hex64(start), hex64(end), hex64(flags)]),
    driver: fn.driver ?? null,
    className: null,
    deviceName: null,
    irq: fn.irq ?? 0,
    numaNode: -1,
    resetMethod: fn.resetMethod ?? '',
    physicalFunction: null,
    sriov: null,
    model: null,
    attributes: {},
  };
}

/** A file of `labs/machines/`: one function a line. */
export function sampleText(machine: MachineDescription): string {
  const rows = machine.functions.map((fn) => `  ${JSON.stringify(fn)}`);
  const frame = JSON.stringify({ ...machine, functions: [] }, null, 1);
  return `${frame.replace('"functions": []', () => `"functions": [\n${rows.join(',\n')}\n ]`)}\n`;
}
