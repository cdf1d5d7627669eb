/** Small machines and a bridge for tests. Nothing here is part of the window. */
import type {
  Settings,
  TopologyFunction,
  TopologyGroup,
  TopologyView,
  VfioLabBridge,
  ViewName,
  Views,
} from '../bridge';

export function fn(address: string, over: Partial<TopologyFunction> = {}): TopologyFunction {
  return {
    address,
    key: address,
    parent: null,
    rootBus: address.slice(0, 7),
    kind: over.isBridge ? 'root-port' : 'endpoint',
    isBridge: false,
    name: 'Function',
    id: '1234:5678',
    group: null,
    driver: null,
    ownership: 'none',
    owner: null,
    acs: null,
    secondaryBus: null,
    sharedBus: false,
    link: 'up',
    physicalFunction: null,
    ...over,
  };
}

export function port(address: string, secondaryBus: number, over: Partial<TopologyFunction> = {}): TopologyFunction {
  return fn(address, {
    isBridge: true,
    kind: 'root-port',
    secondaryBus,
    acs: { sv: 'on', rr: 'on', cr: 'on', uf: 'on' },
    driver: 'pcieport',
    ...over,
  });
}

export function group(id: number, members: string[], over: Partial<TopologyGroup> = {}): TopologyGroup {
  return {
    id,
    members,
    viable: true,
    owned: false,
    type: 'DMA',
    hasEndpoint: true,
    place: id,
    culprit: null,
    recorded: null,
    ...over,
  };
}

export function topology(functions: TopologyFunction[], groups: TopologyGroup[] = []): TopologyView {
  return {
    roots: [{ name: 'pci0000:00', bus: 0, last: 255, segment: 0, label: 'bus 00' }],
    functions,
    groups,
    stale: null,
    changes: { sequence: 0, list: [] },
  };
}

/** A graphics card with sound below one port, a controller below another. */
export function smallMachine(): TopologyView {
  return topology(
    [
      fn('0000:00:00.0', { group: 0 }),
      port('0000:00:01.0', 1, { group: 1 }),
      fn('0000:01:00.0', { parent: '0000:00:01.0', group: 8, driver: 'nouveau', ownership: 'host', name: 'Graphics' }),
      fn('0000:01:00.1', {
        parent: '0000:00:01.0',
        group: 8,
        driver: 'snd_hda_intel',
        ownership: 'host',
        name: 'Sound',
      }),
      port('0000:00:06.0', 2, { group: 2 }),
      fn('0000:02:00.0', { parent: '0000:00:06.0', group: 9, driver: 'nvme', ownership: 'host', name: 'Disk' }),
    ],
    [
      group(0, ['0000:00:00.0'], { place: 1 }),
      group(1, ['0000:00:01.0'], { hasEndpoint: false, place: 0 }),
      group(2, ['0000:00:06.0'], { hasEndpoint: false, place: 0 }),
      group(8, ['0000:01:00.0', '0000:01:00.1'], {
        place: 2,
        viable: false,
        culprit: { address: '0000:01:00.1', driver: 'snd_hda_intel' },
      }),
      group(9, ['0000:02:00.0'], { place: 3, viable: false, culprit: { address: '0000:02:00.0', driver: 'nvme' } }),
    ],
  );
}

/** `ports` root ports with `each` functions below. */
export function largeMachine(ports: number, each: number): TopologyView {
  const functions: TopologyFunction[] = [];
  const hex = (n: number, digits: number): string => n.toString(16).padStart(digits, '0');
  for (let p = 0; p < ports; p++) {
    const segment = hex(Math.floor(p / 64), 4);
    const address = `${segment}:00:${hex(p % 32, 2)}.${Math.floor((p % 64) / 32)}`;
    functions.push(port(address, 1 + (p % 64)));
    for (let e = 0; e < each; e++)
      functions.push(fn(`${segment}:${hex(1 + (p % 64), 2)}:00.${e}`, { parent: address, group: p }));
  }
  return topology(functions);
}

type Listener<V extends ViewName> = (value: Views[V]['value']) => void;

/** A bridge that a test drives: `give` sends a value to the subscribers of a view. */
export class TestBridge {
  readonly subscriptions: { view: ViewName; parameters: unknown; listener: (value: unknown) => void; live: boolean }[] =
    [];
  readonly actions: unknown[] = [];
  /** Other requests with their parameter. */
  readonly asked: [name: string, parameter: unknown][] = [];
  /** Settings and layout as the next page would find them. */
  settings: Settings = {
    theme: 'system',
    zoom: 1,
    comfortable: false,
    screenReader: false,
    motion: 'system',
    autosave: false,
    startPage: false,
    marksSeen: [],
    containersAs: 'list',
    namedLayouts: [],
  };
  layout: string | null = null;
  answer: Awaited<ReturnType<VfioLabBridge['act']>> = { ok: true, message: 'Done.', errno: null, why: null, calls: [] };

  give<V extends ViewName>(view: V, value: Views[V]['value']): void {
    for (const s of this.subscriptions) if (s.live && s.view === view) s.listener(value);
  }

  install(): void {
    const bridge: Partial<VfioLabBridge> = {
      platform: 'linux',
      settings: this.settings,
      layoutAtStart: this.layout,
      layout: () => Promise.resolve(this.layout),
      keepLayout: (layout) => {
        this.layout = layout;
        return Promise.resolve();
      },
      changeSettings: (patch) => {
        this.settings = { ...this.settings, ...patch };
        return Promise.resolve();
      },
      onSettings: () => () => undefined,
      paintFrame: () => Promise.resolve(),
      recentFiles: () => Promise.resolve([]),
      act: (action) => {
        this.actions.push(action);
        return Promise.resolve(this.answer);
      },
      look: (input) => {
        this.asked.push(['look', input]);
        return Promise.resolve();
      },
      restartStep: (step) => {
        this.asked.push(['restartStep', step]);
        return Promise.resolve(0);
      },
      goToBranch: (tip) => {
        this.asked.push(['goToBranch', tip]);
        return Promise.resolve(this.answer);
      },
      subscribe: <V extends ViewName>(view: V, parameters: Views[V]['parameters'], listener: Listener<V>) => {
        const entry = { view, parameters, listener: listener as (value: unknown) => void, live: true };
        this.subscriptions.push(entry);
        return () => {
          entry.live = false;
        };
      },
    };
    Object.defineProperty(window, 'vfioLab', { value: bridge, configurable: true });
  }
}
