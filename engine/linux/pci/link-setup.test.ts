/** A link when the functions of its slot have been found (pci-linux.md 6). */
import { describe, expect, it } from 'vitest';
import type { FixtureFunction } from '../iommu/fixture';
import { fixtureDevices } from '../iommu/fixture';
import type { PciDevice } from './device';
import { setUpLink } from './link-setup';
import type { AspmMode } from './options';

const AT = 0x40;
const [L0S, L1, CLOCK] = [1, 2, 0x40];

interface End {
  /** Supported states, and those that firmware turned on. */
  readonly can?: number;
  readonly on?: number;
  readonly slotClock?: boolean;
  readonly old?: boolean;
  /** Codes of the acceptable and of the own exit latency from L1. */
  readonly bears?: number;
  readonly takes?: number;
}

function shape(device: PciDevice, end: End): PciDevice {
  const { config } = device;
  config.writable.fill(0xff, AT + 0x10, AT + 0x12);
  config.set(AT + 0x04, 4, (end.old ? 0 : 0x8000) | ((end.bears ?? 7) << 9) | (7 << 6));
  config.set(AT + 0x0c, 4, ((end.can ?? L0S | L1) << 10) | ((end.takes ?? 0) << 15));
  config.set(AT + 0x10, 2, end.on ?? 0);
  config.set(AT + 0x12, 2, end.slotClock === false ? 0 : 0x1000);
  return device;
}

function link(port: End, card: End, mode: AspmMode = 'default', type: FixtureFunction['type'] = 'Endpoint') {
  const [above, below] = fixtureDevices([
    { at: '00:01.0', type: 'RootPort', secondary: 1 },
    { at: '01:00.0', type, below: '00:01.0' },
  ]);
  shape(above!, port);
  if (type === 'Endpoint') shape(below!, card);
  const said: string[] = [];
  setUpLink(above!, [below!], mode, false, (one) => (text) => said.push(`${one.name}: ${text}`));
  const control = (device: PciDevice): number => device.config.read(AT + 0x10, 2);
  return { port: control(above!), card: type === 'Endpoint' ? control(below!) : null, said };
}

describe('the states of a link', () => {
  it('stay as firmware left them where both ends have them', () => {
    expect(link({ on: L1 }, { on: L1 })).toMatchObject({ port: L1 | CLOCK, card: L1 | CLOCK });
    expect(link({ on: L0S }, {})).toMatchObject({ port: L0S | CLOCK, card: CLOCK });
  });

  it('go off where one end lacks them or the endpoint cannot wait', () => {
    expect(link({ on: L0S | L1 }, { on: L0S | L1, can: L1 })).toMatchObject({ port: L1 | CLOCK, card: L1 | CLOCK });
    expect(link({ on: L1, takes: 5 }, { on: L1, bears: 2 })).toMatchObject({ port: CLOCK, card: CLOCK });
  });

  it('go off on devices older than PCI Express 1.1, with a line, unless forced', () => {
    const old = link({ on: L1 }, { on: L1, old: true });
    expect(old).toMatchObject({ port: 0, card: 0 });
    expect(old.said).toEqual([
      "0000:01:00.0: disabling ASPM on pre-1.1 PCIe device.  You can enable it with 'pcie_aspm=force'",
    ]);
    expect(link({ on: L1 }, { on: L1, old: true }, 'force')).toMatchObject({ port: L1 | CLOCK, said: [] });
    expect(link({ on: L1 }, { on: L1, old: true }, 'off')).toMatchObject({ port: L1, card: L1, said: [] });
  });

  it('go off at the port of a conventional function, silently', () => {
    expect(link({ on: L1 }, {}, 'default', 'Conventional')).toEqual({ port: 0, card: null, said: [] });
  });
});

describe('the common clock', () => {
  it('is set where both ends run from the slot’s clock, and taken back elsewhere', () => {
    expect(link({}, {})).toMatchObject({ port: CLOCK, card: CLOCK, said: [] });
    expect(link({ on: CLOCK }, { on: CLOCK, slotClock: false })).toMatchObject({ port: 0, card: 0 });
  });

  it('is put right where only one end has it, with a line', () => {
    const { port, card, said } = link({ on: CLOCK }, {});
    expect([port, card]).toEqual([CLOCK, CLOCK]);
    expect(said).toEqual(['0000:00:01.0: ASPM: current common clock configuration is inconsistent, reconfiguring']);
  });
});
