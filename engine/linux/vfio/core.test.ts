import { describe, expect, it } from 'vitest';
import { IOMMUFD, VFIO } from '../uapi/vfio';
import { Program, VfioFixture } from './fixture';

const EBUSY = -16;
const EINVAL = -22;
const ENODEV = -19;
const TEN_SECONDS = 10_000_000_000n;

function opened() {
  const fixture = new VfioFixture(2);
  const program = new Program(fixture);
  const container = program.openContainer();
  const group = program.openGroup(0);
  program.setContainer(group, container);
  program.plain(container, VFIO.SET_IOMMU, 3n);
  const name = fixture.devices[0]!.name;
  const device = program.deviceFd(group, name);
  expect(device).toBeGreaterThan(0);
  return { fixture, program, container, group, device, name, driver: fixture.drivers[0]! };
}

describe('VFIO groups and devices', () => {
  it('opens a group once, however many descriptors share that open', () => {
    const fixture = new VfioFixture(1);
    const program = new Program(fixture);
    const group = program.openGroup(0);
    const copy = program.process.files.dup(group);
    expect(program.openGroup(0)).toBe(EBUSY);
    program.process.files.close(group);
    expect(program.openGroup(0)).toBe(EBUSY);
    program.process.files.close(copy);
    expect(program.openGroup(0)).toBeGreaterThan(0);
  });

  it('opens the device with its first descriptor and closes it with the last', () => {
    const { program, group, device, name, driver } = opened();
    const second = program.deviceFd(group, name);
    expect(driver.calls).toEqual(['open']);
    expect(program.plain(group, VFIO.GROUP_UNSET_CONTAINER)).toBe(EBUSY);
    program.process.files.close(device);
    program.process.files.close(group);
    expect(program.openGroup(0)).toBe(EBUSY);
    program.process.files.close(second);
    expect(driver.calls).toEqual(['open', 'close']);
    expect(program.openGroup(0)).toBeGreaterThan(0);
  });

  it('asks every ten seconds while an unbind waits, and finishes with the last descriptor', () => {
    const { fixture, program, group, device, name, driver } = opened();
    let done = false;
    expect(fixture.core.unregisterDevice(fixture.devices[0]!, () => (done = true))).toBe('waiting');
    fixture.clock.advance(2n * TEN_SECONDS + 1n);
    expect(driver.calls).toEqual(['open', 'request 0', 'request 1', 'request 2']);
    expect(program.deviceFd(group, name)).toBe(ENODEV);
    program.process.files.close(device);
    expect(done).toBe(true);
    expect(fixture.core.groups.has(fixture.groupId(0))).toBe(false);
    fixture.clock.advance(TEN_SECONDS);
    expect(driver.calls.at(-1)).toBe('close');
  });

  it('gives everything back when a process is killed', () => {
    const { fixture, program, container, driver } = opened();
    const memory = program.process.memory.allocate(0x10000n);
    expect(program.map(container, memory, 0n, 0x10000n)).toBe(0);
    const { physical } = program.process.memory.spans(Number(memory), 4096, true)[0]!;
    const group = fixture.iommu.groupOf(fixture.devices[0]!)!;
    expect(group.ownerCount).toBe(1);
    fixture.processes.exit(program.process.pid);
    expect(driver.calls).toEqual(['open', 'close']);
    expect(group.ownerCount).toBe(0);
    expect(group.domain.type).toBe(group.defaultDomain);
    expect(fixture.processes.pages.memory.givenAt(physical)).toBeNull();
    expect(new Program(fixture).openGroup(0)).toBeGreaterThan(0);
  });

  it('keeps a container usable for another type after its last group left', () => {
    const { program, container, group, device } = opened();
    expect(program.plain(container, VFIO.SET_IOMMU, 1n)).toBe(EINVAL);
    program.process.files.close(device);
    expect(program.plain(group, VFIO.GROUP_UNSET_CONTAINER)).toBe(0);
    expect(program.plain(container, VFIO.SET_IOMMU, 1n)).toBe(EINVAL);
    expect(program.setContainer(group, container)).toBe(0);
    expect(program.plain(container, VFIO.SET_IOMMU, 1n)).toBe(0);
  });

  it('survives random argument blocks: an errno of Linux, no exception, nothing locked', () => {
    const { program, container, group, device } = opened();
    let seed = 12345;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
      return seed % below;
    };
    const room = program.process.memory.allocate(8192n);
    const addresses = [room, room + 4n, room + 8180n, 0n, 0x10n, 0xffff_ffff_ffff_ffffn, 1n << 63n];
    const requests = [...Object.values(VFIO), ...Object.values(IOMMUFD), 0, 0xffffffff];
    const words = [0, 1, 2, 3, 4, 7, 8, 15, 16, 24, 31, 32, 48, 64, 4096, 0x7fffffff, 0x80000000, 0xffffffff];
    for (let i = 0; i < 20_000; i++) {
      const block = new Uint32Array(16);
      for (let w = 0; w < block.length; w++) block[w] = words[random(words.length)]!;
      program.process.memory.copyTo(room, new Uint8Array(block.buffer));
      const request = requests[random(requests.length)]!;
      const fd = [container, group, device][random(3)]!;
      if (request === VFIO.GROUP_UNSET_CONTAINER || request === VFIO.GROUP_GET_DEVICE_FD) continue;
      const locked = program.process.lockedPages;
      const result = program.plain(fd, request, addresses[random(addresses.length)]!);
      expect(Number.isInteger(result) && result > -600).toBe(true);
      if (result < 0) expect(program.process.lockedPages).toBe(locked);
    }
    expectAllGivenBack(program);
  });
});

/** After the program ended, its locked memory is given back. */
function expectAllGivenBack(program: Program): void {
  for (const [fd] of [...program.process.files.entries()]) program.process.files.close(fd);
  expect(program.process.lockedPages).toBe(0);
}
