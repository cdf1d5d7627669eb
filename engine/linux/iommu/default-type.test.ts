/** What the default domain of a group is: the command line, the unit's driver, who is not trusted (iommu-groups.md 6.1). */
import { describe, expect, it } from 'vitest';
import type { IommuKind, IommuUnit } from '../../hardware/description';
import { ERRNO } from '../errno';
import { KernelLog } from '../log';
import type { PciDevice } from '../pci/device';
import { ProcessTable } from '../process/table';
import { WhyLog } from '../why';
import { IommuCore } from './core';
import type { FixtureFunction } from './fixture';
import { ACS_ON, bareMachine, fixtureDevices } from './fixture';

const UNIT: IommuUnit = { interruptRemapping: true, addressBits: 39, scalableMode: false, cachingMode: false };

function boot(
  options: {
    iommu?: IommuKind;
    cmdline?: string;
    build?: 'debian' | 'iommufd';
    unit?: Partial<IommuUnit>;
    functions?: FixtureFunction[];
    change?: (devices: PciDevice[]) => void;
  } = {},
) {
  const log = new KernelLog(() => 0n);
  const core = new IommuCore({
    description: bareMachine({
      iommu: options.iommu ?? 'intel-vtd',
      iommuUnit: { ...UNIT, ...options.unit },
      kernel: { build: options.build ?? 'debian', cmdline: options.cmdline ?? '' },
    }),
    log,
    why: new WhyLog(),
  });
  const devices = fixtureDevices(
    options.functions ?? [
      { at: '00:01.0', type: 'RootPort', secondary: 1, acs: ACS_ON },
      { at: '01:00.0', type: 'Endpoint', below: '00:01.0' },
    ],
  );
  options.change?.(devices);
  core.announce();
  core.boot(devices);
  const group = core.groupOf(devices.at(-1)!)!;
  const root = new ProcessTable().spawn({ name: 'root', uid: 0 });
  return {
    type: core.typeOf(group),
    lines: log.records.map((record) => record.text),
    set: (word: string) => core.setType(group, word, root),
    now: () => core.typeOf(group),
  };
}

describe('the command line', () => {
  it.each([
    ['', 'DMA-FQ'],
    ['iommu=pt', 'identity'],
    ['iommu=force,pt', 'identity'],
    ['iommu=pt iommu=nopt', 'DMA-FQ'],
    ['iommu.passthrough=on iommu=nopt', 'identity'],
    ['iommu.passthrough=0 iommu=pt', 'DMA-FQ'],
    ['iommu.strict=1', 'DMA'],
    ['iommu.strict=Y', 'DMA'],
    ['iommu.strict=1 iommu.strict=0', 'DMA-FQ'],
    ['intel_iommu=on,strict', 'DMA'],
    ['amd_iommu=fullflush', 'DMA'],
  ])('%s makes it %s', (cmdline, type) => {
    expect(boot({ cmdline }).type).toBe(type);
  });

  it('says what was chosen, and what the unit makes of it afterwards', () => {
    const { type, lines } = boot({ unit: { cachingMode: true }, cmdline: 'intel_iommu=on' });
    expect(type).toBe('DMA');
    expect(lines.slice(0, 4)).toEqual([
      'DMAR: IOMMU enabled',
      'iommu: Default domain type: Translated',
      'iommu: DMA domain TLB invalidation policy: lazy mode',
      'DMAR: IOMMU batching disallowed due to virtualization',
    ]);
    expect(boot({ iommu: 'amd-vi', unit: { cachingMode: true } }).lines).toContain(
      'AMD-Vi: Using strict mode due to virtualization',
    );
    expect(boot({ cmdline: 'iommu.strict=0' }).lines[1]).toMatch(/lazy mode \(set via kernel command line\)$/);
  });

  it('takes the last of intel_iommu=on and off', () => {
    expect(boot({ cmdline: 'intel_iommu=off intel_iommu=on' }).type).toBe('DMA-FQ');
    expect(() => boot({ cmdline: 'intel_iommu=on,off' })).toThrow();
  });

  it('on Arm is strict unless lazy was asked for', () => {
    expect(boot({ iommu: 'smmu' }).type).toBe('DMA');
    expect(boot({ iommu: 'smmu', cmdline: 'iommu.strict=0' }).type).toBe('DMA-FQ');
  });
});

describe('the unit’s driver', () => {
  const graphics: FixtureFunction[] = [
    { at: '00:02.0', type: 'IntegratedEndpoint', id: '8086:9bc8', classCode: 0x030000 },
  ];

  it('leaves integrated graphics of Intel alone on Debian, unless the IOMMU was asked for', () => {
    expect(boot({ functions: graphics }).type).toBe('identity');
    expect(boot({ functions: graphics, cmdline: 'intel_iommu=on' }).type).toBe('DMA-FQ');
    expect(boot({ functions: graphics, cmdline: 'intel_iommu=on,intgpu_off' }).type).toBe('identity');
    expect(boot({ functions: graphics, build: 'iommufd' }).type).toBe('DMA-FQ');
    expect(boot({ functions: graphics, iommu: 'amd-vi' }).type).toBe('DMA-FQ');
  });

  it('of VT-d translates where the unit cannot pass through, and lets nobody change that', () => {
    const { type, set } = boot({ unit: { passThrough: false }, cmdline: 'iommu=pt' });
    expect(type).toBe('DMA');
    expect(set('identity')).toBe(-ERRNO.EINVAL);
    expect(set('auto')).toBe(0);
  });

  it('of AMD passes devices with PASID through', () => {
    const change = ([, card]: PciDevice[]): void => card!.config.set(0x100, 4, 0x0001001b);
    const { type, set } = boot({ iommu: 'amd-vi', change });
    expect(type).toBe('identity');
    expect(set('DMA')).toBe(-ERRNO.EINVAL);
    expect(boot({ change }).type).toBe('DMA-FQ');
  });
});

describe('a function that is not trusted', () => {
  it('makes its group strictly translated, and keeps it from identity', () => {
    const { type, set, now } = boot({ cmdline: 'iommu=pt', change: ([, card]) => (card!.attributes['untrusted'] = 1) });
    expect(type).toBe('DMA');
    expect(set('identity')).toBe(-ERRNO.EINVAL);
    expect(set('DMA-FQ')).toBe(0);
    expect(now()).toBe('DMA-FQ');
    expect(set('auto')).toBe(0);
    expect(now()).toBe('DMA');
  });
});
