/** Actions of a person who tries everything, drawn from a seed: the same seed, the same actions. */
import type { Action } from '../../electron/bridge/contract';

/** What may be asked for by chance: an action, or a step through what was done. */
export type Deed = { kind: 'act'; action: Action } | { kind: 'undo' } | { kind: 'redo' };

/** `functions`, `groups`: those of the machine. */
export function deeds(random: () => number, functions: readonly string[], groups: readonly number[]): () => Deed {
  const below = (limit: number): number => Math.floor(random() * limit);
  const one = <T>(list: readonly T[]): T => list[below(list.length)]!;
  const bytes = (count: number): string =>
    Array.from({ length: count }, () => below(256).toString(16).padStart(2, '0')).join('');
  const index = (): 0 | 1 | 2 => one([0, 1, 2] as const);
  const actions: readonly (() => Action)[] = [
    () => ({ kind: 'bind', address: one(functions), driver: one(['vfio-pci', 'vfio-pci', 'pci-stub', null]) }),
    () => ({ kind: 'unbind', address: one(functions) }),
    () => ({ kind: 'attach', group: one(groups), pid: null, containerFd: null }),
    () => ({ kind: 'detach', group: one(groups) }),
    () => ({ kind: 'enable-vectors', address: one(functions), index: index(), count: 1 + below(8) }),
    () => ({ kind: 'disable-vectors', address: one(functions), index: index() }),
    () => ({ kind: 'mask-vector', address: one(functions), index: index(), vector: below(8), masked: random() < 0.5 }),
    () => ({ kind: 'fire', address: one(functions), vector: random() < 0.2 ? null : below(8) }),
    () => ({
      kind: 'write-config',
      address: one(functions),
      offset: below(64) * 4,
      hex: bytes(one([1, 2, 4])),
      as: random() < 0.7 ? 'user' : 'root',
    }),
    () => ({ kind: 'reset', address: one(functions) }),
    () => ({
      kind: 'stimulate',
      stimulus: {
        device: one(functions),
        kind: 'dma',
        direction: one(['read', 'write']),
        address: `0x${(below(64) * 4096).toString(16)}`,
        length: 16,
        hex: bytes(16),
      },
    }),
    () => ({
      kind: 'stimulate',
      stimulus: { device: one(functions), kind: 'msi', address: '0xfee00000', data: below(256) },
    }),
    () => ({ kind: 'edit-hardware', address: one(functions), offset: below(64) * 4, hex: bytes(4) }),
    () => ({ kind: 'edit', edit: { kind: 'label', address: one(functions), label: `label ${below(10)}` } }),
    () => ({ kind: 'write-file', path: `/root/${below(5)}.txt`, text: bytes(below(64)) }),
    () => ({ kind: 'wait', ms: below(50) }),
  ];
  return () => {
    const dice = random();
    if (dice < 0.08) return { kind: 'undo' };
    if (dice < 0.12) return { kind: 'redo' };
    return { kind: 'act', action: one(actions)() };
  };
}
