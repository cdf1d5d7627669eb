/** /proc (pci-linux.md 9). */
import { ERRNO } from '../errno';
import type { Process } from '../process/process';
import type { PciDevice } from '../pci/device';
import { attribute, directory, link, listing } from './attribute';
import type { Entries } from './attribute';
import { configFile } from './binary';
import type { FsContext } from './context';
import { rangesText } from './iomem';
import type { DirectoryNode, FileNode, LinkNode, Node } from './node';
import { hex } from './numbers';

const text = (show: (process: Process) => string | number, mode = 0o444): FileNode =>
  attribute({ mode, show, size: 0 });

export function procfs(context: FsContext): DirectoryNode {
  const fixed: Entries = {
    bus: () => directory({ pci: () => busPci(context) }),
    cmdline: () => text(() => `${context.description.kernel.cmdline}\n`),
    cpuinfo: () => text(() => cpuinfo()),
    devices: () => text(() => devices(context)),
    interrupts: () => text(() => interrupts(context)),
    iomem: () => text((process) => rangesText(context, process, false)),
    ioports: () => text((process) => rangesText(context, process, true)),
    meminfo: () => text(() => meminfo(context)),
    misc: () => text(() => misc(context)),
    modules: () => text((process) => modules(context, process)),
    mounts: () => link('self/mounts'),
    self: () => ({ ...link(''), targetFor: (process: Process) => String(process.pid) }),
    sys: () => directory({ kernel: () => kernelSettings(context), vm: () => vmSettings(context) }),
    uptime: () => text(() => `${seconds(context)} ${seconds(context)}\n`),
    version: () => text(() => version(context)),
  };
  return {
    ...listing(
      () => [...context.processes.all()].map((process) => String(process.pid)),
      (name) => {
        const process = /^[1-9]\d*$/.test(name) ? context.processes.get(Number(name)) : null;
        return process === null ? null : processDirectory(context, process);
      },
      fixed,
      { mode: 0o555 },
    ),
  };
}

const seconds = (context: FsContext): string => (Number(context.clock.now / 10_000_000n) / 100).toFixed(2);

export const version = (context: FsContext): string =>
  `Linux version ${context.description.kernel.release} (lab@vfio-lab) (gcc) #1 SMP PREEMPT_DYNAMIC\n`;

function kernelSettings(context: FsContext): DirectoryNode {
  return directory({
    hostname: () => text(() => 'lab\n', 0o644),
    osrelease: () => text(() => `${context.description.kernel.release}\n`),
    ostype: () => text(() => 'Linux\n'),
    tainted: () => attribute({ mode: 0o644, size: 0, show: () => `${context.taints()}\n`, store: () => 0 }),
  });
}

const vmSettings = (context: FsContext): DirectoryNode =>
  directory({
    max_map_count: () =>
      attribute({ mode: 0o644, size: 0, show: () => `${context.maxMapCount}\n`, store: () => -ERRNO.EINVAL }),
  });

/** Header and rows of 9.1. One CPU. */
export function interrupts(context: FsContext): string {
  const rows = context.irqs.rows();
  const width = rows.some((row) => row.irq >= 1000) ? 4 : 3;
  const lines = [`${' '.repeat(width + 8)}${'CPU0'.padEnd(11)}`];
  for (const row of rows) {
    const hardware = String(row.hardware).padStart(width + 1);
    lines.push(
      `${String(row.irq).padStart(width)}: ${String(row.count).padStart(10)} ${row.chip.padStart(8)}${hardware}-${row.trigger.padEnd(8)}  ${row.names.join(', ')}`,
    );
  }
  return `${lines.join('\n')}\n`;
}

function devices(context: FsContext): string {
  const majors = new Map<number, string>([
    [1, 'mem'],
    [4, 'tty'],
    [5, '/dev/tty'],
    [10, 'misc'],
  ]);
  if (context.modules.get('vfio') !== null) majors.set(context.vfioMajor, 'vfio');
  const lines = [...majors].sort((a, b) => a[0] - b[0]).map(([major, name]) => `${String(major).padStart(3)} ${name}`);
  return `Character devices:\n${lines.join('\n')}\n\nBlock devices:\n`;
}

function misc(context: FsContext): string {
  return [...context.characterDevices()]
    .filter((device) => device.major === 10)
    .map((device) => `${String(device.minor).padStart(3)} ${device.path.slice(device.path.lastIndexOf('/') + 1)}\n`)
    .join('');
}

/** Newest first; addresses are hidden from everyone without CAP_SYS_ADMIN (kptr_restrict). */
function modules(context: FsContext, process: Process): string {
  const table = context.modules;
  const loaded = [...table.loaded.values()].filter((module) => !module.builtin);
  const lines = loaded.map((module, i) => {
    const users = table.usersOf(module).map((user) => `${user.name},`);
    const address = process.capabilities.has('CAP_SYS_ADMIN') ? 0xffffffffc0300000n + BigInt(i) * 0x20000n : 0n;
    return `${module.name} ${module.size} ${table.referencesOf(module)} ${users.length === 0 ? '-' : users.join('')} Live 0x${hex(address, 16)}\n`;
  });
  return lines.reverse().join('');
}

function meminfo(context: FsContext): string {
  const total = context.memory / 1024n;
  const row = (name: string, kib: bigint): string => `${`${name}:`.padEnd(16)}${String(kib).padStart(8)} kB\n`;
  return (
    row('MemTotal', total - total / 25n) +
    row('MemFree', total - total / 5n) +
    row('MemAvailable', total - total / 6n) +
    row('Buffers', 0n) +
    row('Cached', total / 32n) +
    row('SwapTotal', 0n) +
    row('SwapFree', 0n) +
    `${'HugePages_Total:'.padEnd(16)}${'0'.padStart(8)}\n${'HugePages_Free:'.padEnd(16)}${'0'.padStart(8)}\n` +
    row('Hugepagesize', 2048n)
  );
}

const cpuinfo = (): string =>
  [
    'processor\t: 0',
    'vendor_id\t: GenuineIntel',
    'cpu family\t: 6',
    'model name\t: VFIO Lab virtual CPU',
    'cpu cores\t: 1',
    'flags\t\t: fpu tsc msr pae cx8 apic sep mtrr pge cmov pat clflush mmx fxsr sse sse2 syscall nx lm vmx',
    'address sizes\t: 40 bits physical, 48 bits virtual',
    '',
    '',
  ].join('\n');

// ---- /proc/bus/pci

/** `00`, or `0001:00` outside domain 0. */
function busDirectoryName(device: PciDevice): string {
  const { segment, bus } = device.function.address;
  return segment === 0 ? hex(bus, 2) : `${hex(segment, 4)}:${hex(bus, 2)}`;
}

const slotName = (device: PciDevice): string =>
  `${hex(device.function.address.device, 2)}.${device.function.address.function}`;

function busPci(context: FsContext): DirectoryNode {
  const all = () => [...context.pci.devices.values()];
  return listing(
    () => new Set(all().map(busDirectoryName)),
    (bus) => {
      const members = all().filter((device) => busDirectoryName(device) === bus);
      if (members.length === 0) return null;
      return listing(
        () => members.map(slotName),
        (name) => {
          const device = members.find((d) => slotName(d) === name);
          return device === undefined ? null : configFile(device);
        },
        {},
        { mode: 0o555 },
      );
    },
    {
      devices: () =>
        text(() =>
          all()
            .map((device) => deviceRow(context, device))
            .join(''),
        ),
    },
    { mode: 0o555 },
  );
}

/** One row of /proc/bus/pci/devices: resources 0–6 with the low type bits of their flags, then their sizes. */
function deviceRow(context: FsContext, device: PciDevice): string {
  const { bus, device: slot, function: number } = device.function.address;
  const cell = (value: bigint): string => value.toString(16).padStart(16);
  const rows = device.resources.slice(0, 7);
  const starts = rows.map((r) => cell(r.start | (r.flags & 0xfn)));
  const sizes = rows.map((r) => cell(r.start < r.end ? r.end - r.start + 1n : 0n));
  const head = [
    `${hex(bus, 2)}${hex((slot << 3) | number, 2)}`,
    `${hex(device.vendor, 4)}${hex(device.device, 4)}`,
    device.irq.toString(16),
  ];
  return `${[...head, ...starts, ...sizes].join('\t')}\t${context.pci.boundDriver(device)?.name ?? ''}\n`;
}

// ---- /proc/<pid>

const ownedBy = (process: Process, node: FileNode | DirectoryNode | LinkNode): Node => ({
  ...node,
  uid: process.uid,
  gid: process.gid,
});

function processDirectory(context: FsContext, process: Process): DirectoryNode {
  const file =
    (name: string, mode = 0o444) =>
    (): Node | null => {
      const content = context.processes.text(process, name);
      return content === null
        ? null
        : ownedBy(
            process,
            text(() => context.processes.text(process, name) ?? -ERRNO.ESRCH, mode),
          );
    };
  const fixed: Entries = {
    cmdline: () =>
      ownedBy(
        process,
        text(() => `${process.name}\0`),
      ),
    comm: () =>
      ownedBy(
        process,
        text(() => `${process.name}\n`, 0o644),
      ),
    fd: () => ownedBy(process, descriptors(process)),
    fdinfo: () => ownedBy(process, descriptorInfo(process)),
    limits: () =>
      ownedBy(
        process,
        text(() => limits(process)),
      ),
    maps: file('maps'),
    mounts: () =>
      ownedBy(
        process,
        text(() => MOUNTS),
      ),
    status: file('status'),
  };
  return { ...directory(fixed, { mode: 0o555, owner: process }), uid: process.uid, gid: process.gid };
}

const MOUNTS = [
  'rootfs / rootfs rw 0 0',
  'proc /proc proc rw,nosuid,nodev,noexec,relatime 0 0',
  'sysfs /sys sysfs rw,nosuid,nodev,noexec,relatime 0 0',
  'devtmpfs /dev devtmpfs rw,nosuid,mode=755 0 0',
  '',
].join('\n');

function descriptors(process: Process): DirectoryNode {
  return listing(
    () => [...process.files.entries()].map(([fd]) => String(fd)),
    (name) => {
      const file = /^\d+$/.test(name) ? process.files.get(Number(name)) : null;
      return file === null ? null : { ...link(file.link), mode: 0o700 };
    },
    {},
    { mode: 0o500, owner: process },
  );
}

function descriptorInfo(process: Process): DirectoryNode {
  return listing(
    () => [...process.files.entries()].map(([fd]) => String(fd)),
    (name) => {
      const file = /^\d+$/.test(name) ? process.files.get(Number(name)) : null;
      if (file === null) return null;
      return text(() => `pos:\t0\nflags:\t0${(file.flags ?? 2).toString(8)}\nmnt_id:\t1\nino:\t1\n`);
    },
    {},
    { mode: 0o555, owner: process },
  );
}

function limits(process: Process): string {
  const infinite = 'unlimited';
  const row = (name: string, value: bigint | number | string, unit: string): string => {
    const shown = typeof value === 'bigint' && value >= 0xffffffffffffffffn ? infinite : String(value);
    return `${name.padEnd(25)} ${shown.padEnd(20)} ${shown.padEnd(20)} ${unit.padEnd(10)}\n`;
  };
  return (
    `${'Limit'.padEnd(25)} ${'Soft Limit'.padEnd(20)} ${'Hard Limit'.padEnd(20)} ${'Units'.padEnd(10)}\n` +
    row('Max cpu time', infinite, 'seconds') +
    row('Max open files', process.limits.nofile, 'files') +
    row('Max locked memory', process.limits.memlock, 'bytes') +
    row('Max address space', infinite, 'bytes')
  );
}
