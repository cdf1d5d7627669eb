import { describe, expect, it } from 'vitest';
import { fn, largeMachine, port, smallMachine, topology } from '../../__fixtures__/machines';
import { integratedLabel, layOut, nodeOf, pathUp } from './layout';
import { metricsFor } from './metrics';

const metrics = metricsFor('normal', false, 770, 430);
const none: ReadonlyMap<string, boolean> = new Map();

describe('layout of the fabric', () => {
  it('puts a port on the row of its first function and endpoints in one column', () => {
    const layout = layOut(smallMachine(), metrics, none);
    const at = (key: string) => layout.byKey.get(key);
    expect(at('0000:00:01.0')?.row).toBe(at('0000:01:00.0')?.row);
    expect(at('0000:01:00.1')?.row).toBe((at('0000:01:00.0')?.row ?? 0) + 1);
    const columns = new Set(layout.nodes.filter((n) => !n.port).map((n) => n.x));
    expect([...columns]).toEqual([layout.endpointX]);
    expect(at('0000:00:01.0')?.x).toBeLessThan(layout.endpointX);
  });

  it('gives every row to one endpoint, whatever the tree', () => {
    const layout = layOut(largeMachine(250, 3), metrics, none);
    const endpoints = layout.nodes.filter((n) => !n.port);
    expect(endpoints).toHaveLength(750);
    expect(new Set(endpoints.map((n) => n.row)).size).toBe(750);
    expect(layout.height).toBeGreaterThan(750 * metrics.pitch);
  });

  it('keeps a port without anything below it on a row of its own', () => {
    const layout = layOut(topology([port('0000:00:01.0', 1), port('0000:00:02.0', 2)]), metrics, none);
    expect(layout.nodes.map((n) => n.row)).toEqual([0, 1]);
  });

  it('fills the canvas and never squeezes endpoints below their least width', () => {
    expect(layOut(smallMachine(), metrics, none).width).toBeLessThanOrEqual(770);
    const narrow = layOut(smallMachine(), { ...metrics, width: 200 }, none);
    const endpoint = narrow.nodes.find((n) => !n.port);
    expect(endpoint?.width).toBe(metrics.endpointMin - 8);
  });

  it('draws each function once, with one edge each', () => {
    const layout = layOut(smallMachine(), metrics, none);
    expect(layout.edges.map((e) => e.to).sort()).toEqual(layout.nodes.map((n) => n.key).sort());
  });

  it('folds many integrated functions when they would not fit, and unfolds them on request', () => {
    const many = topology([
      ...Array.from({ length: 8 }, (_, k) => fn(`0000:00:1f.${k}`, { group: 7 })),
      port('0000:00:01.0', 1),
      fn('0000:01:00.0', { parent: '0000:00:01.0' }),
    ]);
    const low = { ...metrics, height: 120 };
    const folded = layOut(many, low, none);
    expect(folded.rows).toBe(2);
    expect(nodeOf(folded, '0000:00:1f.3')?.fold?.kind).toBe('integrated');
    const open = layOut(many, low, new Map([['integrated:0000:00', true]]));
    expect(open.rows).toBe(10);
    expect(nodeOf(open, '0000:00:1f.3')?.fn?.address).toBe('0000:00:1f.3');
  });

  it('folds the virtual functions of one physical function', () => {
    const machine = topology([
      port('0000:00:01.0', 8),
      fn('0000:08:00.0', { parent: '0000:00:01.0' }),
      ...Array.from({ length: 4 }, (_, k) =>
        fn(`0000:08:10.${k}`, { parent: '0000:00:01.0', physicalFunction: '0000:08:00.0' }),
      ),
    ]);
    const folded = layOut(machine, { ...metrics, foldVirtualFrom: 2 }, none);
    expect(folded.rows).toBe(2);
    expect(folded.edges.find((e) => e.to === 'virtual:0000:08:00.0')?.kind).toBe('virtual');
    expect(layOut(machine, { ...metrics, foldVirtualFrom: 9 }, none).rows).toBe(5);
  });

  it('names the way up to the root bus', () => {
    const deep = topology([
      port('0000:00:01.0', 1),
      port('0000:01:00.0', 2, { parent: '0000:00:01.0' }),
      fn('0000:02:00.0', { parent: '0000:01:00.0' }),
    ]);
    const layout = layOut(deep, metrics, none);
    expect(pathUp(layout, '0000:02:00.0')).toEqual(['0000:02:00.0', '0000:01:00.0', '0000:00:01.0']);
    expect(layout.byKey.get('0000:02:00.0')?.level).toBe(3);
  });

  it('shortens the list of integrated functions by slot', () => {
    const members = ['0000:00:00.0', '0000:00:14.0', '0000:00:14.2', '0000:00:1f.0'].map((a, k) =>
      fn(a, { group: k % 2 }),
    );
    expect(integratedLabel(members)).toEqual({ title: '4', groups: '0, 1', addresses: '00:00.0, 14.x, 1f.0' });
  });

  it('lays out a thousand functions in a few milliseconds', () => {
    const machine = largeMachine(250, 3);
    const start = performance.now();
    for (let k = 0; k < 5; k++) layOut(machine, metrics, none);
    expect((performance.now() - start) / 5).toBeLessThan(100);
  });
});
