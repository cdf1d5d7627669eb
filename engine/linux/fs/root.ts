/** The root file system of a freshly booted machine: a small writable tree with /sys, /proc and /dev mounted in it. */
import type { FsContext } from './context';
import { devfs } from './devfs';
import { MemoryDirectory, MemoryFile, MemoryLink } from './memory';
import type { DirectoryNode } from './node';
import { procfs } from './procfs';
import { sysfs } from './sysfs';

const USER = 1000;

export interface RootContent {
  /** Names of the programs that user space offers, shown in /usr/bin. */
  readonly programs: readonly string[];
}

/** A modprobe configuration that asks for the options the machine was booted with. */
function modprobeConfiguration(context: FsContext): [string, string][] {
  const options = Object.entries(context.description.kernel.moduleOptions);
  if (options.length === 0) return [];
  return [['lab.conf', options.map(([module, text]) => `options ${module} ${text}\n`).join('')]];
}

export function rootDirectory(context: FsContext, content: RootContent): DirectoryNode {
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
  directory(usr, 'sbin');
  directory(directory(usr, 'share'), 'misc');
  for (const program of content.programs) file(bin, program, '', 0o755);
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
  file(defaults, 'grub', `GRUB_CMDLINE_LINUX="${cmdline}"\n`);

  const boot = directory(root, 'boot');
  file(boot, `vmlinuz-${release}`, '');
  file(boot, `config-${release}`, configuration(context));
  directory(root, 'home');
  directory(root.get('home') as MemoryDirectory, 'user', 0o755, USER);
  directory(root, 'root', 0o700);
  directory(root, 'run');
  directory(root, 'tmp', 0o1777);
  directory(root, 'mnt');
  directory(directory(root, 'var'), 'log');
  const modules = directory(directory(directory(root, 'lib'), 'modules'), release);
  directory(modules, 'kernel');

  root.insert('dev', devfs(context));
  root.insert('proc', procfs(context));
  root.insert('sys', sysfs(context));
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
