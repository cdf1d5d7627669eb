/** `pci=config_acs=` on a command line: bits of ACS Control for single functions, applied when they are added. */
interface Wanted {
  readonly address: string;
  /** ACS Control, seven bits. */
  readonly after: number;
}

const OPTION = 'config_acs=';
const BITS = 7;

const entryOf = ({ address, after }: Wanted): string =>
  `${after.toString(2).padStart(BITS, '0')}@${address.replace(/^0000:/, '')}`;

/** The option by itself, and the command line with it; entries that are there for other functions stay behind. */
export function withAcsOption(cmdline: string, wanted: readonly Wanted[]): { option: string; cmdline: string } {
  if (wanted.length === 0) return { option: '', cmdline };
  const entries = wanted.map(entryOf);
  const named = new Set(wanted.flatMap(({ address }) => [address, address.replace(/^0000:/, '')]));
  const words: string[] = [];
  const other: string[] = [];
  const old: string[] = [];
  for (const word of cmdline.split(/\s+/).filter(Boolean)) {
    if (!word.startsWith('pci=')) {
      words.push(word);
      continue;
    }
    for (const option of word.slice(4).split(',')) {
      if (option.startsWith(OPTION)) old.push(...option.slice(OPTION.length).split(';'));
      else if (option !== '') other.push(option);
    }
  }
  const kept = old.filter((entry) => entry !== '' && !named.has(entry.slice(entry.indexOf('@') + 1)));
  const option = `${OPTION}${[...entries, ...kept].join(';')}`;
  return {
    option: `pci=${OPTION}${entries.join(';')}`,
    cmdline: [...words, `pci=${[...other, option].join(',')}`].join(' '),
  };
}
