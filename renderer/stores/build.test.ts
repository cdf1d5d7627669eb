// @vitest-environment happy-dom
import { createPinia, setActivePinia } from 'pinia';
import { nextTick } from 'vue';
import { beforeEach, describe, expect, it } from 'vitest';
import { TestBridge, smallMachine } from '../__fixtures__/machines';
import type { PlaceTarget } from '../bridge';
import { useBuild } from './build';
import { useCarry } from './carry';
import { readCopied } from './clipboard';
import { useMachine } from './machine';
import { useMessages } from './messages';
import { usePicked } from './picked';
import { useSelection } from './selection';

const GPU = '0000:01:00.0';
const SOUND = '0000:01:00.1';
const PORT = '0000:00:06.0';

let bridge: TestBridge;
beforeEach(() => {
  localStorage.clear();
  bridge = new TestBridge();
  bridge.install();
  setActivePinia(createPinia());
  useMachine();
  bridge.give('topology', smallMachine());
});

const target = (parent: string | null, problem: string | null = null): PlaceTarget => ({
  key: parent ?? 'pci0000:00',
  parent,
  rootBus: 'pci0000:00',
  device: 0,
  problem,
});
const nvme = {
  id: 'nvme',
  title: 'NVMe drive',
  about: '',
  icon: 'nvme',
  kind: 'device',
  where: '',
  straps: [],
} as const;

describe('picking functions', () => {
  it('keeps the selected one among the picked, and follows it through other addresses', () => {
    const picked = usePicked();
    const selection = useSelection();
    picked.only(GPU);
    picked.toggle(SOUND);
    expect(picked.addresses).toEqual([GPU, SOUND]);
    expect(selection.address).toBe(SOUND);
    const view = smallMachine();
    for (const fn of view.functions) if (fn.address === SOUND) fn.address = '0000:07:00.1';
    bridge.give('topology', view);
    expect(selection.address).toBe('0000:07:00.1');
    selection.select(PORT);
    expect(picked.addresses).toEqual([PORT]);
  });
});

describe('carrying by keys', () => {
  it('begins near the selected function, steps over places that refuse, and puts the part there', async () => {
    const carry = useCarry();
    useBuild().add({ ...nvme, straps: [] }, PORT);
    await nextTick();
    bridge.give('places', {
      problem: null,
      targets: [target(null), target('0000:00:01.0', 'It is taken.'), target(PORT)],
    });
    await nextTick();
    expect(carry.over).toBe(PORT);
    carry.step(1, ['pci0000:00', '0000:00:01.0', PORT], false);
    expect(carry.over).toBe('pci0000:00');
    carry.step(1, ['pci0000:00', '0000:00:01.0', PORT], true);
    expect(carry.target?.problem).toBe('It is taken.');
    expect(await carry.drop()).toBe(false);
    expect(bridge.actions).toEqual([]);
    expect(useMessages().list[0]).toMatchObject({ kind: 'bad', why: 'It is taken.' });
    carry.step(1, ['pci0000:00', '0000:00:01.0', PORT], true);
    await carry.drop();
    expect(bridge.actions).toEqual([{ kind: 'edit', edit: { kind: 'add', part: 'nvme', at: { parent: PORT } } }]);
    expect(carry.load).toBeNull();
  });

  it('says why something cannot be picked up', async () => {
    const carry = useCarry();
    useBuild().move(GPU);
    await nextTick();
    bridge.give('places', { problem: 'It is soldered.', targets: [] });
    await nextTick();
    expect(carry.load).toBeNull();
    expect(useMessages().list[0]).toMatchObject({ kind: 'bad', why: 'It is soldered.' });
  });

  it('removes all picked functions in one edit', () => {
    const picked = usePicked();
    picked.set([GPU, SOUND], GPU);
    useBuild().remove(GPU);
    expect(bridge.actions).toEqual([
      {
        kind: 'edit',
        edit: {
          kind: 'several',
          edits: [
            { kind: 'remove', address: GPU },
            { kind: 'remove', address: SOUND },
          ],
        },
      },
    ]);
  });
});

describe('copied functions as text', () => {
  it('reads its own text and leaves every other alone', () => {
    const copied = {
      title: 'Disk',
      places: ['link'],
      clip: { tops: [GPU], kinds: ['link'], functions: [], poweredOn: true },
    };
    expect(readCopied(JSON.stringify({ format: 'vfiolab-parts/1', ...copied }))).toEqual(copied);
    for (const text of [
      '',
      '{',
      '00:00.0 Host bridge',
      '{"format":"vfiolab-parts/1"',
      '{"format":"vfiolab-parts/1","clip":1}',
    ])
      expect(readCopied(text)).toBeNull();
  });
});
