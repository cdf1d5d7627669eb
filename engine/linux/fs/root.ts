/** The root file system of a freshly booted machine: a small writable tree with /sys, /proc and /dev mounted in it. */
import { bootLoaderSettings } from '../boot-loader';
import type { FsContext } from './context';
import { devfs } from './devfs';
import { MemoryDirectory, MemoryFile, MemoryLink } from './memory';
import type { DirectoryNode } from './node';
import { procfs } from './procfs';
import { sysfs } from './sysfs';

const USER = 1000;

/** What is installed on a machine. */
export interface Installed {
  /** Names of the programs that user space offers, shown in /usr/bin. */
  readonly programs: Iterable<string>;
  /** Further files by absolute path, owned by root. */
  readonly files: Readonly<Record<string, string>>;
}

/** A modprobe configuration that asks for the options the machine was booted with. */
function modprobeConfiguration(context: FsContext): [string, string][] {
  const options = Object.entries(context.description.kernel.moduleOptions);
  if (options.length === 0) return [];
  return [['lab.conf', options.map(([module, text]) => `options ${module} ${text}\n`).join('')]];
}

/** `disk`: the root of a machine that ran before, whose files are still there. */
export function rootDirectory(context: FsContext, disk: DirectoryNode | null, content: Installed): DirectoryNode {
  const root = disk instanceof MemoryDirectory ? disk : installed(context, content);
  // What is in memory only begins anew.
  root.insert('run', new MemoryDirectory());
  root.insert('tmp', new MemoryDirectory({ mode: 0o1777, uid: 0, gid: 0 }));
  root.insert('dev', devfs(context));
  root.insert('proc', procfs(context));
  root.insert('sys', sysfs(context));
  return root;
}

/** The files of a machine that was just installed. */
function installed(context: FsContext, { programs, files }: Installed): MemoryDirectory {
  const root = new MemoryDirectory();
  const directory = (parent: MemoryDirectory, name: string, mode = 0o755, uid = 0): MemoryDirectory => {
    const made = new MemoryDirectory({ mode, uid, gid: uid });
    parent.insert(name, made);
    return made;
  };
  const file = (parent: MemoryDirectory, name: string, text: string, mode = 0o644): void =>
    parent.insert(name, new MemoryFile({ mode, uid: 0, gid: 0 }, text));
  const { release, cmdline } = context.description.kernel;

  const usr = directory(root, 'usr');
  const bin = directory(usr, 'bin');
  for (const program of programs) file(bin, program, '', 0o755);
  directory(usr, 'sbin');
  directory(directory(usr, 'share'), 'misc');
  const local = directory(usr, 'local');
  for (const name of ['bin', 'sbin']) directory(local, name);
  for (const name of ['bin', 'sbin']) {
    root.insert(name, new MemoryLink(`usr/${name}`, { mode: 0o777, uid: 0, gid: 0 }));
  }

  const etc = directory(root, 'etc');
  file(etc, 'hostname', 'lab\n');
  file(etc, 'passwd', 'root:x:0:0:root:/root:/bin/bash\nuser:x:1000:1000:user:/home/user:/bin/bash\n');
  file(etc, 'group', 'root:x:0:\nuser:x:1000:\n');
  file(etc, 'os-release', 'PRETTY_NAME="VFIO Lab"\nNAME="VFIO Lab"\nID=vfio-lab\n');
  file(etc, 'modules', '');
  const modprobe = directory(etc, 'modprobe.d');
  for (const [name, text] of modprobeConfiguration(context)) file(modprobe, name, text);
  directory(etc, 'modules-load.d');
  directory(etc, 'driverctl.d');
  directory(etc, 'udev');
  const defaults = directory(etc, 'default');
  file(defaults, 'grub', bootLoaderSettings(cmdline));
  file(directory(etc, 'initramfs-tools'), 'modules', '# Modules that the initramfs loads first, one a line.\n');

  const boot = directory(root, 'boot');
  file(boot, `vmlinuz-${release}`, '');
  file(boot, `config-${release}`, configuration(context));
  directory(root, 'home');
  directory(root.get('home') as MemoryDirectory, 'user', 0o755, USER);
  directory(root, 'root', 0o700);
  directory(root, 'mnt');
  directory(root, 'opt');
  directory(directory(root, 'var'), 'log');
  const modules = directory(directory(directory(root, 'lib'), 'modules'), release);
  directory(modules, 'kernel');

  for (const [path, text] of Object.entries(files)) {
    const names = path.split('/').slice(1);
    const name = names.pop()!;
    let at = root;
    for (const step of names) {
      const next = at.get(step);
      at = next instanceof MemoryDirectory ? next : directory(at, step);
    }
    file(at, name, text);
  }
  return root;
}

/** The build options that matter here. */
function configuration(context: FsContext): string {
  const { build } = context.description.kernel;
  const option = (name: string, on: boolean | 'm'): string =>
    on === false ? `# ${name} is not set` : `${name}=${on === 'm' ? 'm' : 'y'}`;
  const modern = build !== 'debian';
  return [
    option('CONFIG_VFIO', modern ? true : 'm'),
    option('CONFIG_VFIO_GROUP', true),
    option('CONFIG_VFIO_CONTAINER', build !== 'ifdcompat'),
    option('CONFIG_VFIO_DEVICE_CDEV', modern),
    option('CONFIG_VFIO_NOIOMMU', modern),
    option('CONFIG_IOMMUFD', modern),
    option('CONFIG_IOMMUFD_VFIO_CONTAINER', build === 'ifdcompat'),
    option('CONFIG_VFIO_PCI', 'm'),
    option('CONFIG_INTEL_IOMMU', true),
    option('CONFIG_AMD_IOMMU', true),
    '',
  ].join('\n');
}
