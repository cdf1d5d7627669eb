/** Programs about the kernel: dmesg, lsmod, modprobe, rmmod, modinfo, driverctl. */
import { canonical, readModprobe } from '../boot-files';
import { ErrnoError, failureText, strerror } from '../errors';
import { finish } from '../files';
import { formatTime } from '../time';
import type { Program, ProgramContext } from './program';
import { parseOptions } from './support/options';
import { complain, print } from './support/output';
import { lookUp } from '../../hardware/lookup';

// ---- dmesg

const LEVELS = ['emerg', 'alert', 'crit', 'err', 'warn', 'notice', 'info', 'debug'];

interface LogLine {
  level: number;
  sequence: number;
  /** Microseconds since boot. */
  time: number;
  text: string;
}

function records(context: ProgramContext, from: number): LogLine[] {
  const answer = context.system.call({ op: 'syslog', from });
  if (answer.errno !== undefined) throw new ErrnoError(answer.errno);
  return (answer.lines ?? []).map((line) => {
    const match = /^(\d+),(\d+),(\d+),-;([\s\S]*)$/.exec(line);
    return {
      level: Number(match?.[1] ?? 6),
      sequence: Number(match?.[2] ?? 0),
      time: Number(match?.[3] ?? 0),
      text: match?.[4] ?? line,
    };
  });
}

/** The levels of `-l err,warn` or `-l +warn`, `-l warn+`; null for a wrong name. */
function levelSet(text: string): Set<number> | string {
  const out = new Set<number>();
  for (const part of text.split(',')) {
    const name = part.replace(/^\+|\+$/g, '');
    const at = LEVELS.indexOf(name);
    if (at < 0) return name;
    const [from, to] = part.startsWith('+') ? [at, 7] : part.endsWith('+') ? [0, at] : [at, at];
    for (let level = from; level <= to; level++) out.add(level);
  }
  return out;
}

export const dmesg: Program = async (context) => {
  const parsed = await parseOptions(context, {
    short: 'CcDdeEF:fHhkL::l:n:PprSs:TtuwWx',
    long: {
      clear: 'C',
      'read-clear': 'c',
      ctime: 'T',
      decode: 'x',
      follow: 'w',
      'follow-new': 'W',
      human: 'H',
      kernel: 'k',
      level: 'l:',
      nopager: 'P',
      notime: 't',
      raw: 'r',
      reltime: 'e',
      color: 'L::',
      'show-delta': 'd',
      userspace: 'u',
    },
  });
  if (typeof parsed === 'number') return parsed;
  const wanted = parsed.has('l') ? levelSet(parsed.value('l')!) : null;
  if (typeof wanted === 'string') {
    await complain(context, `unknown level '${wanted}'`);
    return 1;
  }
  const when = parsed.has('L') ? parsed.value('L') || 'auto' : 'auto';
  const color = when === 'always' || (when === 'auto' && context.isTerminal(1));
  const now = context.system.now?.() ?? { realtime: 0, monotonic: 0 };
  const boot = now.realtime - now.monotonic;
  let before = 0;
  const shown = (line: LogLine): string => {
    const seconds = (line.time / 1e6).toFixed(6).padStart(12);
    const stamp = parsed.has('T')
      ? formatTime('%a %b %e %H:%M:%S %Y', boot + line.time / 1000)
      : parsed.has('d')
        ? `${seconds} <${((line.time - before) / 1e6).toFixed(6).padStart(12)}>`
        : seconds;
    before = line.time;
    if (parsed.has('r')) return `<${line.level}>[${seconds}] ${line.text}\n`;
    const time = parsed.has('t') ? '' : color ? `\x1b[32m[${stamp}] \x1b[0m` : `[${stamp}] `;
    const facility = parsed.has('x') ? `kern  :${LEVELS[line.level]!.padEnd(6)}: ` : '';
    if (!color) return `${facility}${time}${line.text}\n`;
    const subsystem = /^([\w/.-]+(?: [\w:.]+)?: )/.exec(line.text)?.[1] ?? '';
    const rest = line.text.slice(subsystem.length);
    const paint = line.level <= 3 ? `\x1b[31m${rest}\x1b[0m` : line.level === 4 ? `\x1b[1m${rest}\x1b[0m` : rest;
    return `${facility}${time}${subsystem === '' ? '' : `\x1b[33m${subsystem}\x1b[0m`}${paint}\n`;
  };
  let next = 0;
  const take = (): string => {
    const fresh = records(context, next);
    next += fresh.length;
    return fresh
      .filter((line) => wanted === null || wanted.has(line.level))
      .map(shown)
      .join('');
  };
  if (parsed.has('C')) {
    await complain(context, 'clear kernel buffer failed: Operation not permitted');
    return 1;
  }
  if (parsed.has('W')) next = records(context, 0).length;
  try {
    await print(context, take());
    if (!parsed.has('w') && !parsed.has('W')) return 0;
    for (;;) {
      await context.system.wait();
      context.signal.throwIfAborted();
      await print(context, take());
    }
  } catch (error) {
    if (!(error instanceof ErrnoError) || error.errno === 'EPIPE') throw error;
    await complain(context, `read kernel buffer failed: ${error.message}`);
    return 1;
  }
};

// ---- modules

interface LoadedModule {
  name: string;
  size: string;
  references: string;
  users: string[];
}

function loaded(context: ProgramContext): LoadedModule[] {
  return context.files
    .readText('/proc/modules')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [name = '', size = '', references = '', users = '-'] = line.split(' ');
      return { name, size, references, users: users.split(',').filter((user) => user !== '' && user !== '-') };
    });
}

export const lsmod: Program = async (context) => {
  await print(context, 'Module                  Size  Used by\n');
  for (const { name, size, references, users } of loaded(context)) {
    await print(
      context,
      `${name.padEnd(19)} ${size.padStart(8)}  ${references}${users.length > 0 ? ` ${users.join(',')}` : ''}\n`,
    );
  }
  return 0;
};

/** What a module needs first; the kernel's table of symbols says it for the modules of the lab. */
const DEPENDENCIES: Readonly<Record<string, readonly string[]>> = {
  vfio_pci: ['vfio_pci_core'],
  vfio_pci_core: ['vfio', 'irqbypass'],
  vfio_iommu_type1: ['vfio'],
};
/** Softdeps that the module itself declares. */
const MODULE_SOFTDEPS: Readonly<Record<string, readonly string[]>> = { vfio: ['vfio_iommu_type1'] };

export const modprobe: Program = async (context) => {
  const parsed = await parseOptions(context, {
    short: 'abcC:Dd:fiInqrRS:svV',
    strict: false,
    long: {
      all: 'a',
      remove: 'r',
      'use-blacklist': 'b',
      quiet: 'q',
      verbose: 'v',
      'dry-run': 'n',
      show: 'n',
      showconfig: 'c',
      'show-depends': 'D',
      'ignore-install': 'i',
      'first-time': 'first',
      'resolve-alias': 'R',
    },
  });
  if (typeof parsed === 'number') return parsed;
  const [name, ...rest] = parsed.operands;
  const release = context.files.tryReadLine('/proc/sys/kernel/osrelease') ?? '';
  if (parsed.has('c')) {
    const { blacklist, options, installs, before, after } = readModprobe(context.files);
    for (const module of blacklist) await print(context, `blacklist ${module}\n`);
    for (const [module, given] of options) await print(context, `options ${module} ${given}\n`);
    for (const [module, command] of installs) await print(context, `install ${module} ${command}\n`);
    for (const module of new Set([...before.keys(), ...after.keys()])) {
      const [pre, post] = [before.get(module), after.get(module)];
      const words = [...(pre ? ['pre:', ...pre] : []), ...(post ? ['post:', ...post] : [])];
      await print(context, `softdep ${module} ${words.join(' ')}\n`);
    }
    return 0;
  }
  if (name === undefined) {
    await complain(context, 'ERROR: missing parameters. See -h.');
    return 1;
  }
  const config = readModprobe(context.files);
  const names = parsed.has('a') || parsed.has('r') ? parsed.operands : [name];
  const options = parsed.has('a') ? '' : rest.join(' ');
  let status = 0;
  for (const module of names)
    status = Math.max(
      status,
      parsed.has('r') ? await remove(context, module, parsed.has('q')) : await insert(module, options, true),
    );
  return status;

  async function insert(module: string, given: string, top: boolean): Promise<number> {
    const key = canonical(module);
    const aliased = config.aliases.get(key);
    if (aliased !== undefined && !aliased.includes(key)) {
      return Math.max(...(await inOrder(aliased, (other) => insert(other, given, top))));
    }
    if (context.files.tryStat(`/sys/module/${key}`)) {
      if (top && parsed !== 0 && typeof parsed !== 'number' && parsed.has('first')) {
        await complain(context, `ERROR: could not insert '${key}': Module already in kernel`);
        return 1;
      }
      return 0;
    }
    if (config.blacklist.has(key) && typeof parsed !== 'number' && parsed.has('b')) return 0;
    const install = config.installs.get(key);
    if (install !== undefined && typeof parsed !== 'number' && !parsed.has('i')) return context.shell(install);
    for (const needed of lookUp(DEPENDENCIES, key) ?? []) await insert(needed, '', false);
    for (const soft of config.before.get(key) ?? []) await insert(soft, '', false);
    const all = [config.options.get(key), given].filter(Boolean).join(' ');
    if (typeof parsed !== 'number' && parsed.has('v'))
      await print(context, `insmod /lib/modules/${release}/kernel/${key}.ko ${all}\n`);
    if (typeof parsed !== 'number' && parsed.has('n')) return 0;
    const answer = context.system.call({ op: 'insmod', module: key, parameters: all });
    if (answer.errno === 'ENOENT' && typeof parsed !== 'number') {
      if (!parsed.has('q'))
        await complain(context, `FATAL: Module ${module} not found in directory /lib/modules/${release}`);
      return 1;
    }
    if (answer.errno !== undefined && answer.errno !== 'EEXIST') {
      await complain(context, `ERROR: could not insert '${key}': ${strerror(answer.errno)}`);
      return 1;
    }
    for (const soft of [...(lookUp(MODULE_SOFTDEPS, key) ?? []), ...(config.after.get(key) ?? [])])
      await insert(soft, '', false);
    return 0;
  }
};

async function inOrder<A, B>(items: readonly A[], act: (item: A) => Promise<B>): Promise<B[]> {
  const done: B[] = [];
  for (const item of items) done.push(await act(item));
  return done;
}

async function remove(context: ProgramContext, module: string, quiet: boolean): Promise<number> {
  const key = canonical(module);
  const found = loaded(context).find((one) => one.name === key);
  if (!found) {
    const known = context.files.tryStat(`/sys/module/${key}`);
    if (!quiet) await complain(context, known ? `FATAL: Module ${key} is builtin.` : `FATAL: Module ${key} not found.`);
    return 1;
  }
  if (Number(found.references) > 0) {
    await complain(
      context,
      `FATAL: Module ${key} is in use${found.users.length > 0 ? ` by: ${found.users.join(' ')}` : '.'}`,
    );
    return 1;
  }
  const answer = await finish(context.system, { op: 'rmmod', module: key });
  if (answer.errno !== undefined) {
    await complain(context, `ERROR: could not remove '${key}': ${strerror(answer.errno)}`);
    return 1;
  }
  // What nobody uses any more goes too.
  for (const needed of lookUp(DEPENDENCIES, key) ?? []) {
    if (loaded(context).some((one) => one.name === needed && one.references === '0'))
      await remove(context, needed, true);
  }
  return 0;
}

export const rmmod: Program = async (context) => {
  const parsed = await parseOptions(context, { short: 'fsvw', long: { force: 'f', verbose: 'v' } });
  if (typeof parsed === 'number') return parsed;
  if (parsed.operands.length === 0) {
    await complain(context, 'ERROR: missing module name.');
    return 1;
  }
  let status = 0;
  for (const module of parsed.operands) {
    const key = canonical(module);
    const found = loaded(context).find((one) => one.name === key);
    let message: string | null = null;
    if (!found)
      message = context.files.tryStat(`/sys/module/${key}`)
        ? `Module ${key} is builtin.`
        : `Module ${key} is not currently loaded`;
    else if (found.users.length > 0) message = `Module ${key} is in use by: ${found.users.join(' ')}`;
    else if (found.references !== '0') message = `Module ${key} is in use`;
    else {
      const answer = await finish(context.system, { op: 'rmmod', module: key });
      if (answer.errno !== undefined) message = `could not remove module ${key}: ${strerror(answer.errno)}`;
    }
    if (message === null) continue;
    status = 1;
    await complain(context, `ERROR: ${message}`);
  }
  return status;
};

const DESCRIPTIONS: Readonly<Record<string, readonly [string, string, string]>> = {
  vfio: ['VFIO - User Level meta-driver', 'GPL v2', ''],
  vfio_pci: ['VFIO PCI - User Level meta-driver', 'GPL v2', 'vfio-pci-core'],
  vfio_pci_core: ['core driver for VFIO based PCI devices', 'GPL v2', 'vfio,irqbypass'],
  vfio_iommu_type1: ['Type1 IOMMU driver for VFIO', 'GPL v2', 'vfio'],
  irqbypass: ['IRQ bypass manager utility module', 'GPL v2', ''],
  pci_stub: ['', 'GPL', ''],
};

export const modinfo: Program = async (context) => {
  const parsed = await parseOptions(context, {
    short: '0adF:k:lnp',
    long: { field: 'F:', author: 'a', description: 'd', license: 'l', parameters: 'p', filename: 'n' },
  });
  if (typeof parsed === 'number') return parsed;
  if (parsed.operands.length === 0) {
    await complain(context, 'ERROR: missing module or filename.');
    return 1;
  }
  const release = context.files.tryReadLine('/proc/sys/kernel/osrelease') ?? '';
  let status = 0;
  for (const module of parsed.operands) {
    const key = canonical(module);
    const facts = lookUp(DESCRIPTIONS, key);
    if (!facts && !context.files.tryStat(`/sys/module/${key}`)) {
      status = 1;
      await complain(context, `ERROR: Module ${module} not found.`);
      continue;
    }
    const parameters = context.files.tryStat(`/sys/module/${key}/parameters`)
      ? context.files.list(`/sys/module/${key}/parameters`)
      : [];
    const fields: [string, string][] = [
      ['filename', `/lib/modules/${release}/kernel/${key}.ko`],
      ['description', facts?.[0] ?? ''],
      ['license', facts?.[1] ?? 'GPL'],
      ['depends', facts?.[2].replaceAll('_', '-') ?? ''],
      ['name', key],
      ['vermagic', `${release} SMP preempt mod_unload modversions `],
      ...parameters.map((parameter): [string, string] => ['parm', parameter]),
    ];
    const wanted =
      parsed.value('F') ??
      (parsed.has('p') ? 'parm' : parsed.has('n') ? 'filename' : parsed.has('d') ? 'description' : null);
    for (const [field, value] of fields) {
      if (wanted !== null) {
        if (field === wanted) await print(context, `${value}\n`);
      } else if (value !== '' || field === 'depends') await print(context, `${`${field}:`.padEnd(16)}${value}\n`);
    }
  }
  return status;
};

// ---- driverctl

const CLASSES: Readonly<Record<string, string>> = {
  storage: '01',
  network: '02',
  display: '03',
  multimedia: '04',
  memory: '05',
  bridge: '06',
  communication: '07',
  system: '08',
  input: '09',
  docking: '0a',
  processor: '0b',
  serial: '0c',
};

const DRIVERCTL_USAGE = `Usage: driverctl [OPTIONS...] {COMMAND}...

Inspect or control default device driver bindings.

Supported commands:
  set-override <device> <driver>    Make <driver> the default driver
                                    for <device>
  unset-override <device>           Remove any override for <device>
  load-override <device>            Load an override previously specified
                                    for <device>
  list-devices [type]               List all overridable devices
  list-overrides [type]             List all currently specified overrides

Supported device types:
  all ${Object.keys(CLASSES).join(' ')}

Options:
  -h --help             Show this help
  -v --verbose          Show device vendor and name in lists, and each step
     --debug            Show debugging messages
  -b --bus <bus>        Work on bus <bus> (default pci)
     --noprobe          Do not reprobe
     --nosave           Do not save changes
`;

export const driverctl: Program = async (context) => {
  const { files } = context;
  const args = [...context.args];
  const flags = { verbose: false, probe: true, save: true, bus: 'pci' };
  while (args[0]?.startsWith('-')) {
    const word = args.shift()!;
    if (word === '-v' || word === '--verbose' || word === '--debug') flags.verbose = true;
    else if (word === '--noprobe') flags.probe = false;
    else if (word === '--nosave') flags.save = false;
    else if (word === '-b' || word === '--bus') flags.bus = args.shift() ?? 'pci';
    else {
      await print(context, DRIVERCTL_USAGE);
      return 0;
    }
  }
  const [command, target, driver] = args;
  const usage = async (): Promise<number> => {
    await print(context, DRIVERCTL_USAGE);
    return 1;
  };
  const fail = async (message: string): Promise<number> => {
    await complain(context, message);
    return 1;
  };
  const note = async (message: string): Promise<void> => {
    if (flags.verbose) await complain(context, message);
  };
  const root = (): string => `/sys/bus/${flags.bus}`;
  const driverOf = (device: string): string | null => {
    const link = files.tryLstat(`${root()}/devices/${device}/driver`)
      ? files.readlink(`${root()}/devices/${device}/driver`)
      : null;
    return link?.split('/').at(-1) ?? null;
  };

  if (command === 'list-devices' || command === 'list-overrides') {
    if (args.length > 2) return usage();
    if (target !== undefined && target !== 'all' && !lookUp(CLASSES, target))
      return fail(`device type must be one of: all ${Object.keys(CLASSES).join(' ')}`);
    let shown = 0;
    for (const device of files.list(`${root()}/devices`)) {
      const override = files.tryReadLine(`${root()}/devices/${device}/driver_override`);
      if (override === null) continue;
      const set = override !== '(null)' && override !== '';
      if (command === 'list-overrides' && !set) continue;
      const kind = (files.tryReadLine(`${root()}/devices/${device}/class`) ?? '').slice(2, 4);
      if (target !== undefined && target !== 'all' && kind !== CLASSES[target]) continue;
      const mark = command === 'list-devices' && set ? ' [*]' : '';
      const model = flags.verbose ? ` (${files.tryReadLine(`${root()}/devices/${device}/label`) ?? ''})` : '';
      await print(context, `${device} ${driverOf(device) ?? '(none)'}${mark}${model}\n`);
      shown += 1;
    }
    return shown > 0 ? 0 : fail('No overridable devices found. Kernel too old?');
  }
  if (command !== 'set-override' && command !== 'unset-override' && command !== 'load-override') return usage();
  if (target === undefined || args.length !== (command === 'set-override' ? 3 : 2)) return usage();
  let device = target;
  const slash = target.indexOf('/');
  if (slash > 0) {
    flags.bus = target.slice(0, slash);
    device = target.slice(slash + 1);
  }
  const directory = `${root()}/devices/${device}`;
  if (!files.tryStat(directory)) return fail(`no such device: ${device}`);
  if (!files.tryStat(`${directory}/driver_override`)) return fail(`device does not support driver override: ${device}`);
  const saved = `/etc/driverctl.d/${flags.bus}-${device}`;
  let wanted = driver ?? '';
  if (command === 'load-override') {
    wanted = files.tryReadLine(saved) ?? '';
    if (wanted === '') return 1;
  }
  if (wanted !== '' && wanted !== 'none' && !files.tryStat(`/sys/module/${canonical(wanted)}`)) {
    await note(`loading driver ${wanted}`);
    const status = await context.run(['modprobe', '-q', wanted]);
    if (status !== 0) return fail(`no such module: ${wanted}`);
  }
  await note(
    wanted === '' ? `unsetting driver override for ${device}` : `setting driver override for ${device}: ${wanted}`,
  );
  if (driverOf(device) !== wanted || wanted === '') {
    if (driverOf(device) !== null) {
      await note(`unbinding previous driver ${driverOf(device)}`);
      try {
        await files.write(`${directory}/driver/unbind`, `${device}\n`, {});
      } catch (error) {
        if (!(error instanceof ErrnoError)) throw error;
        return fail(`unbinding ${device} failed`);
      }
    } else await note(`device ${device} not bound`);
  }
  await files.write(`${directory}/driver_override`, `${wanted}\n`, {});
  if (flags.probe && wanted !== 'none') {
    await note(`reprobing driver for ${device}`);
    try {
      await files.write(`${root()}/drivers_probe`, `${device}\n`, {});
    } catch (error) {
      if (!(error instanceof ErrnoError)) throw error;
    }
    if (driverOf(device) === null) return fail(`failed to bind device ${device} to driver ${wanted}`);
  }
  if (!flags.save || command === 'load-override') return 0;
  await note(`saving driver override for ${device}`);
  try {
    if (wanted === '') {
      if (files.tryLstat(saved)) files.call({ op: 'unlink', path: saved });
    } else {
      if (!files.tryStat('/etc/driverctl.d')) files.call({ op: 'mkdir', path: '/etc/driverctl.d' });
      await files.write(saved, `${wanted}\n`);
    }
  } catch (error) {
    return fail(`saving driver override failed: ${failureText(error)}`);
  }
  return 0;
};
