import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { ERRNO } from '../../errno';
import { EventFd } from '../../process/eventfd';
import { VFIO } from '../../uapi/vfio';
import type { VfioPciDevice } from './device';
import { Bench, kestrelFunction, pciDevice, rootPort } from './testing/kestrel';
import { pack } from './structure';

const { EBADF, EBUSY, EINVAL, ENODEV, ENOSPC, ENOTTY, ERANGE } = ERRNO;
const INTX = 0;
const MSI = 1;
const MSIX = 2;
const ERR = 3;
const REQ = 4;
const NONE = 1;
const BOOL = 2;
const EVENTFD = 4;
const MASK = 8;
const UNMASK = 16;
const TRIGGER = 32;
const CONFIG = 7 * 2 ** 40;

let bench: Bench;
let vdev: VfioPciDevice;
let arg: bigint;

function start(parameters = {}, remapping: 'vt-d' | 'amd-vi' | 'none' = 'vt-d'): void {
  bench = new Bench(parameters, remapping);
  vdev = bench.openKestrel();
  arg = bench.process.memory.allocate(65536n);
}

beforeEach(() => start());

function ioctl(request: number, structure: Uint8Array): number {
  bench.process.memory.copyTo(arg, structure);
  return vdev.ioctl(bench.process, request, arg);
}

function result(length: number): DataView {
  const bytes = new Uint8Array(length);
  bench.process.memory.copyFrom(arg, bytes);
  return new DataView(bytes.buffer);
}

function setIrqs(index: number, flags: number, first: number, count: number, data: number[] = []): number {
  const width = flags & BOOL ? 1 : 4;
  const tail = pack(...data.map((value) => [BigInt.asUintN(8 * width, BigInt(value)), width] as [bigint, 1 | 4]));
  const header = pack([20 + tail.length, 4], [flags, 4], [index, 4], [first, 4], [count, 4]);
  const structure = new Uint8Array(20 + tail.length);
  structure.set(header);
  structure.set(tail, 20);
  return ioctl(VFIO.DEVICE_SET_IRQS, structure);
}

function event(): { fd: number; file: EventFd; take(): number } {
  const file = new EventFd();
  const fd = bench.process.files.install(file);
  return {
    fd,
    file,
    take: () => {
      const count = Number(file.count);
      file.count = 0n;
      return count;
    },
  };
}

const command = (): number => vdev.device.config.read(0x04, 2);
const master = (): void => void vdev.write(bench.process, Uint8Array.of(0x06, 0x00), CONFIG + 4);
const raise = (vector: number) => bench.interrupts.raiseVector(vdev.device.function, vector);
const pin = (level: boolean) => bench.interrupts.setIntx(vdev.device.function, level);

describe('information of the worked example', () => {
  const region = (index: number, argsz = 32): [number, DataView] => {
    const value = ioctl(
      VFIO.DEVICE_GET_REGION_INFO,
      pack([argsz, 4], [0, 4], [index, 4], [0, 4], [0, 8], [0, 8], [0, 8]),
    );
    return [value, result(40)];
  };

  it('tells the device', () => {
    expect(ioctl(VFIO.DEVICE_GET_INFO, pack([16, 4], [0, 4], [0, 4], [0, 4]))).toBe(0);
    const view = result(16);
    expect([view.getUint32(4, true), view.getUint32(8, true), view.getUint32(12, true)]).toEqual([3, 9, 5]);
    expect(ioctl(VFIO.DEVICE_GET_INFO, pack([15, 4], [0, 4], [0, 4], [0, 4]))).toBe(-EINVAL);
    expect(vdev.ioctl(bench.process, VFIO.DEVICE_GET_INFO, 8n)).toBe(-ERRNO.EFAULT);
    expect(ioctl(0x3b99, pack([16, 4]))).toBe(-ENOTTY);
  });

  it.each([
    [0, 0x100000n, 7],
    [1, 0n, 0],
    [2, 0x4000n, 15],
    [4, 0x20n, 3],
    [6, 0x10000n, 1],
    [7, 0x1000n, 3],
  ])('tells region %i', (index, size, flags) => {
    const [value, view] = region(index);
    expect(value).toBe(0);
    expect(view.getBigUint64(16, true)).toBe(size);
    expect(view.getUint32(4, true)).toBe(flags);
    expect(view.getBigUint64(24, true)).toBe(BigInt(index) << 40n);
  });

  it('grows argsz for the MSI-X capability and appends it when there is room', () => {
    let [value, view] = region(2, 32);
    expect([value, view.getUint32(0, true), view.getUint32(12, true)]).toEqual([0, 40, 0]);
    [value, view] = region(2, 40);
    expect([value, view.getUint32(0, true), view.getUint32(12, true)]).toEqual([0, 40, 32]);
    expect(view.getBigUint64(32, true)).toBe(0x00010003n);
    expect(region(8)[0]).toBe(-EINVAL);
    expect(region(9)[0]).toBe(-EINVAL);
  });

  it.each([
    [INTX, 1, 7],
    [MSI, 8, 9],
    [MSIX, 32, 1],
    [ERR, 1, 9],
    [REQ, 1, 9],
  ])('tells interrupt index %i', (index, count, flags) => {
    expect(ioctl(VFIO.DEVICE_GET_IRQ_INFO, pack([16, 4], [0, 4], [index, 4], [0, 4]))).toBe(0);
    expect([result(16).getUint32(12, true), result(16).getUint32(4, true)]).toEqual([count, flags]);
  });

  it('leaves the vector table alone and clips at the end', () => {
    const into = new Uint8Array(16);
    const at = 2 * 2 ** 40;
    expect(vdev.read(bench.process, into, at + 0x1f8)).toBe(16);
    expect([...into]).toEqual([...new Array<number>(8).fill(0xff), ...new Array<number>(8).fill(0)]);
    expect(vdev.write(bench.process, new Uint8Array(16), at)).toBe(16);
    expect(vdev.read(bench.process, new Uint8Array(8), at + 0x3ffc)).toBe(4);
    expect(vdev.read(bench.process, new Uint8Array(1), at + 0x4000)).toBe(-EINVAL);
    expect(vdev.write(bench.process, new Uint8Array(1), 6 * 2 ** 40)).toBe(-EINVAL);
    expect(vdev.read(bench.process, into, 6 * 2 ** 40)).toBe(16);
    expect([into[0], into[1]]).toEqual([0x55, 0xaa]);
  });

  it('maps memory BARs only, and faults while decoding is off', () => {
    const map = (offset: number, length: number, shared = true) =>
      vdev.mmap(bench.process, { offset, length, read: true, write: true, shared });
    const mapped = map(2 * 2 ** 40, 0x4000);
    if (typeof mapped === 'number') throw new Error(`mmap failed with ${mapped}`);
    expect(map(2 * 2 ** 40, 0x5000)).toBe(-EINVAL);
    expect(map(2 * 2 ** 40, 0x1000, false)).toBe(-EINVAL);
    expect(map(4 * 2 ** 40, 0x1000)).toBe(-EINVAL);
    expect(map(CONFIG, 0x1000)).toBe(-EINVAL);
    expect(mapped.write(0x300, 4, 0x1234n)).toBe(true);
    expect(mapped.read(0x300, 4)).toBe(0x1234n);
    vdev.write(bench.process, Uint8Array.of(0, 0), CONFIG + 4);
    expect(mapped.read(0x300, 4)).toBeNull();
  });
});

describe('INTx', () => {
  it('masks itself on delivery and comes again while pending', () => {
    const e = event();
    expect(setIrqs(INTX, EVENTFD | TRIGGER, 0, 1, [e.fd])).toBe(0);
    pin(true);
    expect(command() & 0x400).toBe(0x400);
    expect(e.take()).toBe(1);
    expect(setIrqs(INTX, NONE | UNMASK, 0, 1)).toBe(0);
    expect(e.take()).toBe(1);
    expect(command() & 0x400).toBe(0x400);
    pin(false);
    setIrqs(INTX, NONE | UNMASK, 0, 1);
    expect(command() & 0x400).toBe(0);
    expect(e.take()).toBe(0);
  });

  it('takes unmask from an eventfd, one at a time', () => {
    const e = event();
    const u = event();
    setIrqs(INTX, EVENTFD | TRIGGER, 0, 1, [e.fd]);
    expect(setIrqs(INTX, EVENTFD | UNMASK, 0, 1, [u.fd])).toBe(0);
    expect(setIrqs(INTX, EVENTFD | UNMASK, 0, 1, [u.fd])).toBe(-EBUSY);
    pin(true);
    pin(false);
    expect(e.take()).toBe(1);
    u.file.signal();
    expect(u.take()).toBe(0);
    expect(command() & 0x400).toBe(0);
  });

  it('follows DisINTx of the user', () => {
    const e = event();
    setIrqs(INTX, EVENTFD | TRIGGER, 0, 1, [e.fd]);
    vdev.write(bench.process, Uint8Array.of(0x06, 0x04), CONFIG + 4);
    pin(true);
    expect(e.take()).toBe(0);
    vdev.write(bench.process, Uint8Array.of(0x06, 0x00), CONFIG + 4);
    expect(e.take()).toBe(1);
  });

  it('refuses in the order of the checks', () => {
    const e = event();
    expect(setIrqs(INTX, NONE | UNMASK, 0, 1)).toBe(-EINVAL);
    expect(setIrqs(INTX, EVENTFD | MASK, 0, 1, [e.fd])).toBe(-EINVAL);
    expect(setIrqs(INTX, EVENTFD | TRIGGER, 0, 1, [99])).toBe(-EBADF);
    expect(setIrqs(INTX, EVENTFD | TRIGGER, 0, 1, [-1])).toBe(0);
    expect(setIrqs(INTX, EVENTFD | MASK, 0, 1, [e.fd])).toBe(-ENOTTY);
    expect(setIrqs(MSI, EVENTFD | TRIGGER, 0, 1, [e.fd])).toBe(-EINVAL);
    expect(setIrqs(INTX, NONE | TRIGGER, 0, 0)).toBe(0);
    expect(setIrqs(INTX, NONE | TRIGGER, 0, 0)).toBe(-EINVAL);
  });
});

describe('MSI and MSI-X', () => {
  it('delivers each vector to its eventfd and keeps the way', () => {
    const a = event();
    const b = event();
    expect(setIrqs(MSIX, EVENTFD | TRIGGER, 0, 4, [a.fd, b.fd, -1, b.fd])).toBe(0);
    expect(vdev.device.config.read(0x72, 2)).toBe(0x801f);
    const early = raise(1);
    expect(early.hops.at(-1)).toMatchObject({ step: 'bus-master', ok: false });
    master();
    const path = raise(1);
    expect([a.take(), b.take()]).toEqual([0, 1]);
    expect(path.delivered).toBe(true);
    expect(path.hops.map((hop) => hop.step)).toEqual([
      'device',
      'enable',
      'bus-master',
      'table-entry',
      'message',
      'remapping',
      'vector',
      'handler',
      'reader',
    ]);
    const masked = raise(2);
    expect(masked.hops.at(-1)).toMatchObject({ step: 'table-entry', ok: false });
    expect(setIrqs(MSIX, EVENTFD | TRIGGER, 2, 1, [a.fd])).toBe(0);
    expect(a.take()).toBe(1);
  });

  it('grows, swaps and unassigns vectors', () => {
    const a = event();
    const b = event();
    setIrqs(MSIX, EVENTFD | TRIGGER, 0, 2, [a.fd, b.fd]);
    expect(setIrqs(MSIX, EVENTFD | TRIGGER, 9, 1, [a.fd])).toBe(0);
    expect(setIrqs(MSIX, NONE | TRIGGER, 0, 10)).toBe(0);
    expect([a.take(), b.take()]).toEqual([2, 1]);
    expect(setIrqs(MSIX, BOOL | TRIGGER, 0, 2, [0, 1])).toBe(0);
    expect([a.take(), b.take()]).toEqual([0, 1]);
    expect(setIrqs(MSIX, EVENTFD | TRIGGER, 0, 2, [a.fd, 999])).toBe(-EBADF);
    expect(setIrqs(MSIX, NONE | TRIGGER, 0, 2)).toBe(0);
    expect([a.take(), b.take()]).toEqual([0, 0]);
    expect(setIrqs(MSIX, NONE | MASK, 0, 1)).toBe(-ENOTTY);
    expect(setIrqs(MSIX, NONE | TRIGGER, 0, 0)).toBe(0);
    expect(vdev.device.config.read(0x72, 2)).toBe(0x001f);
  });

  it('writes remappable messages where the host remaps, and only there gives several MSI', () => {
    const e = event();
    expect(setIrqs(MSI, EVENTFD | TRIGGER, 0, 8, new Array<number>(8).fill(e.fd))).toBe(0);
    expect(vdev.interrupts!.msiQmax).toBe(3);
    expect(vdev.device.config.read(0x52, 2)).toBe(0x01b7);
    const address = vdev.device.config.read(0x54, 4);
    expect([address >>> 20, address & 0x18, vdev.device.config.read(0x5c, 2)]).toEqual([0xfee, 0x18, 0]);
    master();
    raise(5);
    expect(e.take()).toBe(1);
    start({}, 'none');
    const other = event();
    expect(setIrqs(MSI, EVENTFD | TRIGGER, 0, 8, new Array<number>(8).fill(other.fd))).toBe(1);
    expect(setIrqs(MSI, NONE | TRIGGER, 0, 0)).toBe(-EINVAL);
    expect(setIrqs(MSI, EVENTFD | TRIGGER, 0, 1, [other.fd])).toBe(0);
    expect(setIrqs(MSI, EVENTFD | TRIGGER, 1, 1, [other.fd])).toBe(-EINVAL);
  });

  it('blocks a message that is not the device’s own', () => {
    const e = event();
    setIrqs(MSIX, EVENTFD | TRIGGER, 0, 1, [e.fd]);
    master();
    const mapped = vdev.mmap(bench.process, {
      offset: 2 * 2 ** 40,
      length: 4096,
      read: true,
      write: true,
      shared: true,
    });
    if (typeof mapped === 'number') throw new Error('mmap failed');
    mapped.write(0, 4, 0xfee00000n);
    expect(raise(0).hops.at(-1)).toMatchObject({ step: 'remapping', ok: false });
    mapped.write(0, 4, 0xfee00018n);
    expect(raise(0).hops.at(-1)).toMatchObject({ step: 'remapping', ok: false });
    expect(e.take()).toBe(0);
  });

  it('survives a reset and needs D0', () => {
    const e = event();
    setIrqs(MSIX, EVENTFD | TRIGGER, 0, 2, [e.fd, e.fd]);
    master();
    expect(ioctl(VFIO.DEVICE_RESET, new Uint8Array(4))).toBe(0);
    raise(1);
    expect(e.take()).toBe(1);
    setIrqs(MSIX, NONE | TRIGGER, 0, 0);
    vdev.write(bench.process, Uint8Array.of(3), CONFIG + 0x44);
    expect(setIrqs(MSIX, EVENTFD | TRIGGER, 0, 1, [e.fd])).toBe(-EINVAL);
    expect(setIrqs(MSIX, EVENTFD | TRIGGER, 0, 0)).toBe(-ERANGE);
  });
});

describe('error and request events', () => {
  it('holds one eventfd each', () => {
    const e = event();
    expect(setIrqs(ERR, NONE | TRIGGER, 0, 1)).toBe(-EINVAL);
    expect(setIrqs(ERR, BOOL | TRIGGER, 0, 1, [1])).toBe(0);
    expect(setIrqs(ERR, EVENTFD | TRIGGER, 0, 1, [e.fd])).toBe(0);
    expect(setIrqs(ERR, NONE | TRIGGER, 0, 1)).toBe(0);
    vdev.interrupts!.reportError();
    expect(e.take()).toBe(2);
    expect(setIrqs(ERR, EVENTFD | TRIGGER, 0, 1, [-2])).toBe(0);
    expect(setIrqs(ERR, NONE | TRIGGER, 0, 0)).toBe(0);
    expect(setIrqs(REQ, EVENTFD | TRIGGER, 0, 1, [e.fd])).toBe(0);
    vdev.request(0);
    expect(e.take()).toBe(1);
  });
});

describe('bad input', () => {
  it('never throws and never leaves two interrupt types', () => {
    const e = event();
    const words = fc.oneof(fc.integer({ min: 0, max: 70 }), fc.constantFrom(0xffffffff, 0x80000000, 0x7fffffff));
    fc.assert(
      fc.property(
        words,
        words,
        words,
        words,
        fc.array(fc.constantFrom(-1, 99, 3, 4), { maxLength: 6 }),
        (i, f, s, c, fds) => {
          const data = pack(...fds.map((fd) => [BigInt.asUintN(32, BigInt(fd === 3 ? e.fd : fd)), 4] as [bigint, 4]));
          const structure = new Uint8Array(20 + data.length);
          structure.set(pack([structure.length, 4], [f, 4], [i, 4], [s, 4], [c, 4]));
          structure.set(data, 20);
          expect(Number.isInteger(ioctl(VFIO.DEVICE_SET_IRQS, structure))).toBe(true);
          const on = [vdev.device.config.read(0x52, 2) & 1, vdev.device.config.read(0x72, 2) >>> 15];
          expect(on[0]! + on[1]!).toBeLessThanOrEqual(1);
        },
      ),
      { numRuns: 400 },
    );
  });

  it('answers features with an errno or zero', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xfffff }), fc.integer({ min: 0, max: 64 }), (flags, argsz) => {
        const value = ioctl(VFIO.DEVICE_FEATURE, pack([argsz, 4], [flags, 4], [0, 8], [0, 8]));
        if (argsz < 8) expect(value).toBe(-EINVAL);
        else expect([0, -EINVAL, -ENOTTY, -EBADF]).toContain(value);
      }),
    );
  });
});

describe('hot reset', () => {
  const info = (argsz: number): number => {
    const structure = new Uint8Array(64);
    structure.set(pack([argsz, 4], [0, 4], [0, 4]));
    return ioctl(VFIO.DEVICE_GET_PCI_HOT_RESET_INFO, structure);
  };

  it('counts the functions of the bus and names their groups', () => {
    const port = vdev.device.parent!;
    const sibling = pciDevice(kestrelFunction(1, port.function), port);
    bench.devices.push(sibling);
    [vdev.device, sibling].forEach((device, i) => bench.groups.set(device, { id: 14 + i, devices: [device] } as never));
    expect(info(11)).toBe(-EINVAL);
    expect(info(12)).toBe(-ENOSPC);
    expect(result(12).getUint32(8, true)).toBe(2);
    expect(info(28)).toBe(0);
    const view = result(28);
    expect([view.getUint32(12, true), view.getUint8(18), view.getUint8(19)]).toEqual([14, 3, 0]);
    expect([view.getUint32(20, true), view.getUint8(26), view.getUint8(27)]).toEqual([15, 3, 1]);
  });

  it('is not there on a root bus', () => {
    const alone = bench.bind(pciDevice(kestrelFunction(), null));
    alone.open();
    vdev = alone;
    expect(info(64)).toBe(-ENODEV);
  });
});

describe('binding', () => {
  it('refuses bridges and denylisted functions', () => {
    const port = pciDevice(rootPort(), null, []);
    expect(bench.driver.probe(port)).toBe(-EINVAL);
    const qat = kestrelFunction();
    qat.config.set(0, 4, 0x37c88086);
    expect(bench.driver.probe(pciDevice(qat, null))).toBe(-EINVAL);
    expect(bench.log.records.at(-1)?.text).toContain('8086:37c8 exists in vfio-pci device denylist');
    start({ disableDenylist: true });
    expect(bench.driver.probe(pciDevice(qat, null))).toBe(0);
  });

  it('suspends what nobody uses, and wakes it for the user', () => {
    expect(vdev.runtimeSuspended).toBe(false);
    vdev.close();
    expect(vdev.device.config.read(0x44, 2) & 3).toBe(3);
    vdev.open();
    expect(vdev.device.config.read(0x44, 2) & 3).toBe(0);
    start({ disableIdleD3: true });
    vdev.close();
    expect(vdev.device.config.read(0x44, 2) & 3).toBe(0);
  });
});
