/** Files that say what is loaded at boot and how: /etc/modprobe.d, /etc/modules-load.d, /etc/driverctl.d. */
import type { BootSettings } from '../linux/user-space-boot';

/** Directories and texts by path; failures throw. */
export interface ConfigurationFiles {
  list(path: string): string[];
  readText(path: string): string;
}

/** What modprobe obeys. Modules by their names with underscores. */
export interface ModprobeSettings {
  readonly options: ReadonlyMap<string, string>;
  readonly blacklist: ReadonlySet<string>;
  /** Commands that stand for loading a module (install). */
  readonly installs: ReadonlyMap<string, string>;
  readonly aliases: ReadonlyMap<string, readonly string[]>;
  readonly before: ReadonlyMap<string, readonly string[]>;
  readonly after: ReadonlyMap<string, readonly string[]>;
}

/** A module's name from any spelling, a file name included. */
export const canonical = (name: string): string => name.replace(/\.ko(\.\w+)?$/, '').replaceAll('-', '_');

const directory = (files: ConfigurationFiles, path: string): string[] => {
  try {
    return files.list(path).sort();
  } catch {
    return [];
  }
};

const text = (files: ConfigurationFiles, path: string): string => {
  try {
    return files.readText(path);
  } catch {
    return '';
  }
};

/** Paths of configuration files; one of /etc hides one of /run or /lib with the same name (modprobe.d(5)). */
function configured(files: ConfigurationFiles, name: string): string[] {
  const found = new Map<string, string>();
  for (const parent of ['/etc', '/run', '/usr/local/lib', '/usr/lib', '/lib']) {
    for (const file of directory(files, `${parent}/${name}`)) {
      if (file.endsWith('.conf') && !found.has(file)) found.set(file, `${parent}/${name}/${file}`);
    }
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, path]) => path);
}

/** Words of each line that says something; a backslash at the end joins lines. */
function statements(source: string): string[][] {
  return source
    .replace(/\\\n/g, ' ')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(/\s+/));
}

export function readModprobe(files: ConfigurationFiles): ModprobeSettings {
  const options = new Map<string, string>();
  const blacklist = new Set<string>();
  const installs = new Map<string, string>();
  const aliases = new Map<string, string[]>();
  const before = new Map<string, string[]>();
  const after = new Map<string, string[]>();
  const add = (map: Map<string, string[]>, key: string, names: readonly string[]): void => {
    if (names.length > 0) map.set(key, [...(map.get(key) ?? []), ...names.map(canonical)]);
  };
  for (const path of configured(files, 'modprobe.d')) {
    for (const [word, subject, ...rest] of statements(text(files, path))) {
      if (subject === undefined) continue;
      const key = canonical(subject);
      if (word === 'options') options.set(key, [options.get(key), ...rest].filter(Boolean).join(' '));
      else if (word === 'blacklist') blacklist.add(key);
      else if (word === 'install') installs.set(key, rest.join(' '));
      else if (word === 'alias') add(aliases, key, rest.slice(0, 1));
      else if (word === 'softdep') {
        const post = rest.indexOf('post:');
        const pre = rest.indexOf('pre:');
        const end = (from: number, other: number): number | undefined => (other > from ? other : undefined);
        if (pre >= 0) add(before, key, rest.slice(pre + 1, end(pre, post)));
        if (post >= 0) add(after, key, rest.slice(post + 1, end(post, pre)));
      }
    }
  }
  return { options, blacklist, installs, aliases, before, after };
}

/** A list of modules, one a line; what follows a name is left to modprobe.d. */
const moduleLines = (source: string): string[] =>
  statements(source)
    .map(([name]) => name!)
    .filter((name) => !name.startsWith(';'));

/** What the files mean for the next boot. */
export function readBootSettings(files: ConfigurationFiles): BootSettings {
  const { options, blacklist, before } = readModprobe(files);
  const early = ['/etc/initramfs-tools/modules', '/etc/modules', ...configured(files, 'modules-load.d')].flatMap(
    (path) => moduleLines(text(files, path)),
  );
  const overrides = new Map<string, string>();
  for (const name of directory(files, '/etc/driverctl.d')) {
    const driver = text(files, `/etc/driverctl.d/${name}`).split('\n', 1)[0]!.trim();
    if (name.startsWith('pci-') && driver !== '') overrides.set(name.slice('pci-'.length), driver);
  }
  return { early: [...new Set(early)], options, blacklist, before, overrides };
}
