/** Testable statements of spec pci-fabric 12, by their numbers there. */
import { describe, expect, it } from 'vitest';
import { Fabric } from './fabric';
import type { FixtureNode } from './fixture';
import { AT, fixtureMachine, switchMachine } from './fixture';
import { routeConfig, routeFromHost } from './host';
import { routeMessage } from './message';
import type { FabricPath } from './path';

const config = (bus: number, device: number, fn = 0, register = 0) =>
  ({ kind: 'config-read', segment: 0, bus, devfn: (device << 3) | fn, register }) as const;
const read = (address: number) =>
  ({ kind: 'memory-read', address: BigInt(address), length: 4, addressType: 'untranslated' }) as const;

const bits = (path: FabricPath): string[] =>
  path.marks
    .filter((mark) => !/AER/.test(mark.register))
    .map((mark) => `${mark.function.slice(5)} ${mark.register} ${mark.set.toString(16)}`);
const landed = (path: FabricPath): string | null =>
  path.ending.kind === 'function' ? path.ending.function.slice(5) : null;

const CONVENTIONAL: FixtureNode[] = [
  { at: '00:1e.0', type: 'ConventionalBridge', buses: [5, 5], window: [0xe0000000, 0xe00fffff] },
  { at: '05:02.0', type: 'Conventional', below: '00:1e.0', bar: 0xe0000000 },
];

describe('configuration requests', () => {
  const machine = switchMachine();
  const fabric = new Fabric(machine);

  it('9: arrive as type 0 on the bus they are for', () => {
    expect(landed(routeConfig(fabric, config(0, 1)))).toBe('00:01.0');
    expect(landed(routeConfig(fabric, config(2, 1)))).toBe('02:01.0');
    const path = routeConfig(fabric, config(4, 0));
    expect(path.hops.map(({ at }) => at.slice(5))).toEqual(['00:01.0', '01:00.0', '02:01.0', '04:00.0']);
    expect(path).toMatchObject({ answer: 'data', marks: [] });
  });

  it('8: an absent device on the root bus, or a bus of nobody, leaves no bit', () => {
    for (const packet of [config(0, 9), config(0x30, 0)]) {
      expect(routeConfig(fabric, packet)).toMatchObject({ answer: 'ones', marks: [], ending: { kind: 'nowhere' } });
    }
  });

  it('7: device 1 on a link is refused by the port', () => {
    expect(bits(routeConfig(fabric, config(1, 1)))).toEqual(['00:01.0 Secondary Status 2000']);
    expect(bits(routeConfig(fabric, config(3, 1)))).toEqual([
      '02:00.0 Device Status 9',
      '00:01.0 Secondary Status 2000',
    ]);
  });

  it('10: with ARI forwarding the device number is a part of the function number', () => {
    const port = machine.functions.get('0000:02:00.0')!.config;
    port.set(AT.express + 0x28, 2, 0x20);
    expect(bits(routeConfig(fabric, config(3, 3, 2)))[0]).toBe('03:00.0 Device Status 9');
    port.set(AT.express + 0x28, 2, 0);
  });

  it('an absent function of a device that is there is noted by the device', () => {
    expect(bits(routeConfig(fabric, config(3, 0, 5)))).toEqual([
      '03:00.0 Device Status 9',
      '00:01.0 Secondary Status 2000',
    ]);
  });

  it('62: a port leads to the bus its register names, at once', () => {
    const port = machine.functions.get('0000:02:00.0')!.config;
    port.set(0x19, 1, 0x20);
    port.set(0x1a, 1, 0x20);
    expect(landed(routeConfig(fabric, config(3, 0)))).toBeNull();
    port.set(0x19, 1, 3);
    port.set(0x1a, 1, 3);
    expect(landed(routeConfig(fabric, config(3, 0)))).toBe('03:00.0');
  });

  it('end in a master abort on a shared bus, and reach no extended register there', () => {
    const shared = new Fabric(fixtureMachine(CONVENTIONAL));
    expect(landed(routeConfig(shared, config(5, 2)))).toBe('05:02.0');
    expect(bits(routeConfig(shared, config(5, 3)))).toEqual(['00:1e.0 Secondary Status 2000']);
    expect(routeConfig(shared, config(5, 2, 0, 0x100)).answer).toBe('ones');
  });
});

describe('loads and stores of the host', () => {
  it('3: go down the deepest bridge that claims them', () => {
    expect(landed(routeFromHost(new Fabric(switchMachine()), 0, read(0xe0100010)))).toBe('04:00.0');
  });

  it('4, 5: outside a window or with a bridge closed nobody below notices', () => {
    const narrow = switchMachine({ '00:01.0': { window: [0xe0000000, 0xe00fffff] } });
    expect(routeFromHost(new Fabric(narrow), 0, read(0xe0100000))).toMatchObject({ answer: 'ones', marks: [] });
    const closed = switchMachine({ '00:01.0': { command: 4 } });
    expect(routeFromHost(new Fabric(closed), 0, read(0xe0100000))).toMatchObject({ answer: 'ones', marks: [] });
  });

  it('1, 2: a window with its base above its limit is closed', () => {
    const path = routeFromHost(
      new Fabric(switchMachine({ '00:01.0': { window: [0xfff00000, 0] } })),
      0,
      read(0xfff00000),
    );
    expect(path.ending).toEqual({ kind: 'nowhere' });
  });

  it('6: a function that does not decode behind an open window leaves its bit and the root port’s', () => {
    const machine = switchMachine({ '04:00.0': { command: 4 } });
    expect(bits(routeFromHost(new Fabric(machine), 0, read(0xe0100000)))).toEqual([
      '04:00.0 Device Status 9',
      '00:01.0 Secondary Status 2000',
    ]);
  });

  it('34: a store to nowhere is noted by its last receiver only', () => {
    const machine = switchMachine({ '04:00.0': { command: 4 } });
    const path = routeFromHost(new Fabric(machine), 0, { ...read(0xe0100000), kind: 'memory-write' });
    expect(bits(path)).toEqual(['04:00.0 Device Status a']);
    expect(path.answer).toBe('none');
  });

  it('11: VGA enable leads legacy memory down although no window covers it', () => {
    const machine = fixtureMachine(CONVENTIONAL);
    const fabric = new Fabric(machine);
    expect(routeFromHost(fabric, 0, read(0xa0000)).hops[0]!.at).toBe('root complex');
    machine.functions.get('0000:00:1e.0')!.config.set(0x3e, 2, 0x8);
    expect(routeFromHost(fabric, 0, read(0xa0000)).hops[0]!.at).toBe('0000:00:1e.0');
  });
});

describe('messages', () => {
  it('16: INTA of device 2 becomes INTC at the bridge', () => {
    const machine = fixtureMachine(CONVENTIONAL);
    const fn = machine.functions.get('0000:05:02.0')!;
    fn.config.set(0x3d, 1, 1);
    expect(routeMessage(fn, { kind: 'message', code: 'INTx' }).hops.map(({ text }) => text)).toEqual([
      'INTA',
      'as INTC',
    ]);
    fn.config.set(0x04, 2, 0x400);
    expect(routeMessage(fn, { kind: 'message', code: 'INTx' }).ending.kind).toBe('refused');
  });

  it('13: a bridge without bus mastering lets INTx and error messages up', () => {
    const machine = switchMachine({ '02:00.0': { command: 2 } });
    const fn = machine.functions.get('0000:03:00.0')!;
    fn.config.set(0x3d, 1, 1);
    for (const code of ['INTx', 'ERR_COR'] as const) {
      expect(routeMessage(fn, { kind: 'message', code }).ending).toEqual({ kind: 'root' });
    }
  });

  it('38: error messages stop at a bridge with SERR off', () => {
    const machine = switchMachine();
    machine.functions.get('0000:01:00.0')!.config.set(0x3e, 2, 0);
    const fn = machine.functions.get('0000:03:00.0')!;
    const path = routeMessage(fn, { kind: 'message', code: 'ERR_NONFATAL' });
    expect(path.ending).toEqual({ kind: 'refused', at: '0000:01:00.0', why: 'disabled' });
    expect(routeMessage(fn, { kind: 'message', code: 'PM_PME' }).ending).toEqual({ kind: 'root' });
  });
});
