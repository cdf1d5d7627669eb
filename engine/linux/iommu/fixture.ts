/** Hand-made functions for tests and measurements: only the registers that grouping looks at. */
import type { KernelDescription, MachineDescription } from '../../hardware/description';
import { parseAddress } from '../../hardware/pci/address';
import { ConfigSpace } from '../../hardware/pci/config-space';
import { PciFunction, PortType } from '../../hardware/pci/function';
import type { AcsSettings } from '../pci/acs';
import { PciDevice } from '../pci/device';

/** A machine without functions, for who looks at groups alone. */
export const bareMachine = (
  changes: Partial<Omit<MachineDescription, 'kernel'>> & { kernel?: Partial<KernelDescription> } = {},
): MachineDescription => ({
  format: 'vfiolab-machine/1',
  name: 'test',
  about: '',
  source: 'built',
  booted: true,
  iommu: 'intel-vtd',
  functions: [],
  recordedGroups: null,
  unknown: [],
  ...changes,
  kernel: {
    release: '6.12.117',
    build: 'debian',
    cmdline: '',
    modules: [],
    moduleOptions: {},
    drivers: [],
    ...changes.kernel,
  },
});

export type FixtureType = keyof typeof PortType | 'Conventional' | 'ConventionalBridge';

export interface FixtureFunction {
  /** `01:00.0`, with a segment where it is not 0. */
  readonly at: string;
  readonly type: FixtureType;
  /** Vendor and device, `8086:1c10`. */
  readonly id?: string;
  /** 24-bit class code. */
  readonly classCode?: number;
  /** ACS capability and control registers; left out: no such capability. */
  readonly acs?: readonly [capability: number, control: number];
  readonly multifunction?: boolean;
  /** Address of the bridge above. */
  readonly below?: string;
  /** Bus number behind a bridge. */
  readonly secondary?: number;
  /** Address of the physical function: this is a virtual one. */
  readonly virtualOf?: string;
}

const BRIDGES: ReadonlySet<FixtureType> = new Set([
  'RootPort',
  'UpstreamPort',
  'DownstreamPort',
  'PcieToPciBridge',
  'PciToPcieBridge',
  'ConventionalBridge',
]);
const EXPRESS = 0x40;
const ACS_AT = 0x100;

export const ACS_ON = [0x1f, 0x1d] as const;
export const ACS_OFF = [0x1f, 0x00] as const;
export const ACS_EMPTY = [0x00, 0x00] as const;

function configOf(spec: FixtureFunction): ConfigSpace {
  const conventional = spec.type === 'Conventional' || spec.type === 'ConventionalBridge';
  const config = new ConfigSpace(conventional ? 256 : 4096);
  const [vendor, device] = (spec.id ?? '1234:5678').split(':').map((text) => parseInt(text, 16));
  config.set(0x00, 2, vendor!);
  config.set(0x02, 2, device!);
  config.set(0x08, 4, ((spec.classCode ?? (BRIDGES.has(spec.type) ? 0x060400 : 0xff0000)) << 8) >>> 0);
  config.set(0x0e, 1, (BRIDGES.has(spec.type) ? 1 : 0) | (spec.multifunction ? 0x80 : 0));
  config.set(0x19, 1, spec.secondary ?? 0);
  if (conventional) return config;
  config.set(0x06, 2, 0x10);
  config.set(0x34, 1, EXPRESS);
  config.set(EXPRESS, 2, 0x10);
  config.set(EXPRESS + 2, 2, (PortType[spec.type as keyof typeof PortType] << 4) | 2);
  if (spec.acs) {
    config.set(ACS_AT, 4, 0x0001_000d);
    config.set(ACS_AT + 4, 2, spec.acs[0]);
    config.set(ACS_AT + 6, 2, spec.acs[1]);
    config.writable[ACS_AT + 6] = spec.acs[0] & 0x7f;
  }
  return config;
}

/** Devices in the order given, which must be that of the bus list. */
export function fixtureDevices(specs: readonly FixtureFunction[]): PciDevice[] {
  const devices = new Map<string, PciDevice>();
  for (const spec of specs) {
    const above = spec.below === undefined ? null : (devices.get(spec.below) ?? null);
    const fn = new PciFunction(parseAddress(spec.at)!, configOf(spec), above?.function ?? null, 'pci0000:00');
    const device = new PciDevice(fn);
    device.parent = above;
    if (spec.virtualOf !== undefined) device.physicalFunction = devices.get(spec.virtualOf) ?? null;
    else if (fn.address.function > 0) device.multifunctionForced = true;
    devices.set(spec.at, device);
  }
  return [...devices.values()];
}

export const PLAIN_ACS: AcsSettings = { amdIommu: false, override: null, enabledByLinux: true, assume: 'open' };

/**
 * A random tree with `count` functions, or fewer when the bus numbers run out (each segment has 256): root ports,
 * switches, bridges, devices of several functions. `random` gives integers from 0 to below its argument.
 */
export function randomTree(count: number, random: (below: number) => number): FixtureFunction[] {
  const specs: FixtureFunction[] = [];
  for (let segment = 0; specs.length < count; segment++) addSegment(specs, count, segment, random);
  return specs;
}

interface OpenBus {
  readonly number: number;
  readonly below: string | undefined;
  readonly kind: 'root' | 'link' | 'switch' | 'conventional';
}

function addSegment(specs: FixtureFunction[], count: number, segment: number, random: (below: number) => number): void {
  let buses = 1;
  const todo: OpenBus[] = [{ number: 0, below: undefined, kind: 'root' }];
  const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');
  const acs = (): Pick<FixtureFunction, 'acs'> => {
    const choice = random(5);
    return choice === 0 ? {} : { acs: choice === 1 ? ACS_EMPTY : [0x1f, choice === 2 ? random(32) : 0x1d] };
  };
  while (todo.length > 0 && specs.length < count) {
    const bus = todo.pop()!;
    const opened: OpenBus[] = [];
    const slots = bus.kind === 'link' ? 1 : 1 + random(6);
    for (let slot = 0; slot < slots && specs.length < count; slot++) {
      const functions = random(3) === 0 ? 1 + random(4) : 1;
      for (let fn = 0; fn < functions && specs.length < count; fn++) {
        const at = `${hex(segment, 4)}:${hex(bus.number, 2)}:${hex(slot, 2)}.${fn}`;
        const bridge = buses < 256 && (bus.kind === 'root' || bus.kind === 'switch' || random(4) === 0);
        const type = typeOn(bus.kind, bridge, random);
        const secondary = BRIDGES.has(type) && buses < 256 ? buses++ : undefined;
        const common = { at, type, multifunction: functions > 1, ...(bus.below !== undefined && { below: bus.below }) };
        specs.push({ ...common, ...(secondary !== undefined && { secondary }), ...acs() });
        if (secondary === undefined) continue;
        opened.push({ number: secondary, below: at, kind: kindBelow(type) });
      }
    }
    todo.push(...opened.reverse());
  }
}

function typeOn(bus: OpenBus['kind'], bridge: boolean, random: (below: number) => number): FixtureType {
  if (bus === 'switch') return bridge ? 'DownstreamPort' : 'Endpoint';
  if (bus === 'conventional') return bridge ? 'ConventionalBridge' : 'Conventional';
  if (bus === 'link') return bridge ? (random(4) === 0 ? 'PcieToPciBridge' : 'UpstreamPort') : 'Endpoint';
  const pick = random(8);
  if (bridge && pick > 1) return pick === 2 ? 'ConventionalBridge' : 'RootPort';
  return pick === 0 ? 'IntegratedEndpoint' : 'Conventional';
}

const kindBelow = (type: FixtureType): OpenBus['kind'] =>
  type === 'UpstreamPort'
    ? 'switch'
    : type === 'PcieToPciBridge' || type === 'ConventionalBridge'
      ? 'conventional'
      : 'link';
