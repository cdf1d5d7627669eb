// @vitest-environment happy-dom
import { flushPromises, mount } from '@vue/test-utils';
import { createPinia, setActivePinia } from 'pinia';
import { TooltipProvider } from 'reka-ui';
import { defineComponent, h, nextTick, type Component } from 'vue';
import { beforeEach, describe, expect, it } from 'vitest';
import { TestBridge, largeMachine, smallMachine } from '../__fixtures__/machines';
import type { ConfigView, FunctionView, InterruptsView, MachineView, TopologyView, VectorView } from '../bridge';
import { useMessages } from '../stores/messages';
import { useSelection } from '../stores/selection';
import ContainersPane from './containers/ContainersPane.vue';
import HistoryPane from './history/HistoryPane.vue';
import InspectorPane from './inspector/InspectorPane.vue';
import TopologyPane from './topology/TopologyPane.vue';

let bridge: TestBridge;
beforeEach(() => {
  document.body.innerHTML = '';
  localStorage.clear();
  bridge = new TestBridge();
  bridge.install();
  setActivePinia(createPinia());
});

function show(pane: Component) {
  const page = defineComponent(() => () => h(TooltipProvider, null, { default: () => h(pane) }));
  return mount(page, { attachTo: document.body });
}
/** Controls by what they are called: their label, else their text. */
function byName(selector: string, name: string | RegExp): HTMLElement {
  const found = [...document.querySelectorAll<HTMLElement>(selector)].find((e) => {
    const called = e.getAttribute('aria-label') ?? e.textContent?.trim() ?? '';
    return typeof name === 'string' ? called === name : name.test(called);
  });
  if (!found) throw new Error(`No ${selector} called ${String(name)}`);
  return found;
}

const GPU = '0000:01:00.0';
const withGpu = (over: Partial<TopologyView['functions'][number]>): TopologyView => {
  const view = smallMachine();
  return { ...view, functions: view.functions.map((f) => (f.address === GPU ? { ...f, ...over } : f)) };
};
const vector = (index: number, over: Partial<VectorView> = {}): VectorView => ({
  index,
  addressHigh: '00000000',
  addressLow: 'fee00298',
  data: '00000000',
  masked: false,
  pending: false,
  eventfd: `eventfd ${7 + index} of demo (1002)`,
  count: 0,
  state: 'armed',
  reason: null,
  ...over,
});
const functionView = (interrupts: Partial<InterruptsView> = {}): FunctionView => ({
  overview: {
    address: GPU,
    name: 'Graphics',
    facts: [{ label: 'Class', value: 'VGA compatible controller', note: '030000' }],
    group: 8,
    members: ['0000:01:00.0', '0000:01:00.1'],
    why: [{ text: 'one slot without ACS', subject: GPU, decided: true }],
    driver: 'nouveau',
    driverOverride: null,
    drivers: ['vfio-pci', 'nouveau'],
    ownership: 'host',
    unknown: [],
  },
  regions: [],
  interrupts: {
    address: GPU,
    active: 'none',
    offered: { intx: 1, msi: 1, msix: 16, err: 1, req: 1 },
    vectors: [],
    arrivals: [],
    ...interrupts,
  },
});

async function inspect(topology: TopologyView, view: FunctionView): Promise<void> {
  show(InspectorPane);
  bridge.give('topology', topology);
  useSelection().select(GPU);
  await nextTick();
  bridge.give('function', view);
  await nextTick();
}

describe('topology', () => {
  it('names every node by its short address, its group and its driver', async () => {
    show(TopologyPane);
    bridge.give('topology', smallMachine());
    await nextTick();
    const names = [...document.querySelectorAll('[role="treeitem"]')].map((e) => e.getAttribute('aria-label'));
    expect(names).toContain('01:00.0 Graphics, group 8, nouveau');
    expect(names).toHaveLength(6);
    expect(document.querySelectorAll('[role="treeitem"][tabindex="0"]')).toHaveLength(1);
  });

  it('keeps a thousand functions out of the page but those in view, and the picture as high as all of them', async () => {
    show(TopologyPane);
    bridge.give('topology', largeMachine(250, 3));
    await nextTick();
    expect(document.querySelectorAll('[role="treeitem"]').length).toBeLessThan(150);
    expect(Number(document.querySelector('svg.topo')?.getAttribute('height'))).toBeGreaterThan(20_000);
  });

  it('moves by arrows and binds by a key', async () => {
    show(TopologyPane);
    bridge.give('topology', smallMachine());
    await nextTick();
    const key = async (name: string): Promise<void> => {
      const node = document.querySelector('[role="treeitem"][tabindex="0"]');
      node?.dispatchEvent(new KeyboardEvent('keydown', { key: name, bubbles: true, cancelable: true }));
      await flushPromises();
    };
    await key('ArrowRight');
    const current = document.querySelector('[role="treeitem"][tabindex="0"]');
    expect(current?.getAttribute('aria-label')).toMatch(/^01:00\.0 /);
    await key('b');
    expect(bridge.actions).toEqual([{ kind: 'bind', address: GPU, driver: 'vfio-pci' }]);
    expect(useSelection().address).toBe(GPU);
  });

  it('marks a group that is held up, and no group that the host simply uses', async () => {
    show(TopologyPane);
    bridge.give('topology', smallMachine());
    await nextTick();
    expect(document.querySelectorAll('.stuck')).toHaveLength(0);
    bridge.give('topology', withGpu({ driver: 'vfio-pci', ownership: 'vfio' }));
    await nextTick();
    expect(document.querySelectorAll('.stuck')).toHaveLength(1);
  });
});

describe('inspector', () => {
  it('binds and attaches by buttons that say what they do', async () => {
    await inspect(smallMachine(), functionView());
    byName('button', 'Bind to vfio-pci').click();
    byName('button', 'Attach group 8').click();
    await flushPromises();
    expect(bridge.actions).toEqual([
      { kind: 'bind', address: GPU, driver: 'vfio-pci' },
      { kind: 'attach', group: 8, pid: null, containerFd: null },
    ]);
    expect(document.body.textContent).toContain('one slot without ACS');
  });

  it('enables as many vectors as asked for, and no more than there are', async () => {
    useSelection().tab = 'interrupts';
    await inspect(withGpu({ ownership: 'process', driver: 'vfio-pci', owner: 'demo (1002)' }), functionView());
    const count = byName('input', 'Vectors') as HTMLInputElement;
    const enable = byName('button', 'Enable vectors') as HTMLButtonElement;
    count.value = '17';
    count.dispatchEvent(new Event('input'));
    await nextTick();
    expect(enable.disabled).toBe(true);
    count.value = '4';
    count.dispatchEvent(new Event('input'));
    await nextTick();
    enable.click();
    await flushPromises();
    expect(bridge.actions).toEqual([{ kind: 'enable-vectors', address: GPU, index: 2, count: 4 }]);
  });

  it('shows counts as the engine gives them and fires the vector of the row', async () => {
    useSelection().tab = 'interrupts';
    const active = {
      active: 'msix' as const,
      vectors: [vector(0), vector(1), vector(2, { count: 3, state: 'delivered' })],
    };
    await inspect(withGpu({ ownership: 'process' }), functionView(active));
    const row = byName('tr', 'vector 2');
    expect([...row.querySelectorAll('td')].map((td) => td.textContent?.trim()).slice(2, 9)).toEqual([
      'fee00298',
      '0000',
      '0',
      '0',
      'fd 9',
      '3',
      'delivered',
    ]);
    byName('button', 'Fire vector 2').click();
    await flushPromises();
    expect(bridge.actions).toEqual([{ kind: 'fire', address: GPU, vector: 2 }]);
  });

  it('offers to set Bus Master where a message was lost for want of it', async () => {
    useSelection().tab = 'interrupts';
    const arrival = {
      sequence: 1,
      time: '0',
      address: GPU,
      kind: 'msix',
      vector: 0,
      count: 0,
      path: [{ step: 'bus-master', detail: 'bus mastering is off', ok: false }],
    };
    const lost = vector(0, { state: 'lost', reason: 'bus mastering is off' });
    await inspect(
      withGpu({ ownership: 'process' }),
      functionView({ active: 'msix', vectors: [lost], arrivals: [arrival] }),
    );
    const bytes = '02100a000304'.padEnd(512, '0');
    const config: ConfigView = {
      address: GPU,
      size: 256,
      hardware: bytes,
      user: bytes,
      preview: null,
      known: null,
      bits: [],
      blocks: [],
    };
    bridge.give('config', config);
    await nextTick();
    byName('button', 'Set Bus Master').click();
    await flushPromises();
    expect(bridge.actions).toEqual([{ kind: 'write-config', address: GPU, offset: 4, hex: '0704', as: 'user' }]);
  });

  it('writes a byte typed into the grid and says which bits were dropped', async () => {
    useSelection().tab = 'config';
    await inspect(withGpu({ ownership: 'process' }), functionView());
    const bytes = '02100a000304'.padEnd(512, '0');
    const bits = Array.from({ length: 256 }, () => 'oooooooo');
    bits[4] = 'ooooopoo';
    const config: ConfigView = {
      address: GPU,
      size: 256,
      hardware: bytes,
      user: bytes,
      preview: null,
      known: null,
      bits,
      blocks: [],
    };
    bridge.give('config', config);
    await nextTick();
    const cell = document.querySelector<HTMLElement>('[data-offset="4"]');
    expect(cell?.getAttribute('aria-label')).toBe(
      '004, 03, bits 7–3 read-only, bit 2 passed through, bits 1–0 read-only',
    );
    cell?.click();
    await nextTick();
    const press = (name: string): void => {
      const target = document.querySelector('[role="grid"] input') ?? document.querySelector('[data-offset="4"]');
      target?.dispatchEvent(new KeyboardEvent('keydown', { key: name, bubbles: true, cancelable: true }));
    };
    press('Enter');
    await nextTick();
    const input = document.querySelector<HTMLInputElement>('[role="grid"] input');
    if (!input) throw new Error('The cell is not being edited');
    input.value = '06';
    input.dispatchEvent(new Event('input'));
    await nextTick();
    press('Enter');
    await flushPromises();
    expect(bridge.actions).toEqual([{ kind: 'write-config', address: GPU, offset: 4, hex: '06', as: 'user' }]);
    const after = '02100a000704'.padEnd(512, '0');
    bridge.give('config', { ...config, hardware: after, user: after });
    await flushPromises();
    const told = (): string => document.querySelector('[aria-label="Last writes"]')?.textContent ?? '';
    expect(told()).toContain('Dropped: 1 of 2 changed bits.');

    // A second write tells its bits by the filter's tables; the first stays a key away.
    bridge.answer = {
      ok: true,
      message: 'Written.',
      errno: null,
      why: null,
      calls: [],
      explanation: {
        bits: [{ offset: 0, msb: 7, lsb: 0, fate: 'dropped', rule: 'Vendor ID: not writable' }],
        effects: ['nothing else'],
        refused: null,
      },
    };
    document.querySelector<HTMLElement>('[data-offset="0"]')?.click();
    await nextTick();
    document
      .querySelector('[data-offset="0"]')
      ?.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true }));
    await nextTick();
    const second = document.querySelector<HTMLInputElement>('[role="grid"] input');
    if (!second) throw new Error('The cell is not being edited');
    second.value = 'ff';
    second.dispatchEvent(new Event('input'));
    await nextTick();
    press('Enter');
    await flushPromises();
    bridge.give('config', { ...config, hardware: after, user: `${after.slice(0, -2)}01` });
    await flushPromises();
    expect(told()).toContain('Dropped: 7 of 7 changed bits.');
    expect(told()).toMatch(/7–2, 0\s*Vendor ID\s*dropped\s*not writable/);
    expect(told()).toContain('nothing else');
    expect(told()).toContain('write 1 of 2');
    document
      .querySelector('[role="grid"]')
      ?.dispatchEvent(new KeyboardEvent('keydown', { key: '[', bubbles: true, cancelable: true }));
    await nextTick();
    expect(told()).toContain('Dropped: 1 of 2 changed bits.');
  });
});

describe('why a pair shares a group', () => {
  const withMembers = (): FunctionView => {
    const view = functionView();
    return { ...view, overview: { ...view.overview, members: [GPU, '0000:01:00.1'], group: 8 } };
  };

  it('asks the engine about the function chosen and tells what would separate them', async () => {
    await inspect(smallMachine(), withMembers());
    const select = byName('select', 'Compare 01:00.0 with') as HTMLSelectElement;
    expect([...select.querySelectorAll('optgroup')].map((g) => g.label)).toEqual([
      'In the same group',
      'In other groups',
    ]);
    select.value = '0000:01:00.1';
    select.dispatchEvent(new Event('change'));
    await nextTick();
    expect(bridge.subscriptions.find((s) => s.view === 'pair' && s.live)?.parameters).toEqual({
      a: GPU,
      b: '0000:01:00.1',
    });
    const step = (subject: string, text: string) => ({ subject, text, decided: true, joins: null });
    bridge.give('pair', {
      lines: [],
      sameGroup: true,
      known: true,
      paths: [
        { address: GPU, group: 8, steps: [step(GPU, 'a group of its own')] },
        {
          address: '0000:01:00.1',
          group: 8,
          steps: [{ ...step('0000:01:00.1', 'one slot'), joins: GPU }, step(GPU, 'a group of its own')],
        },
      ],
      separate: 'Nothing can.',
      separation: 'nothing',
    });
    await nextTick();
    const text = document.body.textContent ?? '';
    expect(text).toContain('01:00.0 and 01:00.1 share group 8.');
    expect(text).toContain('one slot → joins 01:00.0');
    expect(text.match(/a group of its own/g)).toHaveLength(1);
    expect(text).toContain('Nothing can.');
  });

  it('is asked with W, of the other function of the group', async () => {
    await inspect(smallMachine(), withMembers());
    document
      .querySelector('.overview')
      ?.dispatchEvent(new KeyboardEvent('keydown', { key: 'w', bubbles: true, cancelable: true }));
    await nextTick();
    expect(useSelection().compared).toBe('0000:01:00.1');
    useSelection().select('0000:02:00.0');
    expect(useSelection().compared).toBeNull();
  });
});

describe('a dump that hid registers', () => {
  const machineView = (over: Partial<MachineView>): MachineView => ({
    name: 'laptop',
    about: '',
    source: 'lspci',
    release: '',
    cmdline: '',
    iommu: 'VT-d',
    functions: 4,
    groups: 4,
    notViable: [],
    unknown: [{ function: GPU, what: 'acs', why: 'lspci was not run as root' }],
    undecided: { functions: 2, shown: 'recorded' },
    recorded: { equal: true, differing: [] },
    document: { title: 'lspci.txt', path: null, saved: true, inputs: 0, undo: null, redo: null, past: null },
    ...over,
  });

  it('says what cannot be known, why, and whose groups are shown; silent where all is known', async () => {
    show(TopologyPane);
    bridge.give('topology', smallMachine());
    bridge.give('machine', machineView({ undecided: null }));
    await nextTick();
    expect(document.querySelector('[aria-label="What cannot be known"]')).toBeNull();
    bridge.give('machine', machineView({}));
    await nextTick();
    const note = document.querySelector('[aria-label="What cannot be known"]')?.textContent ?? '';
    expect(note).toContain('2 functions: lspci was not run as root.');
    expect(note).toContain('the groups that the dump itself recorded');
    bridge.give('machine', machineView({ undecided: { functions: 2, shown: 'rule' } }));
    await nextTick();
    expect(document.body.textContent).toContain('taken as one that does not isolate');
  });
});

describe('containers', () => {
  it('names the culprit and has the button that removes it', async () => {
    show(ContainersPane);
    bridge.give('topology', withGpu({ driver: 'vfio-pci', ownership: 'vfio' }));
    bridge.give('containers', { processes: [] });
    await nextTick();
    expect(document.body.textContent).toContain('Group 8 is not viable. 01:00.1 still belongs to snd_hda_intel.');
    byName('button', 'Unbind 01:00.1').click();
    await flushPromises();
    expect(bridge.actions).toEqual([{ kind: 'unbind', address: '0000:01:00.1' }]);
    expect(useMessages().list[0]?.kind).toBe('ok');
  });

  it('draws who holds what, and detaches', async () => {
    show(ContainersPane);
    bridge.give('topology', smallMachine());
    bridge.give('containers', {
      processes: [
        {
          pid: 1002,
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
              backend: 'type1v2',
              mappings: 1,
              mappedBytes: '4 KiB',
              first: [],
              usable: [],
              groups: [{ id: 8, fd: 4, viable: true, devices: [{ address: GPU, fd: 5 }] }],
            },
          ],
        },
      ],
    });
    await nextTick();
    const rows = [...document.querySelectorAll('[role="treeitem"]')];
    expect(rows.map((r) => r.getAttribute('aria-level'))).toEqual(['1', '2', '3', '4', '4', '3']);
    byName('button', 'Detach group 8').click();
    await flushPromises();
    expect(bridge.actions).toEqual([{ kind: 'detach', group: 8 }]);
  });
});

describe('history', () => {
  it('lists the steps, tells which were refused or taken back, and goes to one', async () => {
    show(HistoryPane);
    bridge.give('history', {
      from: 0,
      total: 2,
      done: 1,
      steps: [
        { label: 'Bind 01:00.0', inputs: [1, 3], refused: false },
        { label: 'Attach group 8', inputs: [4, 9], refused: true },
      ],
      branch: { number: 1, name: null },
      branches: [{ number: 2, name: 'other', tip: 4, steps: 2, inputs: 5, last: 'Unbind', fork: 'Bind 01:00.0' }],
    });
    await nextTick();
    const rows = [...document.querySelectorAll<HTMLElement>('[role="option"]')];
    expect(rows.map((r) => r.getAttribute('aria-label'))).toEqual([
      'Start, input 0',
      'Bind 01:00.0, inputs 1 to 3',
      'Attach group 8, inputs 4 to 9, refused, taken back',
    ]);
    expect(rows.map((r) => r.getAttribute('aria-selected'))).toEqual(['false', 'true', 'false']);
    rows[0]?.click();
    rows[2]?.click();
    byName('button', 'Go to other').click();
    await flushPromises();
    expect(bridge.asked).toEqual([
      ['look', 0],
      ['look', 9],
      ['goToBranch', 4],
    ]);
  });
});
