/** Users, groups and modes as ls and stat show them. */
import type { Files, FileInfo } from '../../files';

const LETTERS: Readonly<Record<FileInfo['type'], string>> = {
  file: '-',
  dir: 'd',
  link: 'l',
  char: 'c',
  block: 'b',
  fifo: 'p',
  socket: 's',
};

/** `drwxr-xr-x`. */
export function modeText(info: FileInfo): string {
  const bit = (mask: number, letter: string): string => (info.mode & mask ? letter : '-');
  const special = (mask: number, execute: number, letter: string): string =>
    info.mode & mask ? (info.mode & execute ? letter : letter.toUpperCase()) : bit(execute, 'x');
  return [
    LETTERS[info.type],
    bit(0o400, 'r'),
    bit(0o200, 'w'),
    special(0o4000, 0o100, 's'),
    bit(0o040, 'r'),
    bit(0o020, 'w'),
    special(0o2000, 0o010, 's'),
    bit(0o004, 'r'),
    bit(0o002, 'w'),
    special(0o1000, 0o001, 't'),
  ].join('');
}

function entries(files: Files, path: string): string[][] {
  try {
    return files
      .readText(path)
      .split('\n')
      .map((line) => line.split(':'));
  } catch {
    return [];
  }
}

const KNOWN_USERS: Readonly<Record<string, number>> = { root: 0, nobody: 65534, user: 1000 };
const KNOWN_GROUPS: Readonly<Record<string, number>> = {
  root: 0,
  tty: 5,
  disk: 6,
  kvm: 104,
  nogroup: 65534,
  user: 1000,
};

function named(known: Readonly<Record<string, number>>, id: number): string | null {
  return Object.entries(known).find(([, value]) => value === id)?.[0] ?? null;
}

export const userName = (files: Files, uid: number): string =>
  entries(files, '/etc/passwd').find((entry) => entry[2] === String(uid))?.[0] ??
  named(KNOWN_USERS, uid) ??
  String(uid);
export const groupName = (files: Files, gid: number): string =>
  entries(files, '/etc/group').find((entry) => entry[2] === String(gid))?.[0] ??
  named(KNOWN_GROUPS, gid) ??
  String(gid);

/** Number of a user by name or number; null when there is none. */
export function userId(files: Files, text: string): number | null {
  const entry = entries(files, '/etc/passwd').find((one) => one[0] === text);
  if (entry?.[2]) return Number(entry[2]);
  return KNOWN_USERS[text] ?? (/^\d+$/.test(text) ? Number(text) : null);
}

export function groupId(files: Files, text: string): number | null {
  const entry = entries(files, '/etc/group').find((one) => one[0] === text);
  if (entry?.[2]) return Number(entry[2]);
  return KNOWN_GROUPS[text] ?? (/^\d+$/.test(text) ? Number(text) : null);
}

/** Bytes with K, M, G as `-h` shows them: rounded up, one digit below 10. */
export function humanSize(size: number, base = 1024): string {
  if (size < base) return String(size);
  let value = size;
  let power = 0;
  while (value >= base && power < 8) {
    value /= base;
    power += 1;
  }
  const shown = value < 10 ? (Math.ceil(value * 10) / 10).toFixed(1) : String(Math.ceil(value));
  return `${shown}${'KMGTPEZY'[power - 1]}`;
}

/** A row of /etc/passwd. */
export interface UserEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/** The user of a name or number; null when there is none. */
export function userEntry(files: Files, text: string): UserEntry | null {
  const rows = entries(files, '/etc/passwd');
  const row = rows.find((one) => one[0] === text) ?? rows.find((one) => one[2] === text);
  if (row?.[5] === undefined) return null;
  return { name: row[0]!, uid: Number(row[2]), gid: Number(row[3]), home: row[5] };
}
