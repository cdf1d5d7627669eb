/** The boot loader: /etc/default/grub and the kernel command line that it makes. */

/** Words that the boot loader itself puts in front. */
const LOADER_WORDS = /^(?:(?:BOOT_IMAGE|root)=\S*\s*|ro\s+)*/;

/**
 * The kernel command line that the boot loader's settings ask for: its own words, GRUB_CMDLINE_LINUX, then
 * GRUB_CMDLINE_LINUX_DEFAULT. `running`: of the kernel that runs; null without settings.
 */
export function nextCommandLine(settings: string, running: string): string | null {
  const values = new Map<string, string>();
  for (const line of settings.split('\n')) {
    const match = /^\s*(GRUB_CMDLINE_LINUX(?:_DEFAULT)?)=(?:"([^"]*)"|'([^']*)'|(\S*))/.exec(line);
    if (match) values.set(match[1]!, match[2] ?? match[3] ?? match[4] ?? '');
  }
  if (values.size === 0) return null;
  const chosen = ['GRUB_CMDLINE_LINUX', 'GRUB_CMDLINE_LINUX_DEFAULT'].map((name) => values.get(name)?.trim() ?? '');
  const words = chosen.filter((part) => part !== '').join(' ');
  const loader = /^BOOT_IMAGE=/.test(words) ? '' : LOADER_WORDS.exec(running)![0].trim();
  return [loader, words].filter((part) => part !== '').join(' ');
}

/** /etc/default/grub of a machine that boots with this command line. */
export const bootLoaderSettings = (cmdline: string): string =>
  `GRUB_DEFAULT=0
GRUB_TIMEOUT=5
GRUB_DISTRIBUTOR="VFIO Lab"
GRUB_CMDLINE_LINUX_DEFAULT="${cmdline.replace(LOADER_WORDS, '')}"
GRUB_CMDLINE_LINUX=""
`;
