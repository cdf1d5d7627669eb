/** The words of a `vfiolab:` link. It comes from anywhere, so it may name what the lab brings along and nothing else. */

export const SCHEME = 'vfiolab';

export type Link =
  | { kind: 'lesson'; id: string }
  | { kind: 'sample'; id: string }
  /** Whatever else was written; shortened for a message. */
  | { kind: 'unknown'; text: string };

const LONGEST = 120;

/** `vfiolab:lesson/01-groups`, `vfiolab://sample/workstation`. */
export function parseLink(text: string): Link {
  const match = /^vfiolab:(?:\/\/)?(lesson|sample)\/([a-z0-9][a-z0-9_-]{0,63})\/?$/i.exec(text);
  if (!match) return { kind: 'unknown', text: text.slice(0, LONGEST) };
  return { kind: match[1]!.toLowerCase() as 'lesson' | 'sample', id: match[2]! };
}
