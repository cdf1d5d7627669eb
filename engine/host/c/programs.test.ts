/** Programs in C through the shell: what learners write runs, and a replay without the program gives the same machine. */
import { describe, expect, it } from 'vitest';
import { MachineBuilder } from '../../hardware/parts/fixture';
import { serializeStep } from '../../lab/document/format';
import { Lab } from '../../lab/lab';
import { Machine } from '../../lab/machine';
import { stateHash } from '../../lab/state-hash';
import { readBatch } from '../../shell/c/batch';
import { headlessHost } from '../headless';
import { CBench, programText } from './fixture';

const replayed = (bench: CBench): string => {
  bench.history.seal();
  const { machine } = bench.history;
  return stateHash(Machine.replay(machine.base, machine.journal).kernel);
};
const hash = (bench: CBench): string => stateHash(bench.history.machine.kernel);

const main = (body: string, includes: readonly string[] = []): string =>
  [...['stdio', 'stdlib', 'string', 'errno', 'unistd', ...includes].map((name) => `#include <${name}.h>`), body].join(
    '\n',
  );

describe('the samples', () => {
  it('walk through VFIO, drive edu and ring vectors; the journal knows it all', { timeout: 60_000 }, async () => {
    const bench = CBench.of('q35-basic');
    await bench.run(
      'modprobe vfio-pci; for d in 0000:01:00.0 0000:02:00.0; do driverctl set-override $d vfio-pci; done',
    );

    const results: Record<string, string> = {};
    for (const [name, device] of [
      ['vfio-first', '0000:01:00.0'],
      ['edu-driver', '0000:01:00.0'],
      ['msix-vectors', '0000:02:00.0'],
    ] as const) {
      expect(await bench.compile(programText(`${name}.c`), name)).toEqual({ status: 0, out: '', err: '' });
      const ran = await bench.run(`./${name} ${device}`);
      expect(ran).toMatchObject({ status: 0, err: '' });
      results[name] = ran.out;
    }
    expect(results['vfio-first']).toContain('group 8 is viable');
    expect(results['vfio-first']).toContain('vendor 1234 device 11e8');
    expect(results['edu-driver']!.split('\n')).toEqual([
      'identification 0x010000ed, version 1.0',
      'liveness 0xedcba987',
      'factorial: interrupt, status 0x1',
      '10! = 3628800',
      'DMA to the device: interrupt, status 0x100',
      'DMA to memory: interrupt, status 0x100',
      'back: "There and back again"',
      '',
    ]);
    expect(results['msix-vectors']).toContain('3 vectors rang');

    expect(replayed(bench)).toBe(hash(bench));
    expect(bench.history.all.map((gesture) => gesture.label)).toContain('./edu-driver 0000:01:00.0');
    const before = bench.history.all.length;
    expect(bench.history.undo()?.label).toBe('./msix-vectors 0000:02:00.0');
    expect(bench.history.all.length).toBe(before - 1);
    expect(bench.history.redo()?.label).toBe('./msix-vectors 0000:02:00.0');
    expect(replayed(bench)).toBe(hash(bench));
  });
});

it('has errno and messages of Linux', async () => {
  const bench = CBench.of('q35-basic');
  const ran = await bench.program(
    main(
      `
      int main(void) {
        if (open("/nope", O_RDONLY) < 0) printf("%d %s %m\\n", errno, strerror(errno));
        errno = 0; strtol("99999999999999999999", NULL, 10); printf("%d %s\\n", errno, strerror(errno));
        printf("%s, %s, %s\\n", strerror(EBUSY), strerror(ENOTTY), strerror(0));
        if (ioctl(1, 0x3b64) < 0) perror("ioctl");
        if (open("/proc/version", O_WRONLY) < 0) perror("open");
        return 0;
      }`,
      ['fcntl', 'sys/ioctl'],
    ),
  );
  expect(ran.out).toBe(
    '2 No such file or directory No such file or directory\n34 Numerical result out of range\n' +
      'Device or resource busy, Inappropriate ioctl for device, Success\n',
  );
  expect(ran.err).toBe('ioctl: Inappropriate ioctl for device\nopen: Permission denied\n');
});

/** Opens edu, maps its BAR 0 and hands over to `body` with `bar`, `device`, `config` and `container`. */
const withBar = (body: string): string =>
  main(
    `
    static int group_of(const char *name) {
      char path[256], target[256];
      snprintf(path, sizeof path, "/sys/bus/pci/devices/%s/iommu_group", name);
      ssize_t n = readlink(path, target, sizeof target - 1);
      target[n < 0 ? 0 : n] = 0;
      snprintf(path, sizeof path, "/dev/vfio%s", strrchr(target, '/'));
      return open(path, O_RDWR);
    }
    int main(void) {
      const char *name = "0000:01:00.0";
      int container = open("/dev/vfio/vfio", O_RDWR), group = group_of(name);
      if (ioctl(group, VFIO_GROUP_SET_CONTAINER, &container) || ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU)) return 90;
      int device = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, name);
      struct vfio_region_info region = { .argsz = sizeof region, .index = 0 }, config = { .argsz = sizeof config, .index = 7 };
      ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &region);
      ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &config);
      uint8_t *bar = mmap(NULL, region.size, PROT_READ | PROT_WRITE, MAP_SHARED, device, region.offset);
      if (bar == MAP_FAILED) { perror("mmap"); return 91; }
      ${body}
    }`,
    ['fcntl', 'stdint', 'signal', 'poll', 'sys/ioctl', 'sys/mman', 'sys/eventfd', 'linux/vfio', 'linux/pci_regs'],
  );

async function eduBench(): Promise<CBench> {
  const bench = CBench.of('q35-basic');
  await bench.run('modprobe vfio-pci; driverctl set-override 0000:01:00.0 vfio-pci');
  return bench;
}

/** Every access to a register that the journal has, in order: `W4 +8=5` from the first address on. */
function accesses(bench: CBench): string[] {
  bench.history.seal();
  const out: string[] = [];
  let base: number | null = null;
  const offset = (at: number): string => (at - (base ??= at)).toString(16);
  for (const input of bench.history.machine.journal) {
    if (input.kind !== 'program') continue;
    readBatch(input.batch, {
      time: () => undefined,
      load: (at, width) => void out.push(`R${width} +${offset(at)}`),
      store: (at, width, value) => void out.push(`W${width} +${offset(at)}=${value.toString(16)}`),
      call: () => undefined,
    });
  }
  return out;
}

it('uses iommufd and the device node where the kernel has them', async () => {
  const bench = CBench.of('ifd-basic', 'engine/conformance/recordings');
  const device = (
    await bench.run('basename $(dirname $(grep -l 0x11e8 /sys/bus/pci/devices/*/device | head -n 1))')
  ).out.trim();
  await bench.run(`driverctl set-override ${device} vfio-pci`);
  expect(await bench.run('cc -Wall -Wextra ~/samples/iommufd-cdev.c -o cdev')).toEqual({ status: 0, out: '', err: '' });
  const ran = await bench.run(`./cdev ${device}`);
  expect(ran).toMatchObject({ status: 0, err: '' });
  expect(ran.out).toContain(`${device} is /dev/vfio/devices/vfio0\n`);
  expect(ran.out).toContain('unmapped 1048576 bytes\n');
  expect(replayed(bench)).toBe(hash(bench));
});

describe('registers through pointers', () => {
  it('arrive one by one, in order and in their width, whether volatile or not', async () => {
    const bench = await eduBench();
    const ran = await bench.program(
      withBar(`
      volatile uint32_t *v = (volatile uint32_t *)bar;
      uint32_t *plain = (uint32_t *)bar;
      uint32_t id = v[0];
      for (int i = 0; i < 3; i++) v[1] = 7;
      plain[1] = 0x12345678;
      printf("%08x %08x\\n", id, plain[1]);
      v[1] |= 1;
      *(volatile uint64_t *)(bar + 0x80) = 0x1122334455667788ull;
      *(volatile uint8_t *)(bar + 0x10) = 0xab;
      *(volatile uint16_t *)(bar + 0x12) = 0xabcd;
      uint32_t words[3] = {1, 2, 3};
      memcpy(bar + 0x40000, words, sizeof words);
      memset(bar + 0x40010, 0xee, 8);
      v[8] = 9;
      return 0;`),
    );
    expect(ran).toEqual({ status: 0, out: '010000ed edcba987\n', err: '' });
    expect(accesses(bench)).toEqual([
      'R4 +0',
      ...['W4 +4=7', 'W4 +4=7', 'W4 +4=7'],
      ...['W4 +4=12345678', 'R4 +4', 'R4 +4', 'W4 +4=edcba987'],
      'W8 +80=1122334455667788',
      ...['W1 +10=ab', 'W2 +12=abcd'],
      ...['W4 +40000=1', 'W4 +40004=2', 'W4 +40008=3'],
      ...['W4 +40010=eeeeeeee', 'W4 +40014=eeeeeeee'],
      'W4 +20=9',
    ]);
  });

  it('end a program with SIGBUS while memory is disabled, with SIGSEGV where it maps nothing', async () => {
    const bench = await eduBench();
    const disabled = await bench.program(
      withBar(`
      uint16_t command = 0;
      pwrite(device, &command, 2, config.offset + PCI_COMMAND);
      return *(volatile uint32_t *)bar;`),
    );
    expect(disabled).toMatchObject({ status: 128 + 7 });
    expect(disabled.err).toContain('Bus error');
    const unmapped = await bench.program(withBar('munmap(bar, region.size); return *(volatile uint32_t *)bar;'));
    expect(unmapped).toMatchObject({ status: 128 + 11 });
    const readOnly = await bench.program(
      withBar(`
      uint32_t *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      printf("%u\\n", *page);
      fflush(stdout);
      *page = 1;
      return 0;`),
    );
    expect(readOnly).toMatchObject({ status: 128 + 11, out: '0\n' });
    expect(accesses(bench).length).toBe(1);
  });
});

describe('a program in its shell', () => {
  it('reads pipes, writes them, and ends as its exit status or its signal says', async () => {
    const bench = CBench.of('q35-basic');
    const compiled = await bench.compile(
      main(`
      int main(int argc, char **argv) {
        char line[100];
        int n = 0;
        while (fgets(line, sizeof line, stdin)) n++, fputs(line, stdout);
        fprintf(stderr, "%d lines, %d words, %s\\n", n, argc - 1, getenv("NAME"));
        return argc > 1 ? atoi(argv[1]) : 0;
      }`),
      'copy',
    );
    expect(compiled).toMatchObject({ status: 0, err: '' });
    expect(await bench.run('printf "a\\nb\\n" | NAME=x ./copy 7 w | tr a-z A-Z; echo "${PIPESTATUS[*]}"')).toEqual({
      status: 0,
      out: 'A\nB\n0 7 0\n',
      err: '2 lines, 2 words, x\n',
    });
    expect(await bench.run('./copy < /etc/hostname > out 2> err; cat out err')).toMatchObject({
      out: 'lab\n1 lines, 0 words, (null)\n',
    });
    expect(await bench.run('yes | ./copy | head -n 1; echo "${PIPESTATUS[1]}"')).toMatchObject({ out: 'y\n141\n' });
    expect(await bench.run('ls -l copy; file=$(stat -c %a copy); echo $file')).toMatchObject({
      out: expect.stringMatching(/^-rwxr-xr-x 1 root root.*\n755\n$/) as string,
    });
  });

  it('says which signal ended it', async () => {
    const bench = CBench.of('q35-basic');
    const ran = await bench.program(
      main('int main(int argc, char **argv) { if (argc > 1) abort(); return 10 / (argc - 1); }'),
    );
    expect(ran).toMatchObject({ status: 128 + 8 });
    expect(ran.err).toMatch(/^bash: line 1: +\d+ Floating point exception +\.\/test\n$/);
    expect((await bench.run('./test x')).err).toContain('Aborted');
    const failed = await bench.program(
      main('int main(int argc, char **argv) { assert(argc > 1 || !argv); return 0; }', ['assert']),
    );
    expect(failed.err).toMatch(/^test: test\.c:\d+: main: Assertion `argc > 1 \|\| !argv' failed\.\n.*Aborted/);
  });

  it('stops at Ctrl-C, or handles it', async () => {
    const bench = CBench.of('q35-basic');
    await bench.compile(
      main(
        `
        static volatile sig_atomic_t asked;
        static void on(int number) { asked = number; }
        int main(int argc, char **argv) {
          (void)argv;
          struct sigaction action = {.sa_handler = on};
          if (argc > 1) sigaction(SIGINT, &action, NULL);
          printf("ready\\n"); fflush(stdout);
          if (argc > 2) while (!asked) ;
          else { char c; if (read(0, &c, 1) < 0) perror("read"); }
          printf("signal %d\\n", asked);
          return 5;
        }`,
        ['signal'],
      ),
      'waits',
    );
    const interrupted = (words: string): Promise<unknown> => bench.run(`./waits ${words}`, { interruptAt: 'ready' });
    expect(await interrupted('')).toMatchObject({ out: 'ready\n' });
    expect(await interrupted('handled')).toMatchObject({
      out: 'ready\nsignal 2\n',
      err: 'read: Interrupted system call\n',
    });
    expect(await interrupted('handled busy')).toMatchObject({ out: 'ready\nsignal 2\n', err: '' });
  });

  it('is a process like any other', async () => {
    const bench = await eduBench();
    const ran = await bench.run('ulimit -l 64; cat > limit.c; cc limit.c -o limit && ./limit', {
      input: withBar(`
      char *buffer;
      if (posix_memalign((void **)&buffer, 4096, 1 << 20)) return 92;
      struct vfio_iommu_type1_dma_map map = { .argsz = sizeof map, .flags = 3, .vaddr = (uintptr_t)buffer, .iova = 0, .size = 65536 };
      if (ioctl(container, VFIO_IOMMU_MAP_DMA, &map)) perror("map");
      char line[200];
      FILE *status = fopen("/proc/self/status", "r");
      while (fgets(line, sizeof line, status)) if (!strncmp(line, "VmLck", 5)) fputs(line, stdout);
      FILE *maps = fopen("/proc/self/maps", "r");
      while (fgets(line, sizeof line, maps)) if (strstr(line, "anon_inode")) printf("%s", strstr(line, "rw-"));
      return 0;`),
    });
    expect(ran.err).toBe('');
    expect(ran.out).toMatch(/^VmLck:\t +64 kB\nrw-s 00000000 00:0e 0 +anon_inode:\[vfio-device\]\n$/);
  });
});

it('waits for interrupts, timers and descriptors while the machine lives on', async () => {
  const bench = await eduBench();
  const ran = await bench.program(
    withBar(`
      uint16_t command = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
      pwrite(device, &command, 2, config.offset + PCI_COMMAND);
      int irq = eventfd(0, 0);
      char room[24];
      struct vfio_irq_set *set = (struct vfio_irq_set *)room;
      *set = (struct vfio_irq_set){ .argsz = 24, .flags = 4 | 32, .index = 1, .count = 1 };
      memcpy(set->data, &irq, 4);
      if (ioctl(device, VFIO_DEVICE_SET_IRQS, set)) perror("irqs");
      volatile uint32_t *regs = (volatile uint32_t *)bar;
      struct pollfd ready = { irq, POLLIN, 0 };
      printf("%d\\n", poll(&ready, 1, 5));
      regs[0x60 / 4] = 0x55;
      printf("%d %x\\n", poll(&ready, 1, 1000), ready.revents);
      uint64_t count;
      printf("%zd %llu %x\\n", read(irq, &count, 8), (unsigned long long)count, regs[0x24 / 4]);
      int timer = timerfd_create(CLOCK_MONOTONIC, 0), set_of = epoll_create1(0);
      struct itimerspec every = { .it_value = { 0, 20000000 }, .it_interval = { 0, 20000000 } };
      timerfd_settime(timer, 0, &every, NULL);
      struct epoll_event event = { .events = EPOLLIN, .data.u64 = 0x1122334455667788 };
      epoll_ctl(set_of, EPOLL_CTL_ADD, timer, &event);
      event.data.u64 = 0;
      struct timespec before, after;
      clock_gettime(CLOCK_MONOTONIC, &before);
      printf("%d", epoll_wait(set_of, &event, 1, 1000));
      clock_gettime(CLOCK_MONOTONIC, &after);
      double ms = (after.tv_sec - before.tv_sec) * 1e3 + (after.tv_nsec - before.tv_nsec) / 1e6;
      printf(" %llx %s\\n", (unsigned long long)event.data.u64, ms > 15 && ms < 200 ? "in time" : "late");
      int ends[2];
      pipe(ends);
      write(ends[1], "word", 4);
      char got[5] = {0};
      printf("%zd %s\\n", read(ends[0], got, 4), got);
      close(ends[1]);
      printf("%zd\\n", read(ends[0], got, 4));
      fflush(stdout);
      dup2(2, 1);
      printf("to stderr\\n");
      return 0;`).replace('#include', '#include <time.h>\n#include <sys/epoll.h>\n#include <sys/timerfd.h>\n#include'),
  );
  expect(ran).toEqual({
    status: 0,
    out: '0\n1 1\n8 1 55\n1 1122334455667788 in time\n4 word\n0\n',
    err: 'to stderr\n',
  });
  expect(replayed(bench)).toBe(hash(bench));
});

describe('a hostile program', () => {
  const spans: Record<string, string> = { calls: '0.5', output: '0.5', scribble: '0.3', loop: '0.3', still: '0.3' };

  it.each(Object.keys(spans))('%s is stopped from outside, and the lab lives on', async (name) => {
    const bench = CBench.of('q35-basic');
    expect(await bench.compile(programText(`hostile/${name}.c`), name)).toMatchObject({ status: 0 });
    const ran = await bench.run(`timeout ${spans[name]} ./${name} | tail -n 1; echo "\${PIPESTATUS[0]}"`);
    expect(ran.out).toMatch(/(^|\n)124\n$/);
    expect(await bench.run('echo alive; ls /dev/vfio')).toMatchObject({ status: 0, out: 'alive\nvfio\n' });
    expect([...bench.history.machine.kernel.processes.all()].map((process) => process.name)).not.toContain(name);
    expect(replayed(bench)).toBe(hash(bench));
  });

  it('meets the limits of its own memory', async () => {
    const bench = CBench.of('q35-basic');
    const run = async (name: string) => {
      await bench.compile(programText(`hostile/${name}.c`), name, '-O1');
      return bench.run(`./${name}`);
    };
    for (const name of ['null', 'wild', 'recursion']) expect(await run(name)).toMatchObject({ status: 128 + 11 });
    expect(await run('memory')).toEqual({
      status: 0,
      out: 'as much as a program of the lab may have\n',
      err: 'malloc: Cannot allocate memory\n',
    });
    const forked = await run('fork');
    expect(forked.status).toBe(0);
    expect(forked.err.split('\n').slice(0, 2)).toEqual([
      './fork: fork: a program of the lab is one process',
      'fork: Function not implemented',
    ]);
    const thread =
      'static void *f(void *x) { return x; } int main(void) { pthread_t t; return pthread_create(&t, 0, f, 0); }';
    expect(await bench.program(main(thread, ['pthread']))).toMatchObject({
      status: 38,
      err: './test: pthread_create: a program of the lab is one thread\n',
    });
  });
});

describe('cc', () => {
  it('says what is wrong and where, as clang does', async () => {
    const bench = CBench.of('q35-basic');
    const wrong = await bench.compile(
      'int main(void) {\n  int y = 1\n    ;\n  return undefined_name + y;\n}\nint f(void) { return 1 }\n',
      'wrong',
    );
    expect(wrong.status).toBe(1);
    expect(wrong.err).toContain("wrong.c:4:10: error: use of undeclared identifier 'undefined_name'");
    expect(wrong.err).toContain("wrong.c:6:23: error: expected ';' after return statement");
    expect(await bench.run('ls wrong')).toMatchObject({ status: 2 });
    const linked = await bench.compile('int nowhere(void);\nint main(void) { return nowhere(); }\n', 'linked');
    expect(linked).toMatchObject({ status: 1 });
    expect(linked.err).toContain('undefined symbol: nowhere');
    expect(await bench.run('cc nothing.c')).toEqual({
      status: 1,
      out: '',
      err: "cc: error: no such file or directory: 'nothing.c'\n",
    });
    expect((await bench.run('gcc -std=c99 -fno-such-flag wrong.c')).err).toContain(
      "gcc: error: unknown argument: '-fno-such-flag'",
    );
  });

  it('takes several sources, their headers and objects, and the habits of older C', async () => {
    const bench = CBench.of('q35-basic');
    await bench.run(`mkdir -p p/inc; cd p
      echo 'int twice(int);' > inc/twice.h
      printf '#include <twice.h>\\nint twice(int n) { return 2 * n * FACTOR; }\\n' > twice.c
      printf '#include <stdio.h>\\n#include "inc/twice.h"\\nint main(void) { __attribute__((unused)) unsigned a = "x"; printf("%%d\\\\n", twice(21)); }\\n' > main.c`);
    const built = await bench.run('cd p; gcc -c -Iinc -DFACTOR=2 twice.c && gcc -w main.c twice.o -o all && ./all; ls');
    expect(built).toMatchObject({ status: 0, err: '', out: '84\nall\ninc\nmain.c\ntwice.c\ntwice.o\n' });
    expect((await bench.run('cd p; cc -Iinc -DFACTOR=1 -Wno-int-conversion main.c twice.c && ./a.out')).out).toBe(
      '42\n',
    );
    expect((await bench.run('cd p; cc -E -P -DFACTOR=3 -Iinc twice.c | tail -n 1')).out).toContain('2 * n * 3');
    expect((await bench.run('cc --version | head -n 1')).out).toMatch(/^clang version \d+/);
  });

  it('makes files that no other program can run, and runs none that it did not make', async () => {
    const bench = CBench.of('q35-basic');
    const ran = await bench.run(`printf '\\0asm\\1\\0\\0\\0' > fake; chmod +x fake; ./fake`);
    expect(ran).toMatchObject({ status: 126, err: './fake: cannot execute binary file: Exec format error\n' });
  });
});

it('drives the lab’s network controller with four vectors', async () => {
  const builder = new MachineBuilder();
  builder.behindPort('lab-nic');
  const bench = new CBench(builder.description);
  await bench.run('driverctl set-override 0000:01:00.0 vfio-pci');
  expect(await bench.compile(programText('nic-driver.c'), 'nic-driver')).toEqual({ status: 0, out: '', err: '' });
  const ran = await bench.run('./nic-driver 0000:01:00.0');
  expect(ran).toEqual({
    status: 0,
    err: '',
    out: [
      '4 pairs of rings, 8 vectors',
      'vector 0 (receive of pair 0): 1',
      'vector 1 (transmit of pair 0): 1',
      'vector 2 (receive of pair 1): 2',
      'vector 3 (transmit of pair 1): 2',
      'pair 0 received "first packet of pair 0"',
      'pair 1 received "first packet of pair 1"',
      'pair 1 received "and a second one"',
      '',
    ].join('\n'),
  });
  expect(replayed(bench)).toBe(hash(bench));
});

describe('in a document', () => {
  const opened = (): Lab => {
    const lab = Lab.create(headlessHost());
    lab.openSample('q35-basic');
    return lab;
  };

  it('what a program did is saved, recovered and taken back with it', async () => {
    const lab = opened();
    let journal = new TextDecoder().decode(lab.serialize());
    lab.onDocument((event) => {
      if (event.kind === 'step') journal += serializeStep(event.step);
    });
    const shell = CBench.in(lab);
    await shell.run('driverctl set-override 0000:01:00.0 vfio-pci; cc ~/samples/edu-driver.c -o edu');
    const before = lab.hash;
    expect(await shell.run('./edu')).toMatchObject({ status: 0 });
    const after = lab.hash;
    expect(after).not.toBe(before);

    const other = opened();
    expect(other.openBytes('saved.vfiolab', lab.serialize(), null)).toMatchObject({ ok: true });
    expect(other.hash).toBe(after);
    expect(other.recover('lost', new TextEncoder().encode(journal), null)).toMatchObject({ ok: true });
    expect(other.hash).toBe(after);
    const damaged = new TextDecoder().decode(lab.serialize()).replace(/"batch":"[^"]*/, '"batch":"AAAA');
    const refused = other.openBytes('damaged.vfiolab', new TextEncoder().encode(damaged), null);
    expect(refused).toMatchObject({
      ok: false,
      message: expect.stringMatching(
        /^damaged\.vfiolab was not opened: line \d+\. This step cannot be read: /,
      ) as string,
    });

    expect(lab.undo()).toMatchObject({ ok: true, message: 'Undone: ./edu.' });
    expect(lab.hash).toBe(before);
    expect(lab.redo()).toMatchObject({ ok: true });
    expect(lab.hash).toBe(after);
  });

  it('a program that still runs ends when a step is taken back or the machine is booted again', async () => {
    const lab = opened();
    const shell = CBench.in(lab);
    const waits = main('int main(void) { puts("ready"); fflush(stdout); for (;;) pause(); }');
    await shell.compile(waits, 'waits');
    for (const disturb of [() => lab.undo(), () => shell.system.reboot(null), () => lab.openSample('q35-basic')]) {
      const running = shell.run('cp waits w 2> /dev/null; ./waits', { onPrinted: disturb });
      const ran = await running;
      expect(ran.out).toBe('ready\n');
      expect(ran.err).toContain('./waits: ended by the lab: the machine was booted again, or a step was taken back');
      expect(ran.status).toBe(137);
      await shell.compile(waits, 'waits');
    }
  });

  it('the editor opens what is asked for, saves through a system call, and knows what the compiler said', async () => {
    const lab = opened();
    const shell = CBench.in(lab);
    expect(await shell.run('edit +3 samples/edu-driver.c')).toMatchObject({ status: 0 });
    expect(lab.view('editor', null).wish).toEqual({ number: 1, path: '/root/samples/edu-driver.c', line: 3 });
    expect(lab.view('editable', null).files).toContain('/root/samples/edu-driver.c');
    expect(lab.view('file', { path: '/root/samples/edu-driver.c' }).text).toBe(programText('edu-driver.c'));
    expect(lab.view('file', { path: '/root/none.c' })).toEqual({
      text: null,
      problem: 'No such file or directory.',
      missing: true,
    });
    expect(lab.view('file', { path: '/root' })).toMatchObject({ text: null, missing: false });

    const text = 'int main(void) { return x; }\n';
    expect(lab.act({ kind: 'write-file', path: '/root/new.c', text })).toMatchObject({ ok: true });
    expect(lab.view('file', { path: '/root/new.c' })).toEqual({ text, problem: null, missing: false });
    expect(lab.act({ kind: 'write-file', path: '/proc/version', text })).toMatchObject({
      ok: false,
      message: '/proc/version was not saved (EACCES).',
    });
    expect(await shell.run('cc new.c')).toMatchObject({ status: 1 });
    expect(lab.view('editor', null).problems).toMatchObject([
      { path: '/root/new.c', line: 1, column: 25, severity: 'error', message: "use of undeclared identifier 'x'" },
    ]);
    expect([lab.undo().message, lab.undo().message]).toEqual(['Undone: Save version.', 'Undone: Save new.c.']);
    expect(lab.view('file', { path: '/root/new.c' }).missing).toBe(true);
  });
});
