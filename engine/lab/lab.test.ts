import { describe, expect, it } from 'vitest';
import { headlessHost } from '../host/headless';
import type { Action } from './action';
import { serializeStep } from './document/format';
import { Lab } from './lab';
import { Machine } from './machine';
import { stateHash } from './state-hash';

const host = headlessHost();
const samples = host.samples();

/** The sample's graphics card: its group, its functions, the one with MSI-X. */
function card(lab: Lab): { group: number; functions: string[]; msix: string } {
  const { functions, groups } = lab.view('topology', null);
  const gpu = functions.find((fn) => fn.kind === 'gpu')!;
  const group = groups.find((candidate) => candidate.id === gpu.group)!;
  const msix = group.members.find((address) => lab.view('function', { address })!.interrupts.offered.msix >= 4)!;
  return { group: group.id, functions: group.members, msix };
}

function act(lab: Lab, action: Action): void {
  const result = lab.act(action);
  expect(result, JSON.stringify(action)).toMatchObject({ ok: true });
}

function firstInterrupt(): { lab: Lab; msix: string; group: number; functions: string[] } {
  const lab = Lab.create(host);
  const { group, functions, msix } = card(lab);
  for (const address of functions) act(lab, { kind: 'bind', address, driver: 'vfio-pci' });
  act(lab, { kind: 'attach', group, pid: null, containerFd: null });
  act(lab, { kind: 'enable-vectors', address: msix, index: 2, count: 4 });
  act(lab, { kind: 'fire', address: msix, vector: 2 });
  return { lab, msix, group, functions };
}

describe('the first interrupt', () => {
  it('arrives at vector 2 and at no other', () => {
    const { lab, msix } = firstInterrupt();
    const { vectors, active, arrivals } = lab.view('function', { address: msix })!.interrupts;
    expect(active).toBe('msix');
    expect(vectors.slice(0, 4).map((vector) => vector.count)).toEqual([0, 0, 1, 0]);
    expect(arrivals.at(-1)).toMatchObject({ kind: 'msix', vector: 2, count: 1 });
    expect(arrivals.at(-1)!.path.every((hop) => hop.ok)).toBe(true);
  });

  it('replays to the same state', () => {
    const { lab } = firstInterrupt();
    const again = Machine.replay(lab.machine.base, lab.machine.journal);
    expect(stateHash(again.kernel)).toBe(lab.hash);
    again.apply({ kind: 'time', ms: 1 });
    expect(stateHash(again.kernel)).not.toBe(lab.hash);
  });

  it('survives saving and opening', () => {
    const { lab } = firstInterrupt();
    const other = Lab.create(host);
    expect(other.openBytes('a.vfiolab', lab.serialize(), null)).toMatchObject({ ok: true });
    expect(other.hash).toBe(lab.hash);
  });

  it('is undone gesture by gesture, back to the untouched machine, and redone', () => {
    const { lab } = firstInterrupt();
    const end = lab.hash;
    const untouched = Lab.create(host).hash;
    while (lab.view('machine', null).document.undo !== null) lab.undo();
    expect(lab.hash).toBe(untouched);
    while (lab.view('machine', null).document.redo !== null) lab.redo();
    expect(lab.hash).toBe(end);
  });

  it('needs every member of the group: the refusal names the culprit and changes nothing', () => {
    const lab = Lab.create(host);
    const { group, functions } = card(lab);
    act(lab, { kind: 'bind', address: functions[0]!, driver: 'vfio-pci' });
    const before = lab.view('containers', null);
    const refused = lab.act({ kind: 'attach', group, pid: null, containerFd: null });
    expect(refused).toMatchObject({ ok: false, errno: 'EPERM', why: { check: 'iommu.group.owner' } });
    expect(refused.why!.found).toContain(functions[1]!);
    expect(lab.view('containers', null)).toEqual(before);
  });

  it('goes back: detaching frees the group', () => {
    const { lab, group } = firstInterrupt();
    act(lab, { kind: 'detach', group });
    expect(lab.view('containers', null).processes).toEqual([]);
    expect(lab.view('topology', null).groups.find((candidate) => candidate.id === group)!.owned).toBe(false);
  });
});

describe('a config write of the user', () => {
  it('tells what became of every bit: kept, passed on, dropped', () => {
    const { lab, msix } = firstInterrupt();
    const vendor = lab.act({ kind: 'write-config', address: msix, offset: 0, hex: 'ffff', as: 'user' });
    expect(vendor.ok).toBe(true);
    expect(vendor.explanation!.bits.every((bit) => bit.fate === 'dropped')).toBe(true);
    const bar = lab.act({ kind: 'write-config', address: msix, offset: 0x10, hex: 'ffffffff', as: 'user' });
    expect(bar.explanation!.bits.some((bit) => bit.fate === 'shadow')).toBe(true);
    const command = lab.act({ kind: 'write-config', address: msix, offset: 4, hex: '0604', as: 'user' });
    expect(command.explanation!.bits.some((bit) => bit.fate === 'hardware')).toBe(true);
    expect(command.explanation!.effects).toContain('INTx is masked for the user');
  });
});

describe('masking a vector', () => {
  it('is refused for MSI-X with the reason and a way round', () => {
    const { lab, msix } = firstInterrupt();
    const result = lab.act({ kind: 'mask-vector', address: msix, index: 2, vector: 2, masked: true });
    expect(result).toMatchObject({ ok: false, errno: 'ENOTTY' });
    expect(result.why?.check).toBe('vfio.pci.irqs.action');
    expect(result.why?.found).toMatch(/no mask or unmask for MSI and MSI-X/);
    expect(result.why?.remedy).toMatch(/fd -1/);
  });
});

describe('editing the silicon', () => {
  it('takes a function out, regroups, and undoes it', () => {
    const lab = Lab.create(host);
    const { changes: none, ...before } = lab.view('topology', null);
    expect(none.list).toEqual([]);
    const { functions } = card(lab);
    act(lab, { kind: 'edit', edit: { kind: 'remove', address: functions[1]! } });
    expect(lab.view('topology', null).functions.some((fn) => fn.address === functions[1])).toBe(false);
    lab.undo();
    // What became of the groups is told of both edits; everything else is as it was.
    const { changes, ...after } = lab.view('topology', null);
    expect(after).toEqual(before);
    expect(changes.list.map(({ text }) => text)).toEqual(['Group 10 has 01:00.1 in it now.']);
  });

  it('refuses a write past the end and keeps the journal', () => {
    const lab = Lab.create(host);
    const { functions } = card(lab);
    const result = lab.act({ kind: 'edit-hardware', address: functions[0]!, offset: 5000, hex: 'ff' });
    expect(result.ok).toBe(false);
    expect(lab.machine.journal).toEqual([]);
  });
});

describe('what the lab refuses', () => {
  it('takes no time: the state stays that of the journal', () => {
    const { lab } = firstInterrupt();
    const before = lab.hash;
    const refused: Action[] = [
      { kind: 'fire', address: '0000:7f:00.0', vector: 0 },
      { kind: 'stimulate', stimulus: { device: '0000:00:00.0', kind: 'key', key: 'a' } },
      { kind: 'edit-hardware', address: '0000:7f:00.0', offset: 0, hex: '00' },
    ];
    for (const action of refused) expect(lab.act(action).ok, JSON.stringify(action)).toBe(false);
    expect(lab.hash).toBe(before);
    const again = Lab.create(host);
    again.openBytes('again.vfiolab', lab.serialize(), null);
    expect(again.hash).toBe(before);
  });
});

describe('a fault of the lab itself', () => {
  it('is told, taken back, and leaves a usable document', () => {
    const { lab, msix } = firstInterrupt();
    const before = lab.hash;
    const { interrupts } = lab.machine.kernel;
    interrupts.raiseVector = () => {
      throw new Error('made by the test');
    };
    expect(lab.act({ kind: 'fire', address: msix, vector: 0 })).toMatchObject({
      ok: false,
      message: 'The lab failed at this step and took it back: made by the test',
    });
    expect(lab.hash).toBe(before);
    expect(lab.act({ kind: 'fire', address: msix, vector: 0 })).toMatchObject({ ok: true });
  });
});

describe('the first sample', () => {
  it('has the groups that its description promises', () => {
    const { functions, groups } = Lab.create(host).view('topology', null);
    const membersOf = (address: string): string[] =>
      groups.find((group) => group.id === functions.find((fn) => fn.address === address)!.group)!.members;
    expect(membersOf('0000:01:00.0')).toEqual(['0000:01:00.0', '0000:01:00.1']);
    expect(membersOf('0000:06:00.0')).toEqual(['0000:06:00.0']);
    expect(membersOf('0000:06:00.1')).toEqual(['0000:06:00.1']);
    expect(membersOf('0000:0b:00.0')).toEqual(['0000:0a:01.0', '0000:0b:00.0']);
  });
});

describe('opening files', () => {
  const bad: [string, Uint8Array][] = [
    ['empty.txt', new Uint8Array(0)],
    ['binary.bin', Uint8Array.from({ length: 4096 }, (_, i) => (i * 7919) & 0xff)],
    ['half.json', new TextEncoder().encode('{"format":"machine/1","name":"x","functions":[{"address":"0000:0')],
    ['newer.vfiolab', new TextEncoder().encode('{"format":"vfiolab/99"}\n{}\n')],
    ['cut.vfiolab', new TextEncoder().encode('{"format":"vfiolab/1"}\n{"machine":{"for')],
  ];
  it.each(bad)('refuses %s with a reason and keeps the open document', (name, bytes) => {
    const lab = Lab.create(host);
    const before = lab.hash;
    const result = lab.openBytes(name, bytes, null);
    expect(result).toMatchObject({ ok: false, file: name });
    if (!result.ok) expect(result.reason?.length).toBeGreaterThan(5);
    expect(lab.hash).toBe(before);
  });

  it.each(samples.map((sample) => sample.id))('opens the sample %s', (id) => {
    const lab = Lab.create(host);
    expect(lab.openSample(id)).toMatchObject({ ok: true });
    expect(lab.view('topology', null).groups.length).toBeGreaterThan(0);
    for (const fn of lab.view('topology', null).functions) {
      expect(lab.view('config', { address: fn.address })!.hardware.length).toBeGreaterThanOrEqual(512);
    }
  });
});

describe('the journal that follows a document', () => {
  it('holds it as it is, undone and done again, without a saved file', () => {
    const lab = Lab.create(host);
    const { functions, group, msix } = card(lab);
    let journal = new TextDecoder().decode(lab.serialize());
    lab.onDocument((event) => {
      if (event.kind === 'step') journal += serializeStep(event.step);
    });
    const other = Lab.create(host);
    const steps: (() => void)[] = [
      ...functions.map((address) => () => act(lab, { kind: 'bind', address, driver: 'vfio-pci' })),
      () => act(lab, { kind: 'attach', group, pid: null, containerFd: null }),
      () => expect(lab.undo().ok).toBe(true),
      () => expect(lab.undo().ok).toBe(true),
      () => expect(lab.redo().ok).toBe(true),
      () => act(lab, { kind: 'attach', group, pid: null, containerFd: null }),
      () => act(lab, { kind: 'enable-vectors', address: msix, index: 2, count: 4 }),
      () => act(lab, { kind: 'fire', address: msix, vector: 2 }),
    ];
    for (const [at, step] of steps.entries()) {
      step();
      // After the undos, after the redo and a new step, and at the end.
      if (![4, 6, 8].includes(at + 1) && at + 1 < steps.length) continue;
      expect(other.recover('lost', new TextEncoder().encode(journal), null)).toMatchObject({ ok: true });
      expect(other.hash).toBe(lab.hash);
      expect(other.serialize()).toEqual(lab.serialize());
      expect(other.view('machine', null).document.saved).toBe(false);
    }
  });
});
