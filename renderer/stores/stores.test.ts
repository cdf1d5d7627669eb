// @vitest-environment happy-dom
import { createPinia, setActivePinia } from 'pinia';
import { flushPromises } from '@vue/test-utils';
import { nextTick } from 'vue';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { TestBridge, smallMachine } from '../__fixtures__/machines';
import type { FunctionView } from '../bridge';
import { useActions } from './actions';
import { useArrivals } from './arrivals';
import { useDock } from './dock';
import { foldFor, useFrame } from './frame';
import { useInspected } from './inspected';
import { useMachine } from './machine';
import { useMessages } from './messages';
import { useSelection } from './selection';
import { useSettings } from './settings';
import { useSteps } from './steps';

let bridge: TestBridge;
beforeEach(() => {
  localStorage.clear();
  bridge = new TestBridge();
  bridge.install();
  setActivePinia(createPinia());
});

const functionView = (address: string, arrivals: number): FunctionView => ({
  overview: {
    address,
    name: '',
    facts: [],
    group: 8,
    members: [],
    why: [],
    driver: null,
    driverOverride: null,
    drivers: [],
    ownership: 'none',
    unknown: [],
  },
  regions: [],
  interrupts: {
    address,
    active: 'msix',
    offered: { intx: 0, msi: 0, msix: 4, err: 0, req: 0 },
    vectors: [],
    arrivals: Array.from({ length: arrivals }, (_, sequence) => ({
      sequence,
      time: '',
      address,
      kind: 'msix',
      vector: 2,
      count: sequence + 1,
      path: [],
    })),
  },
});

describe('machine', () => {
  it('shows what the engine said last and nothing before', () => {
    const machine = useMachine();
    expect(machine.topology).toBeNull();
    bridge.give('topology', smallMachine());
    expect(machine.functions.get('0000:01:00.1')?.driver).toBe('snd_hda_intel');
    expect(machine.groupOf('0000:01:00.1')?.id).toBe(8);
  });

  it('calls a group stuck only when it is on its way to a process', () => {
    const machine = useMachine();
    bridge.give('topology', smallMachine());
    expect(machine.stuckGroups).toEqual([]);
    const view = smallMachine();
    const gpu = view.functions.find((f) => f.address === '0000:01:00.0');
    if (gpu) Object.assign(gpu, { driver: 'vfio-pci', ownership: 'vfio' });
    bridge.give('topology', view);
    expect(machine.stuckGroups.map((g) => g.id)).toEqual([8]);
  });

  it('finds who holds a group', () => {
    const machine = useMachine();
    bridge.give('containers', {
      processes: [
        {
          pid: 7,
          name: 'demo',
          uid: 0,
          looseGroups: [],
          iommufds: [],
          looseDevices: [],
          fds: [],
          containers: [
            {
              id: 1,
              fd: 3,
              backend: null,
              mappings: 0,
              mappedBytes: '0',
              first: [],
              usable: [],
              groups: [{ id: 8, fd: 4, viable: true, devices: [] }],
            },
          ],
        },
      ],
    });
    expect(machine.holder(8)).toEqual({ pid: 7, name: 'demo', fd: 3 });
    expect(machine.holder(9)).toBeNull();
    expect(machine.containerCount).toBe(1);
  });
});

describe('inspected function', () => {
  it('follows the selection and lets go of the one before', async () => {
    const selection = useSelection();
    const inspected = useInspected();
    selection.select('0000:01:00.0');
    await nextTick();
    bridge.give('function', functionView('0000:01:00.0', 0));
    expect(inspected.fn?.overview.address).toBe('0000:01:00.0');
    selection.select('0000:02:00.0');
    await nextTick();
    expect(inspected.fn).toBeNull();
    expect(bridge.subscriptions.filter((s) => s.view === 'function' && s.live).map((s) => s.parameters)).toEqual([
      { address: '0000:02:00.0' },
    ]);
  });

  it('asks for config space only while it is shown', async () => {
    const selection = useSelection();
    useInspected();
    selection.select('0000:01:00.0');
    await nextTick();
    expect(bridge.subscriptions.some((s) => s.view === 'config' && s.live)).toBe(false);
    selection.tab = 'config';
    await nextTick();
    expect(bridge.subscriptions.some((s) => s.view === 'config' && s.live)).toBe(true);
    selection.tab = 'bars';
    await nextTick();
    expect(bridge.subscriptions.some((s) => s.view === 'config' && s.live)).toBe(false);
  });
});

describe('arrivals', () => {
  it('come from every function that a process holds, whatever is selected', async () => {
    const arrivals = useArrivals();
    const view = smallMachine();
    const disk = view.functions.find((f) => f.address === '0000:02:00.0');
    if (disk) Object.assign(disk, { driver: 'vfio-pci', ownership: 'process', owner: 'demo (7)' });
    bridge.give('topology', view);
    await nextTick();
    bridge.give('function', functionView('0000:02:00.0', 3));
    expect(arrivals.all.map((a) => a.count)).toEqual([1, 2, 3]);
    bridge.give('topology', smallMachine());
    await nextTick();
    expect(arrivals.all).toEqual([]);
  });
});

describe('actions', () => {
  it('offers the remedy that really acts when a group is not viable', async () => {
    const actions = useActions();
    const messages = useMessages();
    bridge.give('topology', smallMachine());
    bridge.answer = {
      ok: false,
      message: 'Group 8 was not attached (EPERM).',
      errno: 'EPERM',
      why: { errno: -1, check: 'vfio.group.viable', found: 'found', remedy: null },
      calls: [],
    };
    await actions.perform({ kind: 'attach', group: 8, pid: null, containerFd: null });
    const [message] = messages.list;
    expect(message).toMatchObject({ kind: 'bad', what: 'Group 8 was not attached (EPERM).', why: 'found' });
    expect(messages.assertive).toContain('EPERM');
    bridge.answer = { ok: true, message: 'Bound.', errno: null, why: null, calls: [] };
    expect(message?.next.map(({ label }) => label)).toEqual([
      'Bind 01:00.0 and 01:00.1 to vfio-pci and attach',
      'Bind 01:00.1 to vfio-pci',
      'Unbind 01:00.1',
    ]);
    message?.next[0]?.run();
    await flushPromises();
    expect(bridge.actions.slice(-3)).toEqual([
      { kind: 'bind', address: '0000:01:00.0', driver: 'vfio-pci' },
      { kind: 'bind', address: '0000:01:00.1', driver: 'vfio-pci' },
      { kind: 'attach', group: 8, pid: null, containerFd: null },
    ]);
    expect(messages.list.some((m) => m.kind === 'bad')).toBe(false);
  });

  it('offers to detach a group that stands in the way', async () => {
    const actions = useActions();
    const view = smallMachine();
    const group = view.groups.find(({ id }) => id === 8);
    if (group) group.owned = true;
    bridge.give('topology', view);
    bridge.answer = { ok: false, message: '01:00.0 cannot be unbound yet.', errno: 'EBUSY', why: null, calls: [] };
    await actions.perform({ kind: 'unbind', address: '0000:01:00.0' });
    const [step] = useMessages().list[0]?.next ?? [];
    expect(step?.label).toBe('Detach group 8');
    step?.run();
    await flushPromises();
    expect(bridge.actions.at(-1)).toEqual({ kind: 'detach', group: 8 });
  });

  it('does not ask the engine to undo nothing', async () => {
    const actions = useActions();
    await actions.undo();
    expect(useMessages().polite).toBe('Nothing to undo');
  });
});

describe('first steps', () => {
  it('tick when they happen, by whatever way', async () => {
    const steps = useSteps();
    const selection = useSelection();
    expect(steps.current).toBe('open');
    bridge.give('machine', {
      name: 'm',
      about: '',
      source: 'built',
      release: '6.12.10',
      cmdline: '',
      iommu: '',
      functions: 6,
      groups: 5,
      notViable: [],
      unknown: [],
      undecided: null,
      recorded: null,
      document: { title: 'm', path: null, saved: true, inputs: 0, undo: null, redo: null, past: null },
    });
    await nextTick();
    expect([...steps.done]).toEqual(['open']);
    selection.select('0000:01:00.0');
    await nextTick();
    expect(steps.current).toBe('bind');
    bridge.give('topology', smallMachine());
    await nextTick();
    bridge.give('function', functionView('0000:01:00.0', 1));
    await nextTick();
    expect(steps.done.has('fire')).toBe(true);
    expect(steps.current).toBe('bind');
  });
});

describe('frame', () => {
  it('folds at the widths of the specification', () => {
    expect([960, 1024, 1180, 1181, 1440, 1699, 1700, 1920].map(foldFor)).toEqual([
      'small',
      'small',
      'small',
      'normal',
      'normal',
      'normal',
      'wide',
      'wide',
    ]);
  });

  it('keeps sizes within their range and remembers them', async () => {
    const dock = useDock();
    dock.resize('right', 9999);
    expect(dock.size('right')).toBe(dock.range('right').max);
    dock.move('containers', { area: 'right', cell: 0, as: 'tab' });
    useSettings().change({ theme: 'dark' });
    await vi.waitFor(() => expect(bridge.layout).not.toBeNull());
    bridge.install();
    setActivePinia(createPinia());
    const again = useDock();
    expect(again.size('right')).toBe(again.range('right').max);
    expect(again.tabsOf('inspector')).toEqual(['inspector', 'containers']);
    expect(useFrame().shownTheme).toBe('dark');
    expect(document.documentElement.dataset['theme']).toBe('dark');
  });

  it('starts with the standard layout when the stored one cannot be read', () => {
    bridge.layout = '[1]';
    bridge.install();
    setActivePinia(createPinia());
    expect(useDock().isOpen('topology')).toBe(true);
  });
});
