/** What lspci and setpci know about functions: read from sysfs, or from the hex dump of `lspci -x`. */

/** The files a program may read; null or an empty list where there is nothing or it is not allowed. */
export interface FileAccess {
  list(path: string): string[];
  read(path: string): Uint8Array | null;
  link(path: string): string | null;
}

/** A row of sysfs `resource`. */
export interface Region {
  readonly start: bigint;
  readonly size: bigint;
  readonly flags: number;
}

export interface PciFunctionInfo {
  readonly domain: number;
  readonly bus: number;
  readonly device: number;
  readonly fn: number;
  /** The bytes that could be read: 64 without rights, else 256 or 4096. */
  readonly config: Uint8Array;
  readonly vendor: number;
  readonly deviceId: number;
  /** base << 8 | subclass. */
  readonly classCode: number;
  readonly progIf: number;
  readonly revision: number;
  readonly subsystem: { readonly vendor: number; readonly device: number } | null;
  readonly irq: number;
  /** Regions 0–5 and 6 (ROM) as the kernel sees them; null: only the registers are known. */
  readonly regions: readonly Region[] | null;
  /** Bridge windows: I/O, memory, prefetchable; null: only the registers are known. */
  readonly windows: readonly Region[] | null;
  readonly driver: string | null;
  readonly modules: readonly string[];
  readonly numaNode: number | null;
  readonly iommuGroup: string | null;
  readonly physicalSlot: string | null;
  /** Firmware's name for the device (`label`). */
  readonly label: string | null;
  /** Address of the bridge above, as sysfs nests them; null on a root bus or when unknown. */
  readonly parent: string | null;
}

const decoder = new TextDecoder();
const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');

export const nameOf = (f: { domain: number; bus: number; device: number; fn: number }): string =>
  `${hex(f.domain, 4)}:${hex(f.bus, 2)}:${hex(f.device, 2)}.${f.fn}`;

export const compareFunctions = (a: PciFunctionInfo, b: PciFunctionInfo): number =>
  a.domain - b.domain || a.bus - b.bus || a.device - b.device || a.fn - b.fn;

function parseName(name: string): { domain: number; bus: number; device: number; fn: number } | null {
  const match = /^(?:([0-9a-f]{4,8}):)?([0-9a-f]{2}):([0-9a-f]{2})\.([0-9])$/i.exec(name);
  if (!match) return null;
  const [domain, bus, device, fn] = [1, 2, 3, 4].map((i) => parseInt(match[i] ?? '0', 16)) as [
    number,
    number,
    number,
    number,
  ];
  return { domain, bus, device, fn };
}

function readText(files: FileAccess, path: string): string | null {
  const bytes = files.read(path);
  return bytes ? decoder.decode(bytes).replace(/\n$/, '') : null;
}

function readNumber(files: FileAccess, path: string, otherwise: number): number {
  const text = readText(files, path);
  const value = text === null ? NaN : Number(text.trim());
  return Number.isFinite(value) ? value : otherwise;
}

function readRegions(text: string): Region[] {
  return text.split('\n').map((line) => {
    const [start, end, flags] = line.trim().split(/\s+/);
    if (flags === undefined) return { start: 0n, size: 0n, flags: 0 };
    const from = BigInt(start!);
    const to = BigInt(end!);
    return { start: from, size: to > from ? to - from + 1n : 0n, flags: Number(BigInt(flags) & 0xffffffffn) };
  });
}

/** Slot directories by `domain:bus:device`. */
function readSlots(files: FileAccess, root: string): Map<string, string> {
  const slots = new Map<string, string>();
  for (const name of files.list(`${root}/slots`)) {
    const address = readText(files, `${root}/slots/${name}/address`)?.trim();
    if (address && !slots.has(address)) slots.set(address, name);
  }
  return slots;
}

const basename = (path: string): string => path.split('/').at(-1) ?? '';

/** Bridge above a function, from where its link points: `../../../devices/pci0000:00/0000:00:01.0/0000:01:00.0`. */
function parentOf(target: string | null): string | null {
  const above = target?.split('/').at(-2) ?? '';
  return parseName(above) && above.includes(':') ? above : null;
}

/** All functions below `/sys/bus/pci/devices`, in order of address. `modulesOf` gives the modules for a modalias. */
export function readSysfsFunctions(
  files: FileAccess,
  root = '/sys/bus/pci',
  modulesOf: (modalias: string) => readonly string[] = () => [],
): PciFunctionInfo[] {
  const slots = readSlots(files, root);
  const functions: PciFunctionInfo[] = [];
  for (const name of files.list(`${root}/devices`)) {
    const address = parseName(name);
    if (!address) continue;
    const folder = `${root}/devices/${name}`;
    const config = files.read(`${folder}/config`);
    const cls = readNumber(files, `${folder}/class`, 0);
    const rows = readText(files, `${folder}/resource`);
    const all = rows === null ? null : readRegions(rows);
    const group = files.link(`${folder}/iommu_group`);
    const driver = files.link(`${folder}/driver`);
    const node = readNumber(files, `${folder}/numa_node`, -1);
    const bridge = config !== null && ((config[0x0e] ?? 0) & 0x7f) === 1;
    functions.push({
      ...address,
      config: config ?? new Uint8Array(0),
      vendor: readNumber(files, `${folder}/vendor`, 0xffff),
      deviceId: readNumber(files, `${folder}/device`, 0xffff),
      classCode: cls >>> 8,
      progIf: cls & 0xff,
      revision: readNumber(files, `${folder}/revision`, 0),
      subsystem: {
        vendor: readNumber(files, `${folder}/subsystem_vendor`, 0),
        device: readNumber(files, `${folder}/subsystem_device`, 0),
      },
      irq: readNumber(files, `${folder}/irq`, 0),
      regions: all?.slice(0, 7) ?? null,
      // Bridge windows are the four rows after those of the SR-IOV regions, where the kernel has these.
      windows: bridge && all ? (all.length > 13 ? all.slice(13, 16) : []) : null,
      driver: driver ? basename(driver) : null,
      modules: modulesOf(readText(files, `${folder}/modalias`) ?? ''),
      numaNode: node >= 0 ? node : null,
      iommuGroup: group ? basename(group) : null,
      physicalSlot: slots.get(nameOf(address).slice(0, -2)) ?? null,
      label: readText(files, `${folder}/label`),
      parent: parentOf(files.link(folder)),
    });
  }
  return functions.sort(compareFunctions);
}

/** A dump that lspci cannot read; the message is what it prints. */
export class DumpError extends Error {}

/** The standard header. What has less cannot be looked into. */
const HEADER_SIZE = 64;
export const isReadable = (info: PciFunctionInfo): boolean => info.config.length >= HEADER_SIZE;

/** Little-endian value; all ones when not all of its bytes are there. */
function valueAt(config: Uint8Array, at: number, width: 1 | 2): number {
  if (at + width > config.length) return width === 1 ? 0xff : 0xffff;
  return width === 1 ? config[at]! : config[at]! | (config[at + 1]! << 8);
}
const word = (config: Uint8Array, at: number): number => valueAt(config, at, 2);

function subsystemIn(config: Uint8Array): { vendor: number; device: number } | null {
  const layout = valueAt(config, 0x0e, 1) & 0x7f;
  if (layout === 0) return { vendor: word(config, 0x2c), device: word(config, 0x2e) };
  if (layout === 2) return { vendor: word(config, 0x40), device: word(config, 0x42) };
  return null;
}

function fromRegisters(
  address: { domain: number; bus: number; device: number; fn: number },
  config: Uint8Array,
): PciFunctionInfo {
  return {
    ...address,
    config,
    vendor: word(config, 0),
    deviceId: word(config, 2),
    classCode: word(config, 0x0a),
    progIf: valueAt(config, 0x09, 1),
    revision: valueAt(config, 0x08, 1),
    subsystem: subsystemIn(config),
    irq: valueAt(config, 0x3c, 1),
    regions: null,
    windows: null,
    driver: null,
    modules: [],
    numaNode: null,
    iommuGroup: null,
    physicalSlot: null,
    label: null,
    parent: null,
  };
}

/**
 * Reads `lspci -x` text: lines with an address start a function, hex lines fill it, all others are skipped. In the order
 * of the text.
 */
export function readDump(text: string): PciFunctionInfo[] {
  const functions: { address: NonNullable<ReturnType<typeof parseName>>; bytes: number[] }[] = [];
  let bytes: number[] | null = null;
  const lines = text.split('\n');
  // What stands behind the last newline is a line without an end.
  const rest = lines.pop() !== '';
  for (const ended of lines) {
    if (ended.length > LONGEST_LINE) throw new DumpError(UNTERMINATED);
    const line = ended.endsWith('\r') ? ended.slice(0, -1) : ended;
    const header = /^((?:[0-9a-f]{4,8}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-9]) /i.exec(line);
    if (header) {
      bytes = [];
      functions.push({ address: parseName(header[1]!)!, bytes });
    } else if (line === '') bytes = null;
    else if (bytes) {
      const row = /^([0-9a-f]{2,4}): (.*)$/is.exec(line);
      if (row) takeRow(bytes, parseInt(row[1]!, 16), row[2]!);
    }
  }
  if (rest) throw new DumpError(UNTERMINATED);
  return functions.map(({ address, bytes: found }) =>
    fromRegisters(
      address,
      Uint8Array.from(found, (byte) => byte ?? 0xff),
    ),
  );
}

const UNTERMINATED = 'line too long or unterminated';
const LONGEST_LINE = 253;

function takeRow(bytes: number[], from: number, text: string): void {
  const values = /^(?:[0-9a-f]{2}(?: |$))*/i.exec(text)![0];
  const row = values === '' ? [] : values.trimEnd().split(' ');
  if (from + row.length > 4096) throw new DumpError('At most 4096 bytes of config space are supported');
  row.forEach((value, index) => (bytes[from + index] = parseInt(value, 16)));
  if (values !== text) throw new DumpError('Malformed line');
}
