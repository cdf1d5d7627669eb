/** /dev: devtmpfs with the nodes that drivers ask for. */
import { ERRNO } from '../errno';
import type { OpenFile } from '../process/files';
import type { FsContext, CharacterDevice } from './context';
import { directory, link } from './attribute';
import type { DirectoryNode, FileNode, Node } from './node';

/** The memory devices and terminals every machine has. */
function standardDevices(): CharacterDevice[] {
  const owner = {};
  const device = (
    path: string,
    major: number,
    minor: number,
    file: Omit<OpenFile, 'kind' | 'link'>,
  ): CharacterDevice => ({
    path,
    mode: 0o666,
    major,
    minor,
    owner,
    open: (_process, flags, link): OpenFile => ({ kind: path, link, flags, ...file }),
  });
  const take = (_process: unknown, data: Uint8Array): number => data.length;
  const zeros = (_process: unknown, into: Uint8Array): number => {
    into.fill(0);
    return into.length;
  };
  /** The same bytes after every boot: the lab is deterministic. */
  let seed = 0x2545f491;
  const noise = (_process: unknown, into: Uint8Array): number => {
    for (let i = 0; i < into.length; i++) {
      seed ^= seed << 13;
      seed ^= seed >>> 17;
      seed ^= seed << 5;
      into[i] = seed & 0xff;
    }
    return into.length;
  };
  const terminal = { read: () => 0, write: take };
  return [
    device('null', 1, 3, { read: () => 0, write: take }),
    device('zero', 1, 5, { read: zeros, write: take }),
    device('full', 1, 7, { read: zeros, write: () => -ERRNO.ENOSPC }),
    device('random', 1, 8, { read: noise, write: take }),
    device('urandom', 1, 9, { read: noise, write: take }),
    device('tty', 5, 0, terminal),
    device('console', 5, 1, terminal),
  ];
}

const nodeOf = (device: CharacterDevice): FileNode => ({
  type: 'char',
  mode: device.mode,
  owner: device.owner,
  device,
  size: () => 0,
  open: (process, flags, path) => device.open(process, flags, path),
});

/** Directories come into being with the first node below them and go with the last. */
export function devfs(context: FsContext): DirectoryNode {
  const standard = standardDevices();
  const all = (): CharacterDevice[] => [...standard, ...context.characterDevices(), ...context.vfio.groupNodes()];
  const level = (prefix: string): DirectoryNode => ({
    type: 'dir',
    mode: 0o755,
    names() {
      const names = new Set<string>();
      for (const device of all()) {
        if (!device.path.startsWith(prefix)) continue;
        const rest = device.path.slice(prefix.length);
        const slash = rest.indexOf('/');
        names.add(slash < 0 ? rest : rest.slice(0, slash));
      }
      return [...names];
    },
    get(name): Node | null {
      const path = `${prefix}${name}`;
      for (const device of all()) {
        if (device.path === path) return nodeOf(device);
        if (device.path.startsWith(`${path}/`)) return level(`${path}/`);
      }
      return null;
    },
  });
  const root = level('');
  const fixed = directory({
    fd: () => link('/proc/self/fd'),
    stdin: () => link('/proc/self/fd/0'),
    stdout: () => link('/proc/self/fd/1'),
    stderr: () => link('/proc/self/fd/2'),
    shm: () => directory({}, { mode: 0o1777 }),
  });
  return {
    ...root,
    names: () => [...fixed.names(), ...root.names()],
    get: (name) => fixed.get(name) ?? root.get(name),
  };
}
