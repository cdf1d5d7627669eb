import { describe, expect, it } from 'vitest';
import { EMPTY_MACHINE, MachineBuilder } from '../../hardware/parts/fixture';
import { headlessHost } from '../../host/headless';
import { Lab } from '../lab';

const host = headlessHost();

function open(): Lab {
  const builder = new MachineBuilder();
  const ports = builder.behindPort('switch-acs', { ports: 2 });
  builder.add('nvme', ports[1]!);
  builder.add('root-port');
  builder.behindPort('pcie-to-pci-bridge');
  return new Lab(host, builder.description);
}

describe('places', () => {
  const targets = (lab: Lab, part: string): Record<string, string | null> =>
    Object.fromEntries(
      lab
        .view('places', { kind: 'part', part })
        .targets.map(({ key, problem }) => [key.replace(/^0000:/, ''), problem]),
    );

  it('are every bus, each with its reason where it does not fit', () => {
    expect(targets(open(), 'nvme')).toEqual({
      'pci0000:00': null,
      '00:01.0':
        'The link below 00:01.0 has 01:00.0 at its end already. A link holds one device; take another port, or put a switch in between.',
      '00:02.0': null,
      '00:03.0': expect.stringContaining('06:00.0 at its end already') as string,
      '01:00.0': expect.stringMatching(/^NVMe drive cannot stand below 01:00.0: /) as string,
      '02:01.0': expect.stringContaining('03:00.0 at its end already') as string,
      '02:02.0': null,
      [bridgeOf(open())]: expect.stringMatching(/^NVMe drive cannot stand below /) as string,
    });
  });

  it('of an empty machine is the machine itself', () => {
    const lab = new Lab(host, EMPTY_MACHINE);
    expect(targets(lab, 'root-port')).toEqual({ machine: null });
    expect(targets(lab, 'root-complex')).toEqual({ machine: null });
  });

  it('leave out what is carried, and the place that it has', () => {
    const lab = open();
    const view = lab.view('places', { kind: 'functions', addresses: ['0000:01:00.0'] });
    const why = (key: string) => view.targets.find((target) => target.key === key)?.problem;
    expect(why('0000:02:01.0')).toBe('Switch with ACS cannot go below itself.');
    expect(why('0000:00:01.0')).toBe('Switch with ACS is there already.');
    expect(why('0000:00:02.0')).toBeNull();
    expect(lab.view('places', { kind: 'functions', addresses: ['0000:02:01.0'] }).problem).toBe(
      '02:01.0 is a port of the switch at 01:00.0, which goes as a whole.',
    );
  });
});

const bridgeOf = (lab: Lab): string =>
  lab
    .view('topology', null)
    .functions.find((fn) => fn.kind === 'bridge')!
    .address.slice(5);

describe('what can be changed', () => {
  it('is told for a part and for a recorded function', () => {
    const lab = open();
    const view = lab.view('editing', { address: '0000:02:01.0' })!;
    expect(view.part).toMatchObject({ id: 'switch-acs', values: { ports: 2 } });
    expect(view.acs).toMatchObject({ offered: 0x1f, control: 0x1d, known: true });
    expect(view.noMove).toMatch(/^02:01.0 is a port of the switch/);
    expect(view.noRemove).toBeNull();
    const sample = Lab.create(host).view('editing', { address: '0000:01:00.0' })!;
    expect(sample.part).toBeNull();
    expect(sample.noMove).toBeNull();
    expect(lab.view('editing', { address: '0000:77:00.0' })).toBeNull();
  });

  it('copies to a clip and pastes it into another machine', () => {
    const lab = open();
    const { clip, places, title } = lab.view('clip', { addresses: ['0000:03:00.0', '0000:01:00.0'] });
    expect(title).toBe('Switch with ACS');
    expect(places).toEqual(['link']);
    const other = new Lab(host, EMPTY_MACHINE);
    const result = other.act({ kind: 'edit', edit: { kind: 'paste', clip: clip!, to: null } });
    expect(result).toMatchObject({ ok: true, message: '6 functions were added; the first is 01:00.0.' });
    expect(other.view('topology', null).functions.map((fn) => fn.address.slice(5))).toEqual([
      '00:00.0',
      '00:01.0',
      '01:00.0',
      '02:01.0',
      '02:02.0',
      '03:00.0',
    ]);
  });

  it('lists parts with their straps', () => {
    const parts = open().view('parts', null);
    expect(parts.length).toBeGreaterThan(15);
    expect(parts.find((part) => part.id === 'nvme')).toMatchObject({
      icon: 'nvme',
      where: expect.stringContaining('below a root port') as string,
    });
  });
});
