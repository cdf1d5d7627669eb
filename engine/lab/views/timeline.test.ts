import { describe, expect, it } from 'vitest';
import { headlessHost } from '../../host/headless';
import { Lab } from '../lab';

const MSIX = '0000:01:00.0';

/** The sample's graphics card with four vectors on. */
function armed(): Lab {
  const lab = Lab.create(headlessHost());
  for (const address of [MSIX, '0000:01:00.1']) lab.act({ kind: 'bind', address, driver: 'vfio-pci' });
  const group = lab.view('topology', null).functions.find((fn) => fn.address === MSIX)!.group!;
  lab.act({ kind: 'attach', group, pid: null, containerFd: null });
  expect(lab.act({ kind: 'enable-vectors', address: MSIX, index: 2, count: 4 })).toMatchObject({ ok: true });
  return lab;
}
const timeline = (lab: Lab, over: Partial<Parameters<typeof lab.view<'timeline'>>[1]> = {}) =>
  lab.view('timeline', { axis: 'time', range: null, columns: 400, address: null, ...over });
const sum = (numbers: number[]): number => numbers.reduce((a, b) => a + b, 0);

describe('the timeline', () => {
  it('counts every input and every interrupt, in whatever columns', () => {
    const lab = armed();
    for (let k = 0; k < 10; k++) lab.act({ kind: 'fire', address: MSIX, vector: k % 3 });
    const inputs = lab.machine.journal.length;
    for (const columns of [1, 7, 400, 4000]) {
      const view = timeline(lab, { columns });
      expect(sum(view.inputs.map((cell) => cell.count))).toBe(inputs);
      expect(view.streams.map(({ vector, total }) => [vector, total])).toEqual([
        [0, 4],
        [1, 3],
        [2, 3],
      ]);
      expect(Math.max(...view.inputs.map((cell) => cell.column))).toBeLessThan(columns);
    }
    expect(timeline(lab).inputs.some((cell) => cell.kind === 'stimulus')).toBe(true);
  });

  it('says the same of many inputs as of each by itself', () => {
    const lab = armed();
    const key = {};
    for (let k = 0; k < 2_000; k++) {
      const path = k % 7 === 0 ? '/nowhere' : '/sys/bus/pci/drivers_probe';
      if (k % 5 === 0) lab.apply({ kind: 'time', ms: k % 3 }, 'wait', key);
      else lab.apply({ kind: 'call', pid: 1, operation: { op: 'syswrite', path, text: 'x' } }, 'write', key);
    }
    const recording = lab.machine.recording!;
    for (const [axis, columns, range] of [
      ['inputs', 3, null],
      ['inputs', 50, [300.5, 1900]],
      ['time', 4, null],
      ['time', 900, null],
    ] as const) {
      const view = timeline(lab, { axis, columns, range: range === null ? null : [...range] });
      const [from, to] = view.shown;
      const told = new Map<string, number[]>();
      for (let n = 1; n <= recording.length; n++) {
        const at = axis === 'inputs' ? n : recording.time(n) / 1000;
        if (at < from || at > to) continue;
        const column = Math.min(columns - 1, Math.floor(((at - from) / (to - from)) * columns));
        const [count, refused] = told.get(`${column} ${recording.kind(n)}`) ?? [0, 0];
        told.set(`${column} ${recording.kind(n)}`, [count! + 1, refused! + Number(recording.refused(n)), n]);
      }
      const cells = view.inputs.map(({ column, kind, count, refused, last }) => [
        `${column} ${kind}`,
        [count, refused, last],
      ]);
      expect(Object.fromEntries(cells), `${axis} ${columns}`).toEqual(Object.fromEntries(told));
    }
  });

  it('loses no interrupt of a storm within one input, and spreads it over its time', () => {
    const lab = armed();
    const count = 100_000;
    const stimulus = { device: MSIX, kind: 'interrupt', vector: 1, count, everyUs: 20 } as const;
    expect(lab.act({ kind: 'stimulate', stimulus })).toMatchObject({ ok: true });
    const [stream] = timeline(lab).streams;
    expect(stream).toMatchObject({ address: MSIX, vector: 1, total: count });
    expect(sum(stream!.cells.map(([, delivered]) => delivered))).toBe(count);
    expect(stream!.cells.length).toBeGreaterThan(300);
  });

  it('tells held and lost from delivered', () => {
    const lab = armed();
    lab.act({ kind: 'fire', address: MSIX, vector: 9 });
    lab.act({ kind: 'write-config', address: MSIX, offset: 4, hex: '0000', as: 'user' });
    lab.act({ kind: 'fire', address: MSIX, vector: 0 });
    const view = timeline(lab, { axis: 'inputs' });
    const fates = view.streams.map(({ vector, cells }) => [vector, ...cells[0]!.slice(1)]);
    expect(fates).toEqual([
      [0, 0, 0, 1],
      [9, 0, 1, 0],
    ]);
  });

  it('follows one function', () => {
    const lab = armed();
    lab.act({ kind: 'fire', address: MSIX, vector: 0 });
    const other = timeline(lab, { address: '0000:02:00.0' });
    expect(other.inputs).toEqual([]);
    expect(other.streams).toEqual([]);
    const one = timeline(lab, { address: '0000:01:00.1' });
    expect(sum(one.inputs.map((cell) => cell.count))).toBeGreaterThan(0);
    expect(sum(one.inputs.map((cell) => cell.count))).toBeLessThan(lab.machine.journal.length / 2);
  });

  it('shows a part, and what redo would bring back', () => {
    const lab = armed();
    const all = lab.machine.journal.length;
    lab.undo();
    const view = timeline(lab, { axis: 'inputs', columns: 4000 });
    expect(view).toMatchObject({ inForce: lab.machine.journal.length, length: all, position: view.inForce });
    expect(sum(view.inputs.filter((cell) => cell.later).map((cell) => cell.count))).toBe(all - view.inForce);
    const part = timeline(lab, { axis: 'inputs', range: [2.5, 4.5] });
    expect(part.inputs.map((cell) => cell.last)).toEqual([3, 4]);
    expect(part.shown).toEqual([2.5, 4.5]);
  });

  it('goes on over a reboot without going back in time', () => {
    const lab = armed();
    const before = timeline(lab).extent[1];
    lab.apply({ kind: 'reboot', cmdline: null }, 'Reboot', {});
    lab.apply({ kind: 'time', ms: 5 }, 'Wait', {});
    expect(timeline(lab).extent[1]).toBeGreaterThanOrEqual(before + 5);
  });

  it('marks a fault', () => {
    const lab = armed();
    const stimulus = { device: MSIX, kind: 'dma', direction: 'read', address: '0x7f000', length: 4, hex: '' } as const;
    lab.act({ kind: 'stimulate', stimulus });
    expect(sum(timeline(lab).faults.map(([, count]) => count))).toBeGreaterThan(0);
  });
});

describe('DMA on the timeline', () => {
  const dma = (lab: Lab, address: string, device = MSIX): void => {
    const stimulus = { device, kind: 'dma', direction: 'write', address, length: 4, hex: '01020304' } as const;
    lab.act({ kind: 'stimulate', stimulus });
  };

  it('is counted whole, by what became of it, also beyond what the log of transactions keeps', () => {
    const lab = armed();
    for (let k = 0; k < 3; k++) dma(lab, '0x7f000');
    const stimulus = { device: MSIX, kind: 'dma', direction: 'read', address: '0x0', length: 4, hex: '' } as const;
    lab.act({ kind: 'stimulate', stimulus: { ...stimulus, count: 5000 } });
    for (const columns of [1, 400]) {
      const { transfers } = timeline(lab, { columns });
      expect([1, 2, 3].map((place) => sum(transfers.map((cell) => cell[place]!)))).toEqual([0, 0, 5003]);
    }
    expect(timeline(lab, { address: '0000:02:00.0' }).transfers).toEqual([]);
    expect(timeline(lab, { address: MSIX }).transfers).toEqual(timeline(lab).transfers);
  });

  it('begins anew with a reboot, and interrupts are none of it', () => {
    const lab = armed();
    dma(lab, '0x7f000');
    lab.apply({ kind: 'reboot', cmdline: null }, 'Reboot', {});
    dma(lab, '0x7f000', '0000:02:00.0');
    lab.act({ kind: 'fire', address: MSIX, vector: 0 });
    expect(timeline(lab, { axis: 'inputs', columns: 4000 }).transfers).toHaveLength(2);
  });
});

describe('a look at the past', () => {
  it('shows every view as it was, refuses to change it, and returns', () => {
    const lab = armed();
    const live = lab.hash;
    const calls = lab.view('calls', null).calls.length;
    const inputs = lab.machine.journal.length;
    lab.look(4);
    expect(lab.view('machine', null).document.past).toEqual({
      input: 4,
      of: inputs,
      label: 'Bind 01:00.1 to vfio-pci',
    });
    expect(lab.view('function', { address: MSIX })!.interrupts.active).toBe('none');
    expect(lab.view('containers', null).processes).toEqual([]);
    expect(lab.view('calls', null).calls.length).toBeLessThan(calls);
    expect(timeline(lab)).toMatchObject({ position: 4, inForce: inputs });
    expect(lab.act({ kind: 'fire', address: MSIX, vector: 0 })).toMatchObject({ ok: false, message: /past/ });
    expect(lab.undo()).toMatchObject({ ok: false, message: /past/ });
    expect(lab.hash).toBe(live);
    lab.look(null);
    expect(lab.view('machine', null).document.past).toBeNull();
    expect(lab.view('function', { address: MSIX })!.interrupts.active).toBe('msix');
  });

  it('becomes the present, and undo brings the later inputs back', () => {
    const lab = armed();
    const live = lab.hash;
    const inputs = lab.machine.journal.length;
    lab.look(4);
    expect(lab.continueHere()).toMatchObject({ ok: true });
    expect(lab.machine.journal).toHaveLength(4);
    lab.act({ kind: 'bind', address: MSIX, driver: null });
    const { branches } = lab.view('history', { from: 0, count: 50 });
    expect(branches).toMatchObject([{ number: 1, inputs: inputs - 3, last: 'Enable 4 MSI-X on 01:00.0' }]);
    lab.undo();
    lab.undo();
    expect(lab.hash).toBe(live);
    expect(lab.view('history', { from: 0, count: 50 }).branches).toHaveLength(1);
  });

  it('goes on while the present changes', () => {
    const lab = armed();
    lab.look(2);
    lab.apply({ kind: 'time', ms: 1 }, 'sleep 0.001', {});
    expect(lab.view('machine', null).document.past?.input).toBe(2);
    lab.look(1e9);
    expect(lab.view('machine', null).document.past).toBeNull();
  });
});

describe('accesses to config space', () => {
  it('tell who wrote what, what became of it, and how to see one of them', () => {
    const lab = armed();
    lab.act({ kind: 'write-config', address: MSIX, offset: 0, hex: 'ffff', as: 'user' });
    lab.act({ kind: 'write-config', address: MSIX, offset: 4, hex: '0604', as: 'user' });
    lab.act({ kind: 'write-config', address: MSIX, offset: 0x3c, hex: '55', as: 'root' });
    const { accesses, detail } = lab.view('accesses', { address: MSIX, chosen: null });
    const writes = accesses.filter((access) => access.kind === 'write');
    expect(writes.map(({ as, offset }) => [as, offset])).toEqual([
      // Enabling vectors lets the function master the bus.
      ['user', 4],
      ['user', 0],
      ['user', 4],
      ['root', 0x3c],
    ]);
    expect(writes[1]).toMatchObject({ process: 'vfio-client', result: 'ok', taken: 0, before: '0210' });
    expect(writes[1]!.dropped).toBeGreaterThan(10);
    expect(detail).toMatchObject({ input: writes[3]!.input, explanation: null });
    const chosen = lab.view('accesses', { address: MSIX, chosen: writes[1]!.input }).detail;
    expect(chosen?.call).toContain('pwrite64');
    expect(chosen?.explanation?.bits.every((bit) => bit.fate === 'dropped')).toBe(true);
    expect(accesses.some((access) => access.kind === 'read' && access.after !== null)).toBe(true);
  });
});
