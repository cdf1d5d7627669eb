/** Machines for tests of the fabric, written register by register. */
import { HardwareMachine } from '../machine';
import { parseAddress } from '../pci/address';
import { ConfigSpace } from '../pci/config-space';
import { PciFunction, PortType } from '../pci/function';
import { BarDevice } from '../devices/bar-device';

export interface FixtureNode {
  /** `01:00.0`. */
  readonly at: string;
  readonly type: keyof typeof PortType | 'Conventional' | 'ConventionalBridge';
  readonly below?: string;
  readonly buses?: readonly [secondary: number, subordinate: number];
  /** First and last address of the memory window. */
  readonly window?: readonly [from: number, to: number];
  /** Address of BAR 0, 4 KiB. */
  readonly bar?: number;
  /** ACS Control; left out: no capability. */
  readonly acs?: number;
  /** Egress Control Vector, its first 32 bits. */
  readonly vector?: number;
  /** Port number in the link capabilities. */
  readonly port?: number;
  /** COMMAND; left out: memory decoding and bus mastering on. */
  readonly command?: number;
}

export const AT = { express: 0x40, aer: 0x100, acs: 0x180 } as const;

function registers(node: FixtureNode): ConfigSpace {
  const express = node.type !== 'Conventional' && node.type !== 'ConventionalBridge';
  const config = new ConfigSpace(express ? 4096 : 256);
  const bridge = node.buses !== undefined;
  config.set(0x00, 4, 0x56781234);
  config.set(0x04, 2, node.command ?? 0x6);
  config.set(0x0e, 1, bridge ? 1 : 0);
  if (node.bar !== undefined) config.set(0x10, 4, node.bar);
  if (bridge) {
    config.set(0x19, 1, node.buses![0]);
    config.set(0x1a, 1, node.buses![1]);
    const [from, to] = node.window ?? [0xfff00000, 0];
    config.set(0x20, 2, from >>> 16);
    config.set(0x22, 2, to >>> 16);
    config.set(0x3e, 2, 0x2);
  }
  if (!express) return config;
  config.set(0x06, 2, 0x10);
  config.set(0x34, 1, AT.express);
  config.set(AT.express, 2, 0x10);
  config.set(AT.express + 2, 2, (PortType[node.type as keyof typeof PortType] << 4) | 2);
  config.set(AT.express + 8, 2, 0x7);
  config.set(AT.express + 0x0c, 4, ((node.port ?? 0) << 24) >>> 0);
  config.set(AT.aer, 4, ((node.acs === undefined ? 0 : AT.acs << 20) | 0x10001) >>> 0);
  config.set(AT.aer + 0x0c, 4, 0x00462030);
  config.set(AT.aer + 0x14, 4, 0x2000);
  if (node.acs === undefined) return config;
  config.set(AT.acs, 4, 0x1000d);
  config.set(AT.acs + 4, 2, 0x207f);
  config.set(AT.acs + 6, 2, node.acs);
  config.set(AT.acs + 8, 4, node.vector ?? 0);
  return config;
}

export function fixtureMachine(nodes: readonly FixtureNode[]): HardwareMachine {
  const machine = new HardwareMachine('intel-vtd');
  machine.roots.push({ name: 'pci0000:00', segment: 0, bus: 0 });
  for (const node of nodes) {
    const parent = node.below === undefined ? null : machine.functions.get(`0000:${node.below}`)!;
    const fn = new PciFunction(parseAddress(node.at)!, registers(node), parent, 'pci0000:00');
    fn.model = new BarDevice(node.at, fn.config, node.bar === undefined ? [] : [4096]);
    machine.add(fn);
  }
  return machine;
}

/** Changes to the nodes of a tree, by address. */
export type NodeChanges = Readonly<Record<string, Partial<FixtureNode>>>;

/** Root port, switch, an endpoint below each of its two downstream ports: A = 03:00.0, B = 04:00.0. */
export function switchMachine(changes: NodeChanges = {}): HardwareMachine {
  const nodes: FixtureNode[] = [
    { at: '00:01.0', type: 'RootPort', buses: [1, 4], window: [0xe0000000, 0xe02fffff], acs: 0x1d },
    { at: '01:00.0', type: 'UpstreamPort', below: '00:01.0', buses: [2, 4], window: [0xe0000000, 0xe02fffff] },
    {
      at: '02:00.0',
      type: 'DownstreamPort',
      below: '01:00.0',
      buses: [3, 3],
      window: [0xe0000000, 0xe00fffff],
      port: 1,
    },
    {
      at: '02:01.0',
      type: 'DownstreamPort',
      below: '01:00.0',
      buses: [4, 4],
      window: [0xe0100000, 0xe01fffff],
      port: 2,
    },
    { at: '03:00.0', type: 'Endpoint', below: '02:00.0', bar: 0xe0000000 },
    { at: '04:00.0', type: 'Endpoint', below: '02:01.0', bar: 0xe0100000 },
  ];
  return fixtureMachine(nodes.map((node) => ({ ...node, ...changes[node.at] })));
}
