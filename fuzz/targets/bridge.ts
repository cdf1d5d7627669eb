/** What a page could send over the bridge, and links from anywhere. */
import { parseLink } from '../../electron/link';
import { action, isRequestName, parseViewRequest, requests, terminalInput } from '../../electron/bridge/schemas';
import type { Action, ViewName } from '../../electron/bridge/contract';
import { PARTS } from '../../engine/hardware/parts';
import { MachineBuilder } from '../../engine/hardware/parts/fixture';
import { headlessHost } from '../../engine/host/headless';
import { Lab } from '../../engine/lab/lab';
import { bytes, json, text } from '../lib/mutate';
import type { Target } from '../lib/target';
import { bytesOf, must, textOf } from '../lib/target';

/** A message as it stands on the wire: which of the channels, and what. */
type Message = { request: string; parameters: unknown } | { view: unknown } | { terminal: unknown };

const A = '0000:01:00.0';
const B = '0000:02:00.0';

const ACTIONS: readonly Action[] = [
  { kind: 'bind', address: A, driver: 'vfio-pci' },
  { kind: 'bind', address: B, driver: null },
  { kind: 'unbind', address: A },
  { kind: 'attach', group: 2, pid: null, containerFd: null },
  { kind: 'detach', group: 2 },
  { kind: 'enable-vectors', address: A, index: 2, count: 3 },
  { kind: 'disable-vectors', address: A, index: 2 },
  { kind: 'mask-vector', address: A, index: 2, vector: 1, masked: true },
  { kind: 'fire', address: A, vector: 1 },
  { kind: 'fire', address: A, vector: null },
  { kind: 'stimulate', stimulus: { device: A, kind: 'interrupt', vector: 0, count: 3, everyUs: 10 } },
  {
    kind: 'stimulate',
    stimulus: { device: A, kind: 'dma', direction: 'write', address: '0x1000', length: 4, hex: '00' },
  },
  { kind: 'stimulate', stimulus: { device: B, kind: 'register', region: 0, offset: 8, width: 4, value: '0x5' } },
  { kind: 'write-config', address: A, offset: 4, hex: '0604', as: 'user' },
  { kind: 'write-config', address: B, offset: 0x10, hex: 'ffffffff', as: 'root' },
  { kind: 'reset', address: A },
  { kind: 'edit-hardware', address: A, offset: 0x48, hex: 'ff' },
  { kind: 'set-acs', changes: [{ address: '0000:00:01.0', control: 0x1d }] },
  { kind: 'rescan', addresses: [A] },
  { kind: 'set-vfs', address: B, count: 2 },
  { kind: 'reboot', cmdline: 'intel_iommu=on iommu=pt' },
  { kind: 'write-file', path: '/root/a.txt', text: 'x' },
  { kind: 'wait', ms: 3 },
  { kind: 'edit', edit: { kind: 'remove', address: B } },
  { kind: 'edit', edit: { kind: 'move', address: B, to: { parent: null, device: 9 } } },
  { kind: 'edit', edit: { kind: 'copy', addresses: [A, B], to: null } },
  { kind: 'edit', edit: { kind: 'remove-root', rootBus: 'pci0000:00' } },
  { kind: 'edit', edit: { kind: 'root', rootBus: 'pci0000:00', segment: 1, bus: 0x20 } },
  { kind: 'edit', edit: { kind: 'straps', address: A, straps: { ports: 4 } } },
  { kind: 'edit', edit: { kind: 'acs', address: '0000:00:01.0', services: [] } },
  { kind: 'edit', edit: { kind: 'facing', address: '0000:00:01.0', external: true } },
  { kind: 'edit', edit: { kind: 'label', address: A, label: 'mine' } },
  { kind: 'edit', edit: { kind: 'config', address: A, offset: 0x40, hex: '00' } },
  { kind: 'edit', edit: { kind: 'iommu', iommu: 'amd-vi' } },
  { kind: 'edit', edit: { kind: 'several', edits: [{ kind: 'add', part: 'edu', at: null }] } },
  ...PARTS.map(({ id }): Action => ({ kind: 'edit', edit: { kind: 'add', part: id, at: null } })),
];

const VIEWS: readonly { view: ViewName; parameters: unknown }[] = [
  ...(
    [
      'machine',
      'topology',
      'containers',
      'calls',
      'dmesg',
      'editor',
      'editable',
      'reach',
      'parts',
      'lesson',
      'lessons',
    ] as const
  ).map((view) => ({ view, parameters: null })),
  ...(['function', 'config', 'iommu', 'editing', 'stimuli'] as const).map((view) => ({
    view,
    parameters: { address: A },
  })),
  { view: 'pair', parameters: { a: A, b: B } },
  { view: 'timeline', parameters: { axis: 'time', range: [0, 5], columns: 100, address: A } },
  { view: 'history', parameters: { from: 0, count: 20 } },
  { view: 'accesses', parameters: { address: A, chosen: 4 } },
  { view: 'file', parameters: { path: '/etc/passwd' } },
  { view: 'walk', parameters: { address: A, iova: '0x1000', write: true } },
  { view: 'message', parameters: { address: A, to: '0xfee00000', data: 0x41 } },
  { view: 'config-way', parameters: { address: A, register: 4 } },
  { view: 'transactions', parameters: { address: null, limit: 20 } },
  { view: 'transaction', parameters: { sequence: 0 } },
  { view: 'places', parameters: { kind: 'part', part: 'nvme' } },
  { view: 'places', parameters: { kind: 'functions', addresses: [A] } },
  { view: 'clip', parameters: { addresses: [A] } },
  { view: 'what-if', parameters: { changes: [{ address: '0000:00:01.0', control: 0 }] } },
];

const REQUESTS: readonly Message[] = [
  { request: 'undo', parameters: [] },
  { request: 'redo', parameters: [] },
  { request: 'look', parameters: [3] },
  { request: 'look', parameters: [null] },
  { request: 'continueHere', parameters: [] },
  { request: 'goToBranch', parameters: [2] },
  { request: 'nameBranch', parameters: [1, 'x'] },
  { request: 'openText', parameters: ['00:00.0 Host bridge: x'] },
  { request: 'open', parameters: [{ name: 'x.txt', bytes: [] }] },
  { request: 'answer', parameters: ['q', 1] },
  { request: 'restartStep', parameters: [0] },
  { request: 'programText', parameters: ['c', 'last-step'] },
  { request: 'programText', parameters: ['shell', 1000] },
  { request: 'openSample', parameters: ['workstation'] },
  { request: 'openLesson', parameters: ['01-groups'] },
];

const builder = new MachineBuilder();
builder.behindPort('e1000e');
builder.behindPort('lab-nic-sriov');

/** What the checks let through is done, as main does it. Opening others' files is tried elsewhere. */
async function perform(lab: Lab, name: string, parameters: readonly unknown[]): Promise<void> {
  const [first, second] = parameters;
  switch (name) {
    case 'act':
      lab.act(first as Action);
      break;
    case 'undo':
    case 'redo':
    case 'continueHere':
      lab[name]();
      break;
    case 'look':
      lab.look(first as number | null);
      break;
    case 'goToBranch':
      lab.goToBranch(first as number);
      break;
    case 'nameBranch':
      lab.nameBranch(first as number, second as string);
      break;
    case 'answer':
      lab.answer(first as string, second as number);
      break;
    case 'restartStep':
      lab.restartStep(first as number | null);
      break;
    case 'programText':
      lab.programText(first as 'c' | 'shell', second as number);
      break;
    case 'openSample':
      lab.openSample(first as string);
      break;
    case 'openLesson':
      lab.openLesson(first as string);
      break;
    case 'openText':
      lab.openBytes('pasted text', bytesOf(first as string), null);
      break;
  }
}

const MOST_MESSAGES = 40;
const MOST_COUNT = 500;

/** A storm that the checks allow takes its time; that is not what is tried here. */
const short = (message: unknown): boolean => {
  const counts = JSON.stringify(message).matchAll(/"count":(\d+)/g);
  return [...counts].every((count) => Number(count[1]) <= MOST_COUNT);
};

async function run(input: Uint8Array): Promise<void> {
  let messages: unknown;
  try {
    messages = JSON.parse(textOf(input));
  } catch {
    return;
  }
  if (!Array.isArray(messages)) return;
  const lab = new Lab(headlessHost(), builder.description);
  for (const message of messages.slice(0, MOST_MESSAGES) as (Partial<Record<string, unknown>> | null)[]) {
    if (!short(message)) continue;
    if (message !== null && 'view' in Object(message)) {
      let asked;
      try {
        asked = parseViewRequest(message['view']);
      } catch {
        continue;
      }
      if (asked.kind === 'subscribe') JSON.stringify(lab.view(asked.view, asked.parameters as never));
    } else if (message !== null && 'terminal' in Object(message)) {
      terminalInput.safeParse(message['terminal']);
    } else {
      const name = message?.['request'];
      if (!isRequestName(name)) continue;
      const parsed = requests[name].safeParse(message?.['parameters']);
      if (parsed.success) await perform(lab, name, parsed.data);
    }
  }
  const { hash } = lab;
  if (lab.looking) return;
  const again = lab.openBytes('again.vfiolab', lab.serialize(), null);
  must(again.ok, `the document is refused: ${again.ok ? '' : again.message}`);
  must(lab.hash === hash, 'a replay of the document ends in another state');
}

export const messages: Target = {
  name: 'messages',
  reaches: ['electron/bridge/schemas.ts', 'engine/lab/actions.ts', 'engine/lab/edit/', 'engine/lab/views/'],
  seeds: () => {
    const acts = ACTIONS.map((one): Message => ({ request: 'act', parameters: [action.parse(one)] }));
    const views = VIEWS.map((one, id): Message => ({ view: { kind: 'subscribe', id, ...one } }));
    const mixed = (from: number): Message[] =>
      Array.from({ length: 12 }, (_, i) => {
        const all = [...acts, ...views, ...REQUESTS];
        return all[(from * 7 + i * 13) % all.length]!;
      });
    return [
      acts.slice(0, 24),
      acts.slice(24),
      [...acts.slice(0, 8), ...views],
      ...[0, 1, 2, 3, 4, 5, 6].map(mixed),
    ].map((list) => bytesOf(JSON.stringify(list)));
  },
  mutations: [json(true), json(true), json()],
  run,
  briefly: 40,
};

export const links: Target = {
  name: 'links',
  reaches: ['electron/link.ts'],
  seeds: () => ['vfiolab:lesson/01-groups', 'vfiolab://sample/workstation'].map(bytesOf),
  mutations: [text(['vfiolab:', '//', '/', '..', '%2f', '?a=b', '#x', 'lesson', 'sample', '\0']), bytes],
  run: (input) => {
    const source = textOf(input);
    const link = parseLink(source);
    if (link.kind === 'unknown')
      must(link.text.length <= 120 && source.startsWith(link.text), 'it says something else');
    else must(/^[a-z0-9][a-z0-9_-]{0,63}$/i.test(link.id), `it leads to ${link.id}`);
  },
  briefly: 1000,
};
