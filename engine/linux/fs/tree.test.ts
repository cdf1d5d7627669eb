import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ERRNO } from '../errno';
import { ProcessTable } from '../process/table';
import type { Task } from '../process/table';
import { Syscalls } from '../syscalls';
import { WhyLog } from '../why';
import { attribute, directory } from './attribute';
import { MemoryDirectory, MemoryFile } from './memory';
import { O } from './node';
import { FileTree } from './tree';

function start(): { root: Task; user: Task; sys: Syscalls; top: MemoryDirectory } {
  const processes = new ProcessTable();
  const root = processes.spawn({ pid: 1, parent: 0, name: 'init', uid: 0 });
  const user = processes.spawn({ name: 'sh', uid: 1000 });
  const top = new MemoryDirectory();
  top.insert('tmp', new MemoryDirectory({ mode: 0o1777, uid: 0, gid: 0 }));
  top.insert('secret', new MemoryDirectory({ mode: 0o700, uid: 0, gid: 0 }));
  top.insert('note', new MemoryFile({ mode: 0o644, uid: 0, gid: 0 }, 'hello'));
  const sys = new Syscalls(new FileTree(top), new WhyLog(), () => {
    throw new Error('no eventfd here');
  });
  return { root, user, sys, top };
}

const text = (sys: Syscalls, task: Task, path: string): string | number => {
  const fd = sys.open(task, path, O.RDONLY) as number;
  if (fd < 0) return fd;
  const into = new Uint8Array(100);
  const count = sys.read(task, fd, into) as number;
  sys.close(task, fd);
  return count < 0 ? count : new TextDecoder().decode(into.subarray(0, count));
};

describe('paths', () => {
  it('follows links relative to where they stand and `..` to where the walk came from', () => {
    const { root, sys } = start();
    sys.mkdir(root, '/tmp/a');
    sys.mkdir(root, '/tmp/a/b');
    sys.symlink(root, '../../note', '/tmp/a/up');
    sys.symlink(root, 'a/b', '/tmp/inner');
    expect(text(sys, root, '/tmp/a/up')).toBe('hello');
    expect(sys.realpath(root, '/tmp/inner/..')).toBe('/tmp/a');
    expect(sys.realpath(root, '/../..//tmp/./inner/')).toBe('/tmp/a/b');
    expect(sys.readlink(root, '/tmp/inner')).toBe('a/b');
    expect(sys.readlink(root, '/note')).toBe(-ERRNO.EINVAL);
  });

  it('gives up on loops, on files used as directories and on what is not there', () => {
    const { root, sys } = start();
    sys.symlink(root, 'loop', '/tmp/loop');
    sys.symlink(root, '/nowhere', '/tmp/dangling');
    expect(sys.open(root, '/tmp/loop', O.RDONLY)).toBe(-ERRNO.ELOOP);
    expect(sys.open(root, '/note/x', O.RDONLY)).toBe(-ERRNO.ENOTDIR);
    expect(sys.open(root, '/note/', O.RDONLY)).toBe(-ERRNO.ENOTDIR);
    expect(sys.open(root, '/tmp/dangling', O.RDONLY)).toBe(-ERRNO.ENOENT);
    expect(sys.stat(root, '/tmp/dangling', false)).toMatchObject({ type: 'link' });
    expect(sys.open(root, '', O.RDONLY)).toBe(-ERRNO.ENOENT);
    expect(sys.open(root, `/${'x'.repeat(256)}`, O.RDONLY)).toBe(-ERRNO.ENAMETOOLONG);
  });

  it('checks permissions on the way and at the end; root passes', () => {
    const { root, user, sys } = start();
    expect(sys.open(user, '/secret/x', O.RDONLY)).toBe(-ERRNO.EACCES);
    expect(sys.open(root, '/secret/x', O.RDONLY)).toBe(-ERRNO.ENOENT);
    expect(sys.open(user, '/note', O.WRONLY)).toBe(-ERRNO.EACCES);
    expect(sys.access(user, '/note', 4)).toBe(0);
    expect(sys.access(root, '/note', 1)).toBe(-ERRNO.EACCES);
    expect(sys.chown(root, '/note', 1000, 1000)).toBe(0);
    expect(sys.open(user, '/note', O.WRONLY)).toBeGreaterThan(0);
    expect(sys.mkdir(user, '/made')).toBe(-ERRNO.EACCES);
    expect(sys.mkdir(user, '/tmp/made')).toBe(0);
    expect(sys.chmod(user, '/tmp', 0o777)).toBe(-ERRNO.EPERM);
  });

  it('keeps a changed mode of a computed node as long as what it stands for', () => {
    const { root, user, sys, top } = start();
    let owner = {};
    top.insert('sys', directory({ value: () => attribute({ mode: 0o600, owner, show: () => 'v\n' }) }));
    expect(text(sys, user, '/sys/value')).toBe(-ERRNO.EACCES);
    expect(sys.chmod(root, '/sys/value', 0o644)).toBe(0);
    expect(text(sys, user, '/sys/value')).toBe('v\n');
    owner = {};
    expect(text(sys, user, '/sys/value')).toBe(-ERRNO.EACCES);
  });

  it('renames, removes and refuses as Linux does', () => {
    const { root, sys } = start();
    sys.mkdir(root, '/tmp/d');
    sys.mkdir(root, '/tmp/d/e');
    expect(sys.rmdir(root, '/tmp/d')).toBe(-ERRNO.ENOTEMPTY);
    expect(sys.unlink(root, '/tmp/d')).toBe(-ERRNO.EISDIR);
    expect(sys.rename(root, '/tmp/d', '/tmp/d/e/f')).toBe(-ERRNO.EINVAL);
    expect(sys.rename(root, '/tmp/d/e', '/tmp/g')).toBe(0);
    expect(sys.readdir(root, '/tmp/d')).toEqual([]);
    expect(sys.rmdir(root, '/tmp/d')).toBe(0);
    expect(sys.rename(root, '/note', '/tmp/g')).toBe(-ERRNO.EISDIR);
    expect(sys.mkdir(root, '/note')).toBe(-ERRNO.EEXIST);
  });
});

describe('files', () => {
  it('a memory file behaves as an array of bytes under any row of writes', () => {
    const writes = fc.array(fc.tuple(fc.nat(300), fc.uint8Array({ minLength: 1, maxLength: 80 })), { maxLength: 30 });
    fc.assert(
      fc.property(writes, (row) => {
        const { root, sys } = start();
        const fd = sys.open(root, '/tmp/f', O.RDWR | O.CREAT, 0o644) as number;
        let model = new Uint8Array(0);
        for (const [at, data] of row) {
          expect(sys.pwrite(root, fd, data, BigInt(at))).toBe(data.length);
          const grown = new Uint8Array(Math.max(model.length, at + data.length));
          grown.set(model);
          grown.set(data, at);
          model = grown;
        }
        const into = new Uint8Array(1000);
        const count = sys.pread(root, fd, into, 0n) as number;
        expect(into.subarray(0, count)).toEqual(model);
      }),
    );
  });

  it('refuses what the access mode or the file does not offer', () => {
    const { root, sys, top } = start();
    const fd = sys.open(root, '/note', O.RDONLY) as number;
    expect(sys.write(root, fd, new Uint8Array(1))).toBe(-ERRNO.EBADF);
    expect(sys.pread(root, fd, new Uint8Array(1), -1n)).toBe(-ERRNO.EINVAL);
    expect(sys.ioctl(root, fd, 1, 0n)).toBe(-ERRNO.ENOTTY);
    expect(sys.mmap(root, fd, { offset: 0n, length: 1n, read: true, write: false, shared: true })).toBe(
      BigInt(-ERRNO.ENODEV),
    );
    expect(sys.poll(root, 99)).toBe(0x20);
    top.insert('w', attribute({ mode: 0o200, store: () => -ERRNO.EBUSY }));
    expect(sys.open(root, '/w', O.RDONLY)).toBe(-ERRNO.EACCES);
    const store = sys.open(root, '/w', O.WRONLY) as number;
    expect(sys.write(root, store, new Uint8Array(0))).toBe(0);
    expect(sys.write(root, store, new Uint8Array(3))).toBe(-ERRNO.EBUSY);
    const dir = sys.open(root, '/tmp', O.RDONLY) as number;
    expect(sys.read(root, dir, new Uint8Array(1))).toBe(-ERRNO.EISDIR);
    expect(sys.open(root, '/tmp', O.WRONLY)).toBe(-ERRNO.EISDIR);
  });

  it('an appended and a truncated file', () => {
    const { root, sys } = start();
    const write = (flags: number, value: string): void => {
      const fd = sys.open(root, '/tmp/log', O.WRONLY | O.CREAT | flags, 0o644) as number;
      sys.write(root, fd, new TextEncoder().encode(value));
      sys.close(root, fd);
    };
    write(0, 'one ');
    write(O.APPEND, 'two');
    expect(text(sys, root, '/tmp/log')).toBe('one two');
    write(O.TRUNC, 'x');
    expect(text(sys, root, '/tmp/log')).toBe('x');
    expect(sys.open(root, '/tmp/log', O.WRONLY | O.CREAT | O.EXCL)).toBe(-ERRNO.EEXIST);
  });
});
