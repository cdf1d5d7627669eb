/** The words of a command line as a shell splits them, or the arguments of a topology file. */

/** Splits at blanks outside quotes; a backslash joins lines and takes the meaning from the next character. */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  let word = '';
  let open = false;
  let quote: string | null = null;
  for (let at = 0; at < text.length; at++) {
    const c = text[at]!;
    if (quote !== null) {
      if (c === quote) quote = null;
      else if (c === '\\' && quote === '"' && /["\\$`]/.test(text[at + 1] ?? '')) word += text[++at];
      else word += c;
    } else if (c === "'" || c === '"') {
      quote = c;
      open = true;
    } else if (c === '\\') {
      const next = text[++at];
      if (next !== '\n' && next !== undefined) {
        word += next;
        open = true;
      }
    } else if (/\s/.test(c)) {
      if (open) words.push(word);
      word = '';
      open = false;
    } else {
      word += c;
      open = true;
    }
  }
  if (open) words.push(word);
  return words;
}

const SECTION = /^\s*\[(device|machine|netdev|drive)(?:\s+"([^"]*)")?\]\s*$/;

/** A file for `-readconfig`. */
export const isConfiguration = (text: string): boolean =>
  /^\s*\[device(?:\s+"[^"]*")?\]\s*$/m.test(text) && /^\s*driver\s*=\s*"/m.test(text);

/** Its sections as the words of a command line. */
export function wordsOfConfiguration(text: string): string[] {
  const words: string[] = [];
  let open = false;
  for (const line of text.split(/\r?\n/)) {
    const section = SECTION.exec(line);
    const entry = /^\s*([\w.-]+)\s*=\s*"([^"]*)"\s*$/.exec(line);
    if (section)
      words.push(`-${section[1]!}`, section[2] === undefined ? '' : `id=${section[2].replaceAll(',', ',,')}`);
    else if (entry && open) {
      const written = `${entry[1]!}=${entry[2]!.replaceAll(',', ',,')}`;
      words.push([words.pop()!, written].filter((part) => part !== '').join(','));
    }
    if (line.trim().startsWith('[')) open = section !== null;
  }
  return words;
}

/** What `-device`, `-machine` and the like are given: a name and options by key. */
export interface Properties {
  readonly name: string;
  readonly options: ReadonlyMap<string, string>;
}

/** `edu,bus=rp1,addr=0x1.0x0`, with `,,` for a comma in a value, or a JSON object; `first` is the key of the bare word. */
export function readProperties(text: string, first: string): Properties {
  const options = new Map<string, string>();
  if (text.trimStart().startsWith('{')) {
    for (const [key, value] of Object.entries(JSON.parse(text) as Record<string, unknown>)) {
      options.set(key, value === true ? 'on' : value === false ? 'off' : String(value));
    }
  } else {
    const parts = text.split(/,(?!,)(?<!,,)/).map((part) => part.replaceAll(',,', ','));
    parts.forEach((part, index) => {
      const equals = part.indexOf('=');
      if (equals >= 0) options.set(part.slice(0, equals), part.slice(equals + 1));
      else options.set(index === 0 ? first : part, index === 0 ? part : 'on');
    });
  }
  return { name: options.get(first) ?? '', options };
}

export const isOn = (value: string | undefined): boolean => value === 'on' || value === 'true' || value === 'yes';
