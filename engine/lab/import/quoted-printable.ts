/** Undoes quoted-printable, the encoding of text in mail (RFC 2045, 6.7). */
import type { TextLine } from './clean';

/** `=3D` for most `=`, or lines of the length of a mail's that end in `=`. */
export function isQuotedPrintable(lines: readonly TextLine[]): boolean {
  let encoded = 0;
  let plain = 0;
  let open = 0;
  for (const { text } of lines) {
    const parts = text.split('=3D').length - 1;
    encoded += parts;
    plain += text.split('=').length - 1 - parts;
    if (text.length >= 70 && text.length <= 78 && text.endsWith('=')) {
      open++;
      plain--;
    }
  }
  return (encoded >= 2 && encoded * 2 > plain) || (encoded === 0 && open >= 2 && plain === 0);
}

/** `unquote` takes off the quote that the rest of a wrapped line carries when the mail was quoted after it was encoded. */
export function decodeQuotedPrintable(lines: readonly TextLine[], unquote: (line: string) => string): TextLine[] {
  const joined: TextLine[] = [];
  let open = false;
  for (const line of lines) {
    const last = joined.at(-1);
    if (open && last) joined[joined.length - 1] = { number: last.number, text: last.text + unquote(line.text) };
    else joined.push(line);
    const text = joined.at(-1)!.text.trimEnd();
    open = text.endsWith('=');
    if (open) joined[joined.length - 1] = { number: joined.at(-1)!.number, text: text.slice(0, -1) };
  }
  const bytes = (codes: string): string =>
    new TextDecoder().decode(Uint8Array.from(codes.slice(1).split('='), (code) => parseInt(code, 16)));
  return joined.map(({ number, text }) => ({ number, text: text.replace(/(?:=[0-9A-F]{2})+/g, bytes) }));
}
