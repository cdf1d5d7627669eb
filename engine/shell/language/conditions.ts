/** The tests of `[`, `test` and `[[`. */
import type { FileInfo, Files } from '../files';

/** The single-letter tests on one operand; null when the operator is none of them. */
export function unaryTest(
  files: Files,
  operator: string,
  operand: string,
  terminal: (fd: number) => boolean,
): boolean | null {
  const info = (check: (info: FileInfo) => boolean): boolean => {
    const found = operand === '' ? null : files.tryStat(operand);
    return found !== null && check(found);
  };
  switch (operator) {
    case '-n':
      return operand !== '';
    case '-z':
      return operand === '';
    case '-a':
    case '-e':
      return info(() => true);
    case '-f':
      return info((file) => file.type === 'file');
    case '-d':
      return info((file) => file.type === 'dir');
    case '-L':
    case '-h':
      return operand !== '' && files.tryLstat(operand)?.type === 'link';
    case '-b':
      return info((file) => file.type === 'block');
    case '-c':
      return info((file) => file.type === 'char');
    case '-p':
      return info((file) => file.type === 'fifo');
    case '-S':
      return info((file) => file.type === 'socket');
    case '-s':
      return info((file) => file.size > 0);
    case '-u':
      return info((file) => (file.mode & 0o4000) !== 0);
    case '-g':
      return info((file) => (file.mode & 0o2000) !== 0);
    case '-k':
      return info((file) => (file.mode & 0o1000) !== 0);
    case '-r':
    case '-w':
    case '-x':
      return operand !== '' && files.tryStat(operand) !== null && files.access(operand, operator[1] as 'r');
    case '-O':
    case '-G':
      return info(() => true);
    case '-N':
      return false;
    case '-t':
      return /^\d+$/.test(operand.trim()) && terminal(Number(operand));
    default:
      return null;
  }
}

/** Tests that compare two files; null when the operator is none of them. */
export function fileTest(files: Files, operator: string, left: string, right: string): boolean | null {
  const a = files.tryStat(left);
  const b = files.tryStat(right);
  switch (operator) {
    case '-nt':
      return a !== null && (b === null || (a.modified ?? 0) > (b.modified ?? 0));
    case '-ot':
      return b !== null && (a === null || (a.modified ?? 0) < (b.modified ?? 0));
    case '-ef': {
      if (!a || !b) return false;
      try {
        return files.realpath(left, 'none') === files.realpath(right, 'none');
      } catch {
        return false;
      }
    }
    default:
      return null;
  }
}

export function compareNumbers(operator: string, left: bigint, right: bigint): boolean | null {
  switch (operator) {
    case '-eq':
      return left === right;
    case '-ne':
      return left !== right;
    case '-lt':
      return left < right;
    case '-le':
      return left <= right;
    case '-gt':
      return left > right;
    case '-ge':
      return left >= right;
    default:
      return null;
  }
}

export const byBytes = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
