import { describe, expect, it } from 'vitest';
import type { FixtureFunction } from '../iommu/fixture';
import { fixtureDevices } from '../iommu/fixture';
import { KernelLog } from '../log';
import { parseAcsOverride } from './acs';
import { setUpAcs } from './acs-enable';
import { matchesDevice, pciOption } from './device-match';

function setUp(cmdline: string, options: { enable?: boolean; spec?: Partial<FixtureFunction>; facing?: boolean } = {}) {
  const [device] = fixtureDevices([
    { at: '00:01.0', type: 'RootPort', secondary: 1, acs: [0x5f, 0x00], ...options.spec },
  ]);
  if (options.facing) device!.attributes['externalFacing'] = 1;
  const log = new KernelLog(() => 0n);
  setUpAcs(device!, { enable: options.enable ?? true, cmdline }, log);
  const at = device!.config.findExtendedCapability(0x0d);
  return { control: at === 0 ? null : device!.config.read(at + 6, 2), lines: log.records.map((r) => r.text) };
}

describe('setUpAcs', () => {
  it('turns on what isolates and is offered, and keeps firmware’s bits', () => {
    expect(setUp('').control).toBe(0x1d);
    expect(setUp('', { spec: { acs: [0x5f, 0x40] } }).control).toBe(0x5d);
    expect(setUp('', { spec: { acs: [0x05, 0x00] } }).control).toBe(0x05);
  });

  it('writes nothing without an IOMMU', () => {
    expect(setUp('', { enable: false, spec: { acs: [0x5f, 0x02] } }).control).toBe(0x02);
  });

  it('blocks translated requests at outward ports and without ATS only', () => {
    expect(setUp('', { facing: true }).control).toBe(0x1f);
    expect(setUp('pci=noats').control).toBe(0x1f);
  });

  it('takes redirects away on request, leaving what firmware set', () => {
    expect(setUp('pci=disable_acs_redir=00:01.0').control).toBe(0);
    expect(setUp('pci=disable_acs_redir=00:01.0', { spec: { acs: [0x5f, 0x1d] } }).control).toBe(0x11);
    expect(setUp('pci=disable_acs_redir=00:02.0').control).toBe(0x1d);
  });

  it('sets exactly the bits of config_acs, the last character being source validation', () => {
    const { control, lines } = setUp('pci=config_acs=xx101x1@00:01.0', { spec: { acs: [0x5f, 0x02] } });
    expect(control).toBe(0x17);
    expect(lines).toContain('pci 0000:00:01.0: Configured ACS to 0x0017');
    expect(setUp('pci=config_acs=1@pci:1234:5678', { enable: false }).control).toBe(0x01);
  });

  it.each([
    ['pci=config_acs=00:01.0', 'pci 0000:00:01.0: ACS Flags missing'],
    ['pci=config_acs=1z@00:01.0', 'pci 0000:00:01.0: Invalid ACS flags... Ignoring'],
    ['pci=config_acs=10000000@00:01.0', 'pci 0000:00:01.0: Invalid ACS flags specified'],
    ['pci=config_acs=1@nonsense', "PCI: Can't parse ACS command line parameter"],
  ])('says what is wrong with %s and goes on', (cmdline, line) => {
    const { control, lines } = setUp(cmdline);
    expect(lines).toContain(line);
    expect(control).toBe(0x1d);
  });

  it('uses the ports’ own registers on Sunrise Point, the LPC bridge on older chipsets', () => {
    const sunrise = setUp('', { spec: { id: '8086:a110' } });
    expect(sunrise.control).toBe(0);
    expect(sunrise.lines).toContain('pci 0000:00:01.0: Intel SPT PCH root port ACS workaround enabled');
    const [older] = fixtureDevices([{ at: '00:1c.0', type: 'RootPort', secondary: 1, id: '8086:1c10' }]);
    const log = new KernelLog(() => 0n);
    setUpAcs(older!, { enable: true, cmdline: '' }, log);
    expect(log.records.map((record) => record.text)).toEqual([
      'pci 0000:00:1c.0: Enabling MPC IRBNCE',
      'pci 0000:00:1c.0: Intel PCH root port ACS workaround enabled',
    ]);
  });
});

describe('older Intel chipsets', () => {
  const boot = (base: number): { lines: string[]; miscellaneous: number } => {
    const [port, lpc] = fixtureDevices([
      { at: '00:1c.0', type: 'RootPort', secondary: 1, id: '8086:1c10' },
      { at: '00:1f.0', type: 'Conventional', id: '8086:1c4e' },
    ]);
    port!.config.writable.fill(0xff, 0xd8, 0xdc);
    lpc!.config.set(0xf0, 4, base);
    const log = new KernelLog(() => 0n);
    setUpAcs(port!, { enable: true, cmdline: '', neighbour: (_, id) => (id === 0xf8 ? lpc!.config : null) }, log);
    return { lines: log.records.map((record) => record.text), miscellaneous: port!.config.read(0xd8, 4) };
  };

  it('check requesters’ bus numbers where the chipset’s registers can be reached', () => {
    expect(boot(0xfed1c001)).toEqual({
      lines: ['pci 0000:00:1c.0: Enabling MPC IRBNCE', 'pci 0000:00:1c.0: Intel PCH root port ACS workaround enabled'],
      miscellaneous: 0x0400_0000,
    });
  });

  it('stay open where firmware did not turn the base on', () => {
    expect(boot(0xfed1c000)).toEqual({
      lines: ['pci 0000:00:1c.0: Failed to enable Intel PCH ACS quirk'],
      miscellaneous: 0,
    });
  });
});

describe('pcie_acs_override', () => {
  const parse = (value: string) => parseAcsOverride(`quiet pcie_acs_override=${value}`);
  const warning = 'Warning: PCIe ACS overrides enabled; This may allow non-IOMMU protected peer-to-peer DMA';

  it('takes its three kinds of entries', () => {
    expect(parse('downstream,multifunction,id:8086:1234')).toEqual({
      override: { downstream: true, multifunction: true, ids: [0x80861234] },
      lines: [warning],
    });
    expect(parse('id:1022:abcd').override).toEqual({ downstream: false, multifunction: false, ids: [0x1022abcd] });
  });

  it('says what is no ID, has room for fifteen, and is nothing without an entry', () => {
    expect(parse('id:8086')).toEqual({ override: null, lines: ['PCIe ACS invalid ID'] });
    const many = Array.from({ length: 17 }, (_, index) => `id:8086:${index.toString(16).padStart(4, '0')}`).join(',');
    const { override, lines } = parse(many);
    expect(override!.ids).toHaveLength(15);
    expect(lines).toEqual([...Array<string>(2).fill('Out of PCIe ACS override slots (16)'), warning]);
    expect(parse('nothing')).toEqual({ override: null, lines: [] });
    expect(parseAcsOverride('quiet')).toEqual({ override: null, lines: [] });
  });
});

describe('matchesDevice', () => {
  const [port, below] = fixtureDevices([
    { at: '00:01.0', type: 'RootPort', secondary: 1 },
    { at: '01:00.0', type: 'Endpoint', below: '00:01.0', id: '8086:10d3' },
  ]);

  it.each([
    ['00:01.0/00.0', true],
    ['0000:00:01.0/00.0', true],
    ['0001:01:00.0', false],
    ['01:00.0', true],
    ['00:02.0/00.0', false],
    ['pci:8086:10d3', true],
    ['pci:8086:0', true],
    ['pci:8086:10d4', false],
    ['pci:8086', null],
    ['port', null],
  ])('%s', (text, answer) => {
    expect(matchesDevice(below!, text)).toBe(answer);
    expect(matchesDevice(port!, '00:01.0')).toBe(true);
  });
});

describe('pciOption', () => {
  it('finds the option in every pci= word', () => {
    expect(pciOption('quiet pci=noats,config_acs=1@00:01.0;0@00:02.0 pci=realloc', 'config_acs')).toBe(
      '1@00:01.0;0@00:02.0',
    );
    expect(pciOption('pci=noats', 'noats')).toBe('');
    expect(pciOption('quiet', 'noats')).toBeNull();
  });
});
