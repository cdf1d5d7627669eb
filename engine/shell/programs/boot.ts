/** Programs about the next boot: reboot, update-grub, grub-mkconfig, update-initramfs. */
import { nextCommandLine } from '../../linux/boot-loader';
import { failureText } from '../errors';
import { identity } from './basic';
import type { Program, ProgramContext } from './program';
import { parseOptions } from './support/options';
import { complain, print } from './support/output';

const SETTINGS = '/etc/default/grub';
const GRUB_CONFIGURATION = '/boot/grub/grub.cfg';

/** The kernel command line that the boot loader's settings ask for; null: as it is. */
function wanted({ files }: ProgramContext): string | null {
  const settings = files.tryStat(SETTINGS)?.type === 'file' ? files.readText(SETTINGS) : '';
  return nextCommandLine(settings, files.tryReadLine('/proc/cmdline') ?? '');
}

const release = ({ files }: ProgramContext): string => files.tryReadLine('/proc/sys/kernel/osrelease') ?? '';

export const reboot: Program = async (context) => {
  const parsed = await parseOptions(context, {
    short: 'fdwn',
    help: 'Usage: reboot\nBoots the machine with the kernel command line of /etc/default/grub. See man reboot.\n',
    long: { force: 'f', 'wtmp-only': 'w', 'no-wtmp': 'd', 'no-wall': 'n' },
  });
  if (typeof parsed === 'number') return parsed;
  if (!context.system.reboot) {
    await complain(context, 'this machine cannot be booted again from here');
    return 1;
  }
  if (identity(context).uid !== 0) {
    await complain(context, 'Call to Reboot failed: Interactive authentication required.', '');
    return 1;
  }
  context.system.reboot(wanted(context));
  await print(context, 'The machine has booted again.\n');
  return 0;
};

/** The boot loader's menu, with one entry for each kernel in /boot. */
function menu(context: ProgramContext): string {
  const line = wanted(context) ?? context.files.tryReadLine('/proc/cmdline') ?? '';
  const words = line.split(/\s+/).filter((word) => !word.startsWith('BOOT_IMAGE='));
  const entry = kernels(context)
    .map(
      (kernel) => `menuentry 'VFIO Lab, with Linux ${kernel}' {\n\tlinux\t/vmlinuz-${kernel} ${words.join(' ')}\n}\n`,
    )
    .join('');
  return `# Made by grub-mkconfig of ${SETTINGS}: do not edit.\n${entry}`;
}

const kernels = ({ files }: ProgramContext): string[] =>
  files.list('/boot').flatMap((name) => /^vmlinuz-(.+)$/.exec(name)?.[1] ?? []);

async function makeMenu(context: ProgramContext, path: string | null): Promise<number> {
  try {
    if (path === null) {
      await print(context, menu(context));
      return 0;
    }
    await complain(context, 'Generating grub configuration file ...', '');
    for (const kernel of kernels(context)) await complain(context, `Found linux image: /boot/vmlinuz-${kernel}`, '');
    const folder = path.slice(0, path.lastIndexOf('/'));
    if (folder !== '' && !context.files.tryStat(folder)) context.files.call({ op: 'mkdir', path: folder });
    await context.files.write(path, menu(context));
    await complain(context, 'done', '');
    return 0;
  } catch (error) {
    await complain(context, `cannot write ${path ?? 'the menu'}: ${failureText(error)}`);
    return 1;
  }
}

const grubMkconfig: Program = async (context) => {
  const parsed = await parseOptions(context, { short: 'o:', long: { output: 'o:' } });
  return typeof parsed === 'number' ? parsed : makeMenu(context, parsed.value('o'));
};

const updateGrub: Program = (context) => makeMenu(context, GRUB_CONFIGURATION);

/** The modules and options that are read at boot are on the disk: the image is only a mark that they were looked at. */
const updateInitramfs: Program = async (context) => {
  const parsed = await parseOptions(context, { short: 'cdk:tuv' });
  if (typeof parsed === 'number') return parsed;
  if (!['c', 'd', 'u'].some((mode) => parsed.has(mode))) {
    await complain(context, 'Usage: update-initramfs {-c|-d|-u} [-k version] [-v]', '');
    return 1;
  }
  const given = parsed.value('k') ?? release(context);
  const versions = given === 'all' ? kernels(context) : [given];
  for (const version of versions) {
    const image = `/boot/initrd.img-${version}`;
    try {
      if (!context.files.tryStat(`/boot/vmlinuz-${version}`)) {
        await complain(context, `there is no kernel ${version} in /boot`);
        return 1;
      }
      if (parsed.has('d')) context.files.call({ op: 'unlink', path: image });
      else {
        await print(context, `update-initramfs: Generating ${image}\n`);
        await context.files.write(image, '');
      }
    } catch (error) {
      await complain(context, `${image}: ${failureText(error)}`);
      return 1;
    }
  }
  return 0;
};

export { updateGrub as 'update-grub', grubMkconfig as 'grub-mkconfig', updateInitramfs as 'update-initramfs' };
