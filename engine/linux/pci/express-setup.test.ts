import { describe, expect, it } from 'vitest';
import { PciFunction } from '../../hardware/pci/function';
import { ConfigSpace } from '../../hardware/pci/config-space';
import { parseAddress } from '../../hardware/pci/address';
import { PciDevice } from './device';
import { ariChain, configureAri, setUpExpress } from './express-setup';
import { pciOptionsOf } from './options';

interface Shape {
  at: string;
  type: number;
  /** Largest payload and the one in use: 0 for 128 bytes, 1 for 256, … */
  largest?: number;
  payload?: number;
  tags?: boolean;
  ariForwarding?: boolean;
  /** Next function in the ARI chain; left out: no ARI capability. */
  next?: number;
}

const EXPRESS = 0x40;

function functionOf(shape: Shape, parent: PciFunction | null = null): PciFunction {
  const config = new ConfigSpace(4096, (space) => {
    space.writable.fill(0xff, EXPRESS + 8, EXPRESS + 10);
    space.writable.fill(0xff, EXPRESS + 0x28, EXPRESS + 0x2a);
  });
  config.set(0x06, 2, 0x10);
  config.set(0x34, 1, EXPRESS);
  config.set(EXPRESS, 2, 0x10);
  config.set(EXPRESS + 2, 2, 2 | (shape.type << 4));
  config.set(EXPRESS + 4, 4, (shape.largest ?? 0) | (shape.tags ? 0x20 : 0));
  config.set(EXPRESS + 8, 2, (shape.payload ?? 0) << 5);
  config.set(EXPRESS + 0x24, 4, shape.ariForwarding ? 0x20 : 0);
  if (shape.next !== undefined) {
    config.set(0x100, 4, 0x0001000e);
    config.set(0x105, 1, shape.next);
  }
  return new PciFunction(parseAddress(shape.at)!, config, parent, 'pci0000:00');
}

function below(port: Shape, shape: Shape): { said: string[]; payloads: [number, number]; device: PciDevice } {
  const above = new PciDevice(functionOf(port));
  const device = new PciDevice(functionOf(shape, above.function));
  device.parent = above;
  const said: string[] = [];
  setUpExpress(
    device,
    pciOptionsOf(''),
    { latencyTolerance: true },
    (one) => (text) => said.push(`${one.name}: ${text}`),
  );
  const payload = ({ config }: PciDevice): number => (config.read(EXPRESS + 8, 2) >>> 5) & 7;
  return { said, payloads: [payload(above), payload(device)], device };
}

describe('latency tolerance', () => {
  const LTR_ON = 0x400;
  const chain = (ports: readonly boolean[]): number[] => {
    const devices: PciDevice[] = [];
    ports.forEach((able, index) => {
      const type = index === 0 ? 4 : index === ports.length - 1 ? 0 : 5;
      const above = devices.at(-1) ?? null;
      const device = new PciDevice(functionOf({ at: `0${index}:00.0`, type }, above?.function ?? null));
      device.parent = above;
      device.config.set(EXPRESS + 0x24, 4, able ? 0x800 : 0);
      devices.push(device);
      setUpExpress(device, pciOptionsOf(''), { latencyTolerance: true }, () => () => undefined);
    });
    return devices.map((device) => device.config.read(EXPRESS + 0x28, 2) & LTR_ON);
  };

  it('is on from the root port down to where something cannot', () => {
    expect(chain([true, true, true])).toEqual([LTR_ON, LTR_ON, LTR_ON]);
    expect(chain([true, false, true])).toEqual([LTR_ON, 0, 0]);
    expect(chain([false, true, true])).toEqual([0, 0, 0]);
  });

  it('stays off where firmware kept it', () => {
    const port = new PciDevice(functionOf({ at: '00:01.0', type: 4 }));
    port.config.set(EXPRESS + 0x24, 4, 0x800);
    setUpExpress(port, pciOptionsOf(''), { latencyTolerance: false }, () => () => undefined);
    expect(port.config.read(EXPRESS + 0x28, 2) & LTR_ON).toBe(0);
  });
});

describe('the completion boundary', () => {
  it.each([
    ['an endpoint', 0, 8],
    ['a bridge', 7, 8],
    ['an upstream port', 5, 0],
  ])('of %s is the root port’s where it has one', (_name, type, wanted) => {
    const port = new PciDevice(functionOf({ at: '00:01.0', type: 4 }));
    port.config.set(EXPRESS + 0x10, 2, 8);
    const device = new PciDevice(functionOf({ at: '01:00.0', type }, port.function));
    device.parent = port;
    device.config.writable.fill(0xff, EXPRESS + 0x10, EXPRESS + 0x12);
    setUpExpress(device, pciOptionsOf(''), { latencyTolerance: true }, () => () => undefined);
    expect(device.config.read(EXPRESS + 0x10, 2) & 8).toBe(wanted);
  });
});

describe('the payload size', () => {
  it('of a function becomes that of the bridge above', () => {
    const { said, payloads } = below(
      { at: '00:01.0', type: 4, largest: 1, payload: 1 },
      { at: '01:00.0', type: 0, largest: 2 },
    );
    expect(payloads).toEqual([1, 1]);
    expect(said).toEqual(['0000:01:00.0: Max Payload Size set to 256 (was 128, max 512)']);
  });

  it('of a root port gives way to a function that has less', () => {
    const { said, payloads } = below({ at: '00:01.0', type: 4, largest: 1, payload: 1 }, { at: '01:00.0', type: 0 });
    expect(payloads).toEqual([0, 0]);
    expect(said).toEqual([
      "0000:01:00.0: Upstream bridge's Max Payload Size set to 128 (was 256, max 256)",
      '0000:01:00.0: Max Payload Size set to 128 (was 128, max 128)',
    ]);
  });

  it('of a switch does not', () => {
    const { said, payloads } = below({ at: '02:01.0', type: 6, largest: 1, payload: 1 }, { at: '03:00.0', type: 0 });
    expect(payloads).toEqual([1, 0]);
    expect(said).toEqual([
      `0000:03:00.0: can't set Max Payload Size to 256; if necessary, use "pci=pcie_bus_safe" and report a bug`,
    ]);
  });
});

it('extended tags are turned on once, with a line', () => {
  const { said, device } = below({ at: '00:01.0', type: 4 }, { at: '01:00.0', type: 0, tags: true });
  expect(said).toEqual(['0000:01:00.0: enabling Extended Tags']);
  setUpExpress(device, pciOptionsOf(''), { latencyTolerance: true }, () => (text) => said.push(text));
  expect(said).toHaveLength(1);
});

describe('ARI', () => {
  const port = (ariForwarding: boolean) => functionOf({ at: '00:01.0', type: 4, ariForwarding });
  const fn = (at: string, next?: number) => functionOf({ at, type: 0, ...(next !== undefined && { next }) });

  it('is on where the port forwards and function 0 has the capability', () => {
    const forwarding = port(true);
    expect(configureAri(forwarding, fn('01:00.0', 0))).toBe(true);
    expect(forwarding.config.read(EXPRESS + 0x28, 2) & 0x20).toBe(0x20);
    expect(configureAri(forwarding, fn('01:00.0'))).toBe(false);
    expect(forwarding.config.read(EXPRESS + 0x28, 2) & 0x20).toBe(0);
    expect(configureAri(port(false), fn('01:00.0', 0))).toBe(false);
  });

  it('finds functions beyond the eighth by the chain, which must ascend', () => {
    const all = [fn('01:00.0', 1), fn('01:00.1', 9), fn('01:01.1', 200), fn('01:19.0', 1), fn('01:00.2', 3)];
    expect(ariChain(all).map((one) => one.name)).toEqual([
      '0000:01:00.0',
      '0000:01:00.1',
      '0000:01:01.1',
      '0000:01:19.0',
    ]);
  });
});
