/**
 * Reads a copy of a machine's `/sys`: an archive or a folder. Wanted are the function folders below `devices/pci…`
 * (`config`, `resource`, `irq`, …) and `kernel/iommu_groups`; a flat copy of `bus/pci/devices` does as well.
 */
import type {
  FunctionDescription,
  IommuKind,
  IommuTable,
  MachineDescription,
  RecordedGroup,
  UnknownFact,
} from '../../hardware/description';
import type { PciAddress } from '../../hardware/pci/address';
import { compareAddresses, formatAddress, parseAddress } from '../../hardware/pci/address';
import { toHex } from '../../shell/calls/hex';
import { ImportError } from './error';
import { iommuOf } from './iommu-kind';
import { readDmar, readIvrs } from './iommu-tables';
import type { Archive } from './tar';
import type { TreeNode } from './tree';
import { placeInTree } from './tree';

const CLASS_HOST_BRIDGE = 0x0600;

interface Folder {
  readonly path: string;
  readonly address: PciAddress;
  readonly config: Uint8Array;
}

/** sysfs attribute → name in the description. */
const ATTRIBUTES: Record<string, [string, 'number' | 'text']> = {
  class: ['class', 'text'],
  revision: ['revision', 'text'],
  modalias: ['modalias', 'text'],
  msi_bus: ['msiBus', 'number'],
  d3cold_allowed: ['d3coldAllowed', 'number'],
  ari_enabled: ['ariEnabled', 'number'],
  dma_mask_bits: ['dmaMaskBits', 'number'],
  consistent_dma_mask_bits: ['consistentDmaMaskBits', 'number'],
  enable: ['enable', 'number'],
  broken_parity_status: ['brokenParityStatus', 'number'],
  boot_vga: ['bootVga', 'number'],
  power_state: ['powerState', 'text'],
  current_link_speed: ['currentLinkSpeed', 'text'],
  current_link_width: ['currentLinkWidth', 'text'],
  max_link_speed: ['maxLinkSpeed', 'text'],
  max_link_width: ['maxLinkWidth', 'text'],
  driver_override: ['driverOverride', 'text'],
};

const decoder = new TextDecoder();
const basename = (path: string): string => path.split('/').at(-1) ?? '';

/** Text of a file; archives made directly from sysfs pad attributes with zeros to a page. */
function textOf(archive: Archive, path: string): string | null {
  const bytes = archive.files.get(path);
  if (!bytes) return null;
  const end = bytes.indexOf(0);
  return decoder.decode(end < 0 ? bytes : bytes.subarray(0, end)).trim();
}

/** Target of a link, also where the copy holds it as a file with the target's path in it. */
const linkOf = (archive: Archive, path: string): string | null => archive.links.get(path) ?? textOf(archive, path);

/** One folder a function; of several copies (below devices/ and below bus/pci/devices) the nested one. */
function findFolders(archive: Archive): Folder[] {
  const found = new Map<string, Folder>();
  for (const [path, config] of archive.files) {
    const match = /^(?:.*\/)?([0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7])\/config$/i.exec(path);
    if (!match) continue;
    const address = parseAddress(match[1]!.toLowerCase())!;
    const name = formatAddress(address);
    const folder = path.slice(0, -'/config'.length);
    const before = found.get(name);
    if (!before || folder.length > before.path.length) found.set(name, { path: folder, address, config });
  }
  return [...found.values()].sort((a, b) => compareAddresses(a.address, b.address));
}

const word = (bytes: Uint8Array, at: number): number => (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);

function sriovNumbers(config: Uint8Array): TreeNode['sriov'] {
  for (let at = 0x100, left = 480; at >= 0x100 && at + 0x40 <= config.length && left > 0; left--) {
    const id = word(config, at);
    if (id === 0x10) {
      const enabled = (config[at + 8]! & 1) === 1;
      return {
        numVfs: enabled ? word(config, at + 0x10) : 0,
        offset: word(config, at + 0x14),
        stride: word(config, at + 0x16),
      };
    }
    at = (word(config, at + 2) >> 4) & 0xffc;
  }
  return null;
}

function nodeOf(folder: Folder): TreeNode {
  const layout = (folder.config[0x0e] ?? 0) & 0x7f;
  const bridge = layout === 1 || layout === 2;
  return {
    address: folder.address,
    line: null,
    bus: bridge ? { secondary: folder.config[0x19]!, subordinate: folder.config[0x1a]! } : null,
    isBridge: bridge,
    needsPort: false,
    onRoot: word(folder.config, 0x0a) === CLASS_HOST_BRIDGE && !bridge,
    sriov: sriovNumbers(folder.config),
  };
}

/** Parent and root bus as the folder's path shows them; null for a flat copy. */
function placeByPath(folder: Folder): { parent: string | null; rootBus: string } | null {
  const parts = folder.path.split('/');
  const root = parts.findLastIndex((part) => /^pci[0-9a-f]{4,8}:[0-9a-f]{2}$/i.test(part));
  if (root < 0) return null;
  const above = parts.length - 2 > root ? parseAddress(parts.at(-2)!.toLowerCase()) : null;
  return { parent: above ? formatAddress(above) : null, rootBus: parts[root]!.toLowerCase() };
}

function readResources(text: string | null): FunctionDescription['resources'] {
  if (text === null) return null;
  const rows = text
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(
      (row): row is [string, string, string] => row.length === 3 && row.every((cell) => /^0x[0-9a-f]+$/i.test(cell)),
    );
  return rows.length > 0 ? rows.slice(0, 32) : null;
}

function readConfig(bytes: Uint8Array): { config: string; known: string | null } {
  const size = bytes.length > 256 ? 4096 : 256;
  const whole = new Uint8Array(size);
  whole.set(bytes.subarray(0, size));
  if (bytes.length >= size) return { config: toHex(whole), known: null };
  return { config: toHex(whole), known: toHex(new Uint8Array(size).fill(0xff, 0, bytes.length)) };
}

function integer(text: string | null): number | null {
  return text !== null && /^-?\d+$/.test(text) ? Number(text) : null;
}

function describe(
  archive: Archive,
  folder: Folder,
  place: { parent: string | null; rootBus: string },
  physical: string | null,
): FunctionDescription {
  const text = (name: string): string | null => textOf(archive, `${folder.path}/${name}`);
  const attributes: FunctionDescription['attributes'] = {};
  for (const [file, [name, kind]] of Object.entries(ATTRIBUTES)) {
    const value = text(file);
    if (value !== null) attributes[name] = kind === 'number' ? integer(value) : value;
  }
  const driver = linkOf(archive, `${folder.path}/driver`);
  const uevent = /^DRIVER=(.+)$/m.exec(text('uevent') ?? '');
  const totalVfs = integer(text('sriov_totalvfs'));
  const physfn = linkOf(archive, `${folder.path}/physfn`);
  return {
    address: formatAddress(folder.address),
    ...place,
    ...readConfig(folder.config),
    writable: null,
    writeOneToClear: null,
    resources: readResources(text('resource')),
    driver: driver ? basename(driver) : (uevent?.[1] ?? null),
    className: null,
    deviceName: null,
    irq: integer(text('irq')),
    numaNode: integer(text('numa_node')) ?? -1,
    resetMethod: text('reset_method'),
    physicalFunction: physfn ? basename(physfn) : physical,
    sriov: totalVfs === null ? null : { totalVfs, numVfs: integer(text('sriov_numvfs')) ?? 0 },
    model: null,
    attributes,
  };
}

/** Groups from the functions' `iommu_group` links and from `kernel/iommu_groups/N/devices`. */
function readGroups(archive: Archive, folders: readonly Folder[]): Record<string, RecordedGroup> | null {
  const groupOf = new Map<string, string>();
  const details = new Map<string, { type: string | null; reserved: [string, string, string][] }>();
  for (const path of [...archive.files.keys(), ...archive.links.keys()]) {
    const match = /(?:^|\/)iommu_groups\/(\d+)\/(type|reserved_regions|devices\/([^/]+))$/.exec(path);
    if (!match) continue;
    const detail = details.get(match[1]!) ?? { type: null, reserved: [] };
    details.set(match[1]!, detail);
    if (match[3] !== undefined) groupOf.set(match[3].toLowerCase(), match[1]!);
    else if (match[2] === 'type') detail.type = textOf(archive, path);
    else {
      for (const line of (textOf(archive, path) ?? '').split('\n')) {
        const row = line.trim().split(/\s+/);
        if (row.length === 3) detail.reserved.push([row[0]!, row[1]!, row[2]!]);
      }
    }
  }
  for (const folder of folders) {
    const link = linkOf(archive, `${folder.path}/iommu_group`);
    if (link && /^\d+$/.test(basename(link))) groupOf.set(formatAddress(folder.address), basename(link));
  }
  if (groupOf.size === 0) return null;
  const groups: Record<string, RecordedGroup> = {};
  for (const folder of folders) {
    const id = groupOf.get(formatAddress(folder.address));
    if (id === undefined) continue;
    groups[id] ??= { devices: [], type: details.get(id)?.type ?? null, reserved: details.get(id)?.reserved ?? [] };
    groups[id].devices.push(formatAddress(folder.address));
  }
  return groups;
}

/** The unit's name below class/iommu: `dmar0`, `ivhd0`, `smmu3.0x…`. */
function iommuByClass(archive: Archive): IommuKind | null {
  for (const path of [...archive.links.keys(), ...archive.files.keys()]) {
    const name =
      /(?:^|\/)class\/iommu\/([^/]+)/.exec(path)?.[1] ?? /\/iommu\/(dmar\d+|ivhd\d+|smmu[^/]*)/.exec(path)?.[1];
    if (name === undefined) continue;
    if (name.startsWith('dmar')) return 'intel-vtd';
    if (name.startsWith('ivhd')) return 'amd-vi';
    if (/smmu/.test(name)) return 'smmu';
    if (name.startsWith('virtio')) return 'virtio-iommu';
  }
  return null;
}

/** The copy has the folder of IOMMU units, and none is in it. */
const showsNoIommu = (archive: Archive): boolean =>
  iommuByClass(archive) === null && [...(archive.folders ?? [])].some((path) => /(?:^|\/)class\/iommu$/.test(path));

/** A file of /proc at the top of the copy. */
function procText(archive: Archive, name: string): string {
  for (const path of archive.files.keys())
    if (path === `proc/${name}` || path.endsWith(`/proc/${name}`)) return textOf(archive, path) ?? '';
  return '';
}

/** Firmware's own table, where the copy has it; else which unit each function's `iommu` link leads to. */
function tableOf(archive: Archive, folders: readonly Folder[]): IommuTable | null {
  const configs = new Map(folders.map((folder) => [formatAddress(folder.address), folder.config]));
  const behind = (address: string): number | null => {
    const config = configs.get(address);
    return config === undefined || (config[0x0e]! & 0x7f) !== 1 ? null : config[0x19]!;
  };
  for (const [path, bytes] of archive.files) {
    const table = /(?:^|\/)acpi\/tables\/(DMAR|IVRS)$/.exec(path)?.[1];
    const read = table === 'DMAR' ? readDmar(bytes, behind) : table === 'IVRS' ? readIvrs(bytes) : null;
    if (read !== null) return read;
  }
  return tableOfLinks(archive, folders);
}

/** Several units that links name: which of them is for the rest no link tells; it is taken to be the host bridge's. */
function tableOfLinks(archive: Archive, folders: readonly Folder[]): IommuTable | null {
  const units = new Map<number, IommuTable['units'][number]>();
  for (const { path, address } of folders) {
    const link = linkOf(archive, `${path}/iommu`);
    const number = link === null ? null : /^(?:dmar|ivhd)(\d+)$/.exec(basename(link))?.[1];
    if (number == null) continue;
    const unit = units.get(Number(number)) ?? { segment: address.segment, rest: false, scope: [] };
    units.set(Number(number), unit);
    unit.scope.push({ at: formatAddress(address) });
    if (address.bus === 0 && address.device === 0 && address.function === 0) unit.rest = true;
  }
  const last = Math.max(-1, ...units.keys());
  if (units.size < 2 || last >= MOST_UNITS) return null;
  const none = { segment: 0, rest: false, scope: [] };
  return { units: Array.from({ length: last + 1 }, (_, number) => units.get(number) ?? none), reserved: [] };
}

const MOST_UNITS = 1024;

/** Functions that the kernel takes to be behind a port that leads out of the machine (its attribute `removable`). */
function removableIn(archive: Archive, folders: readonly Folder[]): Set<string> {
  const found = folders.filter((folder) => textOf(archive, `${folder.path}/removable`)?.trim() === 'removable');
  return new Set(found.map((folder) => formatAddress(folder.address)));
}

/** What firmware said of the ports shows in what the kernel made of it: such a port is the first above them that stays. */
function markOutside(functions: readonly FunctionDescription[], removable: ReadonlySet<string>): void {
  const byAddress = new Map(functions.map((fn) => [fn.address, fn]));
  for (const fn of functions) {
    if (!removable.has(fn.address)) continue;
    fn.attributes['untrusted'] = 1;
    const above = fn.parent === null ? undefined : byAddress.get(fn.parent);
    if (above && above.parent === null && !removable.has(above.address)) above.attributes['externalFacing'] = 1;
  }
}

/** Throws ImportError when the copy holds no function's `config`. */
export function readSysfs(archive: Archive, name: string): MachineDescription {
  const folders = findFolders(archive);
  if (folders.length === 0) {
    throw new ImportError('holds no PCI function: there is no file …/0000:00:00.0/config in it');
  }
  const empty = folders.find((folder) => folder.config.length < 64);
  if (empty) throw new ImportError(`${empty.path}/config has ${empty.config.length} bytes; a header has 64`);
  const unknown: UnknownFact[] = [];
  const placed = placeInTree(folders.map(nodeOf), unknown);
  const nested = folders.every((folder) => placeByPath(folder) !== null);
  const functions = folders.map((folder) => {
    const byBuses = placed.get(formatAddress(folder.address))!;
    const byPath = placeByPath(folder);
    const place = byPath ?? { parent: byBuses.parent, rootBus: byBuses.rootBus };
    const described = describe(archive, folder, place, byBuses.physicalFunction);
    if (byPath === null && !byBuses.certain) described.parentKnown = false;
    return described;
  });
  const addresses = new Set(functions.map((fn) => fn.address));
  for (const fn of functions) {
    if (fn.parent !== null && !addresses.has(fn.parent)) {
      unknown.push({ function: fn.address, what: 'parent', why: `the bridge ${fn.parent} is not in the copy` });
      fn.parent = placed.get(fn.address)!.parent;
    }
    if (fn.known !== null) {
      const why = 'the copy was not made as root: only the first 64 bytes of the configuration could be read';
      unknown.push({ function: fn.address, what: 'capabilities', why }, { function: fn.address, what: 'acs', why });
    }
  }
  markOutside(functions, removableIn(archive, folders));
  const groups = readGroups(archive, folders);
  const table = tableOf(archive, folders);
  const version =
    /Linux version (\S+)/.exec(procText(archive, 'version'))?.[1] ?? procText(archive, 'sys/kernel/osrelease');
  return {
    format: 'vfiolab-machine/1',
    name,
    about: `${functions.length} functions, read from a copy of /sys`,
    source: 'sysfs',
    booted: true,
    iommu:
      iommuByClass(archive) ??
      (showsNoIommu(archive) && groups === null ? 'none' : null) ??
      iommuOf(folders.map(({ config }) => ({ classCode: word(config, 0x0a), vendor: word(config, 0) }))),
    ...(table !== null && { iommuTable: table }),
    kernel: {
      release: version,
      build: 'debian',
      cmdline: procText(archive, 'cmdline'),
      modules: procText(archive, 'modules')
        .split('\n')
        .map((line) => line.split(' ')[0]!)
        .filter((module) => module !== '')
        .reverse(),
      moduleOptions: {},
      drivers: [...new Set(functions.map((fn) => fn.driver).filter((driver) => driver !== null))].sort(),
    },
    functions,
    recordedGroups: groups ?? (showsNoIommu(archive) ? {} : null),
    unknown: nested
      ? unknown.filter((fact) => fact.what !== 'parent' || fact.why.includes('not in the copy'))
      : unknown,
  };
}
