/** ls. */
import { failureText } from '../errors';
import type { FileInfo } from '../files';
import { formatTime } from '../time';
import type { Program, ProgramContext } from './program';
import { compareVersions } from './sort';
import { groupName, humanSize, modeText, userName } from './support/names';
import { parseOptions } from './support/options';
import type { Parsed } from './support/options';
import { complain, print } from './support/output';

interface Entry {
  name: string;
  path: string;
  info: FileInfo | null;
}

const SIX_MONTHS = 15_778_476_000;

function colorOf(context: ProgramContext, entry: Entry): string {
  const { info } = entry;
  switch (info?.type) {
    case 'dir':
      return info.mode & 0o1000 ? '30;42' : '01;34';
    case 'link':
      return context.files.tryStat(entry.path) ? '01;36' : '40;31;01';
    case 'char':
    case 'block':
      return '40;33;01';
    case 'fifo':
      return '40;33';
    case 'socket':
      return '01;35';
    default:
      return info && info.mode & 0o111 ? '01;32' : '';
  }
}

function suffix(entry: Entry, parsed: Parsed): string {
  if (!parsed.has('F') && !(parsed.has('p') && entry.info?.type === 'dir')) return '';
  const marks: Partial<Record<FileInfo['type'], string>> = {
    dir: '/',
    link: parsed.has('l') ? '' : '@',
    fifo: '|',
    socket: '=',
  };
  return (
    marks[entry.info?.type ?? 'file'] ??
    (entry.info && entry.info.mode & 0o111 && entry.info.type === 'file' ? '*' : '')
  );
}

/** A name that a shell would not read as it is, as ls shows it on a terminal. */
const shellName = (name: string): string =>
  /^[\w@%+:,./=^{}\]\[~-]+$/.test(name) && !/^[~{}]/.test(name) ? name : name.includes("'") ? `"${name}"` : `'${name}'`;

class Lister {
  private readonly context: ProgramContext;
  private readonly parsed: Parsed;
  private readonly color: boolean;
  failed = 0;
  private first = true;

  constructor(context: ProgramContext, parsed: Parsed) {
    this.context = context;
    this.parsed = parsed;
    const when = parsed.has('color') ? parsed.value('color') || 'always' : 'never';
    this.color = when === 'always' || (when === 'auto' && context.isTerminal(1));
  }

  private painted(entry: Entry): string {
    const name = this.context.isTerminal(1) && !this.parsed.has('N') ? shellName(entry.name) : entry.name;
    const code = this.color ? colorOf(this.context, entry) : '';
    return code === '' ? name : `\x1b[${code}m${name}\x1b[0m`;
  }

  private sorted(entries: Entry[]): Entry[] {
    const { parsed } = this;
    if (parsed.has('U') || parsed.has('f')) return entries;
    const out = [...entries];
    if (parsed.has('S')) out.sort((a, b) => (b.info?.size ?? 0) - (a.info?.size ?? 0));
    else if (parsed.has('t')) out.sort((a, b) => (b.info?.modified ?? 0) - (a.info?.modified ?? 0));
    else if (parsed.has('v')) out.sort((a, b) => compareVersions(a.name, b.name));
    else out.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
    if (parsed.has('r')) out.reverse();
    return out;
  }

  async show(entries: Entry[], total: boolean): Promise<void> {
    const { context, parsed } = this;
    const list = this.sorted(entries);
    if (parsed.has('l') || parsed.has('n') || parsed.has('g') || parsed.has('o')) {
      const blocks = list.reduce((sum, entry) => sum + this.blocks(entry), 0);
      await print(
        context,
        (total ? `total ${parsed.has('h') ? humanSize(blocks * 1024) : blocks}\n` : '') + this.long(list),
      );
      return;
    }
    const prefix = (entry: Entry): string =>
      (parsed.has('i') ? `${entry.info?.inode ?? 0} ` : '') + (parsed.has('s') ? `${this.blocks(entry)} ` : '');
    const cells = list.map((entry) => ({
      text: prefix(entry) + this.painted(entry) + suffix(entry, parsed),
      width:
        prefix(entry).length +
        (context.isTerminal(1) ? shellName(entry.name) : entry.name).length +
        suffix(entry, parsed).length,
    }));
    const columns = !parsed.has('1') && (context.isTerminal(1) || parsed.has('C') || parsed.has('x'));
    if (!columns) await print(context, cells.map((cell) => `${cell.text}\n`).join(''));
    else await print(context, this.columns(cells, context.terminal?.columns ?? 80));
  }

  private columns(cells: { text: string; width: number }[], available: number): string {
    if (cells.length === 0) return '';
    for (let rows = 1; ; rows++) {
      const count = Math.ceil(cells.length / rows);
      const widths = Array.from({ length: count }, (_, column) =>
        Math.max(...cells.slice(column * rows, (column + 1) * rows).map((cell) => cell.width)),
      );
      if (rows < cells.length && widths.reduce((sum, width) => sum + width + 2, -2) > available) continue;
      let out = '';
      for (let row = 0; row < rows; row++) {
        for (let column = 0; column < count; column++) {
          const cell = cells[column * rows + row];
          if (!cell) continue;
          const last = !cells[(column + 1) * rows + row];
          out += cell.text + (last ? '' : ' '.repeat(widths[column]! + 2 - cell.width));
        }
        out += '\n';
      }
      return out;
    }
  }

  private blocks(entry: Entry): number {
    return entry.info?.type === 'file' && !/^\/(sys|proc)\//.test(this.context.files.absolute(entry.path))
      ? Math.ceil(entry.info.size / 4096) * 4
      : 0;
  }

  private long(list: Entry[]): string {
    const { context, parsed } = this;
    const now = context.system.now?.().realtime ?? 0;
    const numeric = parsed.has('n');
    const devices = list.flatMap((entry) => (entry.info?.device ? [entry.info.device] : []));
    const digits = (at: 0 | 1): number => Math.max(0, ...devices.map((device) => String(device[at]).length));
    const [majors, minors] = [digits(0), digits(1)];
    const rows = list.map((entry) => {
      const { info } = entry;
      if (!info) return ['??????????', '?', '?', '?', '?', '?', this.painted(entry)];
      const time = info.modified ?? now;
      const recent = time <= now && now - time < SIX_MONTHS;
      const when = formatTime(
        parsed.has('full') ? '%Y-%m-%d %H:%M:%S.%N %z' : recent ? '%b %e %H:%M' : '%b %e  %Y',
        time,
      );
      const size = info.device
        ? `${String(info.device[0]).padStart(majors)}, ${String(info.device[1]).padStart(minors)}`
        : parsed.has('h')
          ? humanSize(info.size)
          : String(info.size);
      let name = this.painted(entry) + suffix(entry, parsed);
      if (info.type === 'link') {
        let target = '';
        try {
          target = context.files.readlink(entry.path);
        } catch (error) {
          target = failureText(error);
        }
        const behind = context.files.tryStat(entry.path);
        const code = this.color
          ? behind
            ? colorOf(context, { name: target, path: entry.path, info: behind })
            : '40;31;01'
          : '';
        name += ` -> ${code === '' ? target : `\x1b[${code}m${target}\x1b[0m`}`;
      }
      const owner = numeric ? String(info.uid) : userName(context.files, info.uid);
      const group = numeric ? String(info.gid) : groupName(context.files, info.gid);
      return [modeText(info), String(info.links), owner, group, size, when, name];
    });
    const width = (column: number): number => Math.max(0, ...rows.map((row) => row[column]!.length));
    const [links, owners, groups, sizes] = [width(1), width(2), width(3), width(4)];
    return rows
      .map(([mode, link, owner, group, size, when, name]) =>
        [
          mode,
          link!.padStart(links),
          ...(parsed.has('g') ? [] : [owner!.padEnd(owners)]),
          ...(parsed.has('o') ? [] : [group!.padEnd(groups)]),
          size!.padStart(sizes),
          when,
          `${name}\n`,
        ].join(' '),
      )
      .join('');
  }

  async directory(path: string, title: boolean): Promise<void> {
    const { context, parsed } = this;
    context.signal.throwIfAborted();
    let names: string[];
    try {
      names = context.files.list(path);
    } catch (error) {
      this.failed = Math.max(this.failed, 1);
      await complain(context, `cannot open directory '${path}': ${failureText(error)}`);
      return;
    }
    if (title) await print(context, `${this.first ? '' : '\n'}${path}:\n`);
    this.first = false;
    const hidden = parsed.has('a') || parsed.has('f');
    const shown = names.filter((name) => !name.startsWith('.') || hidden || parsed.has('A'));
    const all = hidden ? ['.', '..', ...shown] : shown;
    const base = path === '/' ? '' : path.replace(/\/$/, '');
    const entries = all.map((name): Entry => {
      const full = `${base}/${name}`;
      return { name, path: full, info: parsed.has('L') ? context.files.tryStat(full) : context.files.tryLstat(full) };
    });
    await this.show(entries, true);
    if (!parsed.has('R')) return;
    for (const entry of this.sorted(entries)) {
      if (entry.info?.type === 'dir' && entry.name !== '.' && entry.name !== '..')
        await this.directory(entry.path, true);
    }
  }
}

export const ls: Program = async (context) => {
  const parsed = await parseOptions(context, {
    short: 'aAbBcCdfFgGhHiklLmnNopqQrRsStTuUvw:xXZ1',
    status: 2,
    long: {
      all: 'a',
      'almost-all': 'A',
      directory: 'd',
      classify: 'F::',
      'human-readable': 'h',
      inode: 'i',
      dereference: 'L',
      'numeric-uid-gid': 'n',
      reverse: 'r',
      recursive: 'R',
      size: 's',
      color: 'color::',
      'full-time': 'full',
      literal: 'N',
      'time-style': 'style:',
      'group-directories-first': 'dirs',
      'no-group': 'G',
      sort: 'sort:',
    },
  });
  if (typeof parsed === 'number') return parsed;
  const lister = new Lister(context, parsed);
  const files: Entry[] = [];
  const directories: string[] = [];
  const operands = parsed.operands.length > 0 ? parsed.operands : ['.'];
  const long = parsed.has('l') || parsed.has('n') || parsed.has('g') || parsed.has('o');
  for (const path of operands) {
    try {
      const link = context.files.lstat(path);
      const follows =
        (!long && !parsed.has('d') && !parsed.has('F')) || parsed.has('L') || parsed.has('H') || path.endsWith('/');
      const info = follows && link.type === 'link' ? (context.files.tryStat(path) ?? link) : link;
      if (info.type === 'dir' && !parsed.has('d')) directories.push(path);
      else files.push({ name: path, path, info });
    } catch (error) {
      lister.failed = 2;
      await complain(context, `cannot access '${path}': ${failureText(error)}`);
    }
  }
  if (files.length > 0) await lister.show(files, false);
  if (files.length > 0 && directories.length > 0) await print(context, '\n');
  const titles = operands.length > 1 || parsed.has('R');
  for (const path of directories.sort()) await lister.directory(path, titles);
  return lister.failed;
};
