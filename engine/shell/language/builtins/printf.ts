/** The format language of printf, as bash and coreutils have it. */
import { decode, encode } from '../../streams';
import { byteText, ESCAPES } from '../words';
import { quoteBackslash } from '../quote';

export interface PrintfResult {
  output: string;
  /** Messages without the name of the program. */
  errors: string[];
  /** `\c` was met. */
  stopped: boolean;
}

const ESCAPE = /\\(?:([0-7]{1,3})|x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|([\s\S]))/g;

/** Backslash escapes of a format. */
function formatEscapes(text: string): string {
  return text.replace(ESCAPE, (all, octal?: string, hex?: string, short?: string, long?: string, other?: string) => {
    if (octal !== undefined) return byteText(parseInt(octal, 8) & 0xff);
    if (hex !== undefined) return byteText(parseInt(hex, 16));
    if (short !== undefined || long !== undefined) return String.fromCodePoint(parseInt((short ?? long)!, 16));
    return ESCAPES[other!] ?? all;
  });
}

/** Escapes of `echo -e` and `%b`, where octal numbers begin with 0; the rest after `\c` is dropped. */
export function echoEscapes(text: string): { text: string; stopped: boolean } {
  let out = '';
  let at = 0;
  const pattern = /\\(?:0([0-7]{0,3})|x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|([abcefnrtv\\E]))/g;
  for (const match of text.matchAll(pattern)) {
    out += text.slice(at, match.index);
    at = match.index + match[0].length;
    if (match[1] !== undefined) out += byteText(parseInt(match[1] || '0', 8) & 0xff);
    else if (match[2] !== undefined) out += byteText(parseInt(match[2], 16));
    else if (match[3] !== undefined || match[4] !== undefined)
      out += String.fromCodePoint(parseInt((match[3] ?? match[4])!, 16));
    else if (match[5] === 'c') return { text: out, stopped: true };
    else out += ESCAPES[match[5]!]!;
  }
  return { text: out + text.slice(at), stopped: false };
}

/** Width counts bytes, as in C. */
function pad(text: string, flags: string, width: number): string {
  const missing = width - encode(text).length;
  if (missing <= 0) return text;
  return flags.includes('-') ? text + ' '.repeat(missing) : ' '.repeat(missing) + text;
}

/** The first bytes of a text. */
const cut = (text: string, bytes: number): string =>
  text.length * 4 <= bytes ? text : decode(encode(text).subarray(0, bytes));

function integer(value: bigint, kind: string, flags: string, width: number, precision: number | null): string {
  const negative = value < 0n && (kind === 'd' || kind === 'i');
  const magnitude = negative ? -value : BigInt.asUintN(64, value);
  let digits =
    kind === 'o' ? magnitude.toString(8) : kind === 'x' || kind === 'X' ? magnitude.toString(16) : magnitude.toString();
  if (kind === 'X') digits = digits.toUpperCase();
  if (precision !== null) digits = precision === 0 && magnitude === 0n ? '' : digits.padStart(precision, '0');
  let sign = '';
  if (kind === 'd' || kind === 'i') sign = negative ? '-' : flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '';
  if (flags.includes('#') && kind === 'o') digits = digits.startsWith('0') ? digits : `0${digits}`;
  else if (flags.includes('#') && magnitude !== 0n) sign += kind === 'x' || kind === 'X' ? `0${kind}` : '';
  if (flags.includes('0') && !flags.includes('-') && precision === null)
    digits = digits.padStart(width - sign.length, '0');
  return pad(sign + digits, flags, width);
}

/** JavaScript's own formatting knows no more digits. */
const DIGITS = 100;

function exponent(value: number, precision: number, upper: boolean): string {
  const zeros = '0'.repeat(Math.max(0, precision - DIGITS));
  const text = value
    .toExponential(Math.min(precision, DIGITS))
    .replace(/e([+-])(\d)$/, 'e$10$2')
    .replace('e', `${zeros}e`);
  return upper ? text.toUpperCase() : text;
}

/** Behind these places every double has zeros only. */
const MOST_PLACES = 1100;

/** The number's exact value rounded to `places`, a half to the even neighbour, as C does. */
function fixed(value: number, places: number): string {
  const precision = Math.min(places, MOST_PLACES);
  const zeros = '0'.repeat(places - precision);
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const power = Number((bits >> 52n) & 0x7ffn);
  const mantissa = (bits & 0xfffffffffffffn) | (power === 0 ? 0n : 1n << 52n);
  const shift = BigInt((power || 1) - 1075);
  const scale = 10n ** BigInt(precision);
  const [above, below] = shift >= 0n ? [mantissa * scale * (1n << shift), 1n] : [mantissa * scale, 1n << -shift];
  let whole = above / below;
  const rest = (above % below) * 2n;
  if (rest > below || (rest === below && whole & 1n)) whole += 1n;
  const digits = whole.toString().padStart(precision + 1, '0');
  return precision === 0 ? digits : `${digits.slice(0, -precision)}.${digits.slice(-precision)}${zeros}`;
}

/** %g: the shorter of %e and %f, without trailing zeros. */
function general(value: number, precision: number, flags: string, upper: boolean): string {
  if (value === 0) return flags.includes('#') ? fixed(0, Math.max(0, (precision || 1) - 1)) : '0';
  const digits = precision === 0 ? 1 : precision;
  const power = Number(value.toExponential(Math.min(digits - 1, DIGITS)).split('e')[1]);
  let text =
    power < -4 || power >= digits ? exponent(value, digits - 1, false) : fixed(value, Math.max(0, digits - 1 - power));
  if (!flags.includes('#')) text = text.replace(/(\.\d*?)0+(?=e|$)/, '$1').replace(/\.(?=e|$)/, '');
  return upper ? text.toUpperCase() : text;
}

function real(value: number, kind: string, flags: string, width: number, precision: number | null): string {
  const magnitude = Math.abs(value);
  let digits: string;
  if (!Number.isFinite(magnitude)) digits = Number.isNaN(magnitude) ? 'nan' : 'inf';
  else if (kind === 'f' || kind === 'F') digits = fixed(magnitude, precision ?? 6);
  else if (kind === 'e' || kind === 'E') digits = exponent(magnitude, precision ?? 6, kind === 'E');
  else digits = general(magnitude, precision ?? 6, flags, kind === 'G');
  if (flags.includes('#')) digits = digits.replace(/^\d+(?=e|$)/i, '$&.');
  const sign = value < 0 || Object.is(value, -0) ? '-' : flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '';
  if (flags.includes('0') && !flags.includes('-')) digits = digits.padStart(width - sign.length, '0');
  return pad(sign + digits, flags, width);
}

const MAX = 0x7fffffffffffffffn;

/** A number as C's strtoimax reads it; a leading quote gives the code of the next character. */
function toInteger(text: string, errors: string[], unsigned: boolean): bigint {
  if (/^['"]/.test(text)) {
    const code = text.codePointAt(1) ?? 0;
    return BigInt(code >= 0xdc80 && code < 0xdd00 ? code - 0xdc00 : code);
  }
  const match = /^\s*([-+]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9]\d*)/.exec(text);
  if (!match) {
    if (text !== '') errors.push(`${text}: invalid number`);
    return 0n;
  }
  if (match[0].length < text.length)
    errors.push(`${text}: invalid ${/^0[0-7]*[89]/.test(text.trim()) ? 'octal ' : ''}number`);
  const digits = match[2]!;
  const octal = /^0[0-7]+$/.test(digits);
  let value = BigInt(octal ? `0o${digits.slice(1)}` : digits);
  if (match[1] === '-') value = -value;
  const limit = unsigned ? 0xffffffffffffffffn : MAX;
  if (value > limit || value < -MAX - 1n) {
    errors.push(`warning: ${text}: Numerical result out of range`);
    value = value > 0n ? limit : -MAX - 1n;
  }
  return value;
}

function toReal(text: string, errors: string[]): number {
  if (/^['"]/.test(text)) return text.codePointAt(1) ?? 0;
  const trimmed = text.trim();
  if (/^[-+]?0[xX][0-9a-fA-F]+$/.test(trimmed)) return Number(trimmed);
  const match = /^[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|inf(?:inity)?|nan)/i.exec(trimmed);
  if (!match) {
    if (text !== '') errors.push(`${text}: invalid number`);
    return 0;
  }
  if (match[0].length < trimmed.length) errors.push(`${text}: invalid number`);
  return /inf/i.test(match[0]) ? (match[0].startsWith('-') ? -Infinity : Infinity) : Number(match[0]);
}

/** A field no wider than this: more would be a mistake. */
const MOST = 1 << 20;

const DIRECTIVE = /%([-+ #0']*)(\*|\d+)?(?:\.(\*|-?\d*))?[hljztL]*(?:\(([^)]*)\)T|([\s\S]))|%[^a-zA-Z%]*$/g;

/** Formats arguments; the format is used again while arguments are left. */
export function printf(
  format: string,
  args: readonly string[],
  time: (format: string, seconds: number | null) => string,
): PrintfResult {
  const errors: string[] = [];
  let output = '';
  let at = 0;
  const next = (): string | undefined => args[at++];
  const measure = (): number => Math.min(Number(toInteger(next() ?? '', errors, false)), MOST);
  for (;;) {
    const before = at;
    let from = 0;
    let used = false;
    for (const match of format.matchAll(DIRECTIVE)) {
      output += formatEscapes(format.slice(from, match.index));
      from = match.index + match[0].length;
      const kind = match[5];
      if (match[0] === '%%') {
        output += '%';
        continue;
      }
      if (kind === undefined && match[4] === undefined) {
        errors.push(`\`${match[0]}': missing format character`);
        return { output, errors, stopped: true };
      }
      used = true;
      let flags = match[1]!;
      let width = match[2] === '*' ? measure() : Number(match[2] ?? 0);
      if (width < 0) {
        flags += '-';
        width = -width;
      }
      let precision: number | null =
        match[3] === undefined ? null : match[3] === '*' ? measure() : Number(match[3] || 0);
      if (precision !== null && precision < 0) precision = null;
      if (match[4] !== undefined) {
        const argument = next();
        const seconds = argument === undefined || argument === '-1' || argument === '-2' ? null : Number(argument);
        output += pad(time(match[4] || '%X', seconds), flags, width);
        continue;
      }
      switch (kind) {
        case 's':
        case 'b':
        case 'q':
        case 'Q':
        case 'c': {
          let text = next() ?? '';
          let stopped = false;
          if (kind === 'b') ({ text, stopped } = echoEscapes(text));
          else if (kind === 'q' || kind === 'Q') text = quoteBackslash(text);
          else if (kind === 'c') text = text === '' ? '\0' : cut(text, 1);
          if (precision !== null && kind !== 'c') text = cut(text, precision);
          output += pad(text, flags, width);
          if (stopped) return { output, errors, stopped };
          break;
        }
        case 'd':
        case 'i':
        case 'u':
        case 'o':
        case 'x':
        case 'X':
          output += integer(
            toInteger(next() ?? '', errors, kind !== 'd' && kind !== 'i'),
            kind,
            flags,
            width,
            precision,
          );
          break;
        case 'f':
        case 'F':
        case 'e':
        case 'E':
        case 'g':
        case 'G':
          output += real(toReal(next() ?? '', errors), kind, flags, width, precision);
          break;
        default:
          errors.push(`\`${kind}': invalid format character`);
          return { output, errors, stopped: true };
      }
    }
    output += formatEscapes(format.slice(from));
    if (at >= args.length || at === before || !used) return { output, errors, stopped: false };
  }
}
