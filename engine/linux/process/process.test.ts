import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventFd } from './eventfd';
import type { MappedRegion, OpenFile } from './files';
import { ProcessTable } from './table';

const EMFILE = -24;
const EBADF = -9;
const EAGAIN = -11;
const PAGE = 4096n;

const spawn = () => {
  const table = new ProcessTable();
  return { table, task: table.spawn({ parent: 0, name: 'test', uid: 0 }) };
};

const recorded = (log: string[], name: string): OpenFile => ({
  kind: 'file',
  link: name,
  release: () => void log.push(name),
});

describe('descriptors', () => {
  it('hand out the lowest free number and stop at the limit', () => {
    const { task } = spawn();
    task.limits.nofile = 6;
    const fds = [0, 1, 2].map((i) => task.files.install(recorded([], `f${i}`)));
    expect(fds).toEqual([3, 4, 5]);
    expect(task.files.install(recorded([], 'more'))).toBe(EMFILE);
    expect(task.files.close(4)).toBe(0);
    expect(task.files.close(4)).toBe(EBADF);
    expect(task.files.dup(5)).toBe(4);
  });

  it('release a file with its last descriptor, mapping or copy in another process', () => {
    const { table, task } = spawn();
    const log: string[] = [];
    const file = recorded(log, 'file');
    const fd = task.files.install(file);
    const child = table.spawn({ parent: task.pid, name: 'child', uid: 0, inheritFiles: true });
    const region: MappedRegion = { length: 4096, read: () => 0n, write: () => true };
    const at = task.memory.mapFile(file, region, { read: true, write: true });
    task.files.close(fd);
    table.exit(child.pid);
    expect(log).toEqual([]);
    expect(task.memory.unmap(at, PAGE)).toBe(0);
    expect(log).toEqual(['file']);
  });

  it('are closed in ascending order when the process ends', () => {
    const { table, task } = spawn();
    const log: string[] = [];
    for (const name of ['a', 'b', 'c']) task.files.install(recorded(log, name));
    table.exit(task.pid);
    expect(log).toEqual(['a', 'b', 'c']);
    expect(table.get(task.pid)).toBeNull();
  });
});

describe('user memory', () => {
  it('reads back what was written, across chunks, and reads zero elsewhere', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            at: fc.integer({ min: 0, max: 200_000 }),
            data: fc.uint8Array({ minLength: 1, maxLength: 70_000 }),
          }),
          { maxLength: 6 },
        ),
        (writes) => {
          const { task } = spawn();
          const size = 300_000;
          const base = task.memory.allocate(BigInt(size));
          const plain = new Uint8Array(size);
          for (const { at, data } of writes) {
            expect(task.memory.copyTo(base + BigInt(at), data)).toBe(true);
            plain.set(data, at);
          }
          const seen = new Uint8Array(size);
          expect(task.memory.copyFrom(base, seen)).toBe(true);
          expect(Buffer.compare(seen, plain)).toBe(0);
        },
      ),
      { numRuns: 20 },
    );
  });

  it('costs nothing for 4 GiB that nobody touches', () => {
    const { task } = spawn();
    const base = task.memory.allocate(1n << 32n);
    expect(task.memory.pinnable(base, 1n << 32n, true)).toBe(1n << 32n);
    expect(task.memory.spans(Number(base), 2 ** 32, true)).toHaveLength(1);
    expect(task.memory.load(base + (1n << 32n) - 8n, 8)).toBe(0n);
    expect(task.memory.load(base + (1n << 32n), 1)).toBe('SIGSEGV');
  });

  it('refuses writes to read-only memory and pins it for reading only', () => {
    const { task } = spawn();
    const base = task.memory.allocate(PAGE, { readOnly: true });
    expect(task.memory.copyTo(base, new Uint8Array(1))).toBe(false);
    expect(task.memory.store(base, 4, 1n)).toBe('SIGSEGV');
    expect(task.memory.pinnable(base, PAGE, true)).toBe(0n);
    expect(task.memory.pinnable(base, PAGE, false)).toBe(PAGE);
  });

  it('can be cut in the middle', () => {
    const { task } = spawn();
    const base = task.memory.allocate(3n * PAGE);
    task.memory.store(base + 2n * PAGE, 8, 0x1234n);
    expect(task.memory.unmap(base + PAGE, PAGE)).toBe(0);
    expect(task.memory.load(base, 8)).toBe(0n);
    expect(task.memory.load(base + PAGE, 8)).toBe('SIGSEGV');
    expect(task.memory.load(base + 2n * PAGE, 8)).toBe(0x1234n);
    expect(task.memory.copyFrom(base, new Uint8Array(Number(2n * PAGE)))).toBe(false);
  });

  it('gives its pages back when the process ends', () => {
    const { table, task } = spawn();
    const base = task.memory.allocate(PAGE);
    const { physical } = task.memory.spans(Number(base), 4096, true)[0]!;
    expect(table.pages.memory.write(physical, new Uint8Array([7]))).toBe(true);
    expect(task.memory.load(base, 1)).toBe(7n);
    table.exit(task.pid);
    expect(table.pages.memory.givenAt(physical)).toBeNull();
  });
});

describe('eventfd', () => {
  it('counts signals, is emptied by a read and wakes listeners', () => {
    const { task } = spawn();
    const file = new EventFd();
    let woken = 0;
    file.listeners.add(() => woken++);
    const room = new Uint8Array(8);
    expect(file.read(task, room)).toBe(EAGAIN);
    expect(file.poll()).toBe(4);
    file.signal();
    file.signal(2n);
    expect(file.poll()).toBe(5);
    expect(file.read(task, room)).toBe(8);
    expect(room[0]).toBe(3);
    expect(woken).toBe(2);
    expect(file.write(task, new Uint8Array(8).fill(0xff))).toBe(-22);
    expect(file.write(task, new Uint8Array(7))).toBe(-22);
  });

  it('gives one at a time as a semaphore', () => {
    const { task } = spawn();
    const file = new EventFd(2, 1);
    const room = new Uint8Array(8);
    expect([file.read(task, room), file.read(task, room), file.read(task, room)]).toEqual([8, 8, EAGAIN]);
  });
});
