import { describe, expect, it } from 'vitest';
import { main } from '../../cli';
import { readMachine } from '../../host/machines';
import type { Kernel } from '../../linux/kernel';
import { bootKernel } from '../../linux/kernel';
import { explainSubject } from '../explain';
import { reachView } from './reach';

const ISOLATING = 'engine/conformance/recordings/q35-basic.machine.json.gz';
const OPEN = 'engine/conformance/recordings/q35-noacs.machine.json.gz';
const machine = (file: string): Kernel => bootKernel(readMachine(file));

/** Root ports with an endpoint right below. */
const portsOf = (kernel: Kernel) =>
  [...kernel.machine.functions.values()].filter(
    (fn) => fn.portType === 4 && fn.children.some((child) => !child.isBridge),
  );

function setAcs(kernel: Kernel, address: string, control: number): void {
  const { config } = kernel.machine.functions.get(address)!;
  config.write(config.findExtendedCapability(0x0d) + 6, 2, control);
}

describe('the view of what reaches what', () => {
  it('changes with the bits of a register', () => {
    const kernel = machine(ISOLATING);
    const [first, second] = portsOf(kernel);
    const [a, b] = [first, second].map((port) => port!.children[0]!.name);
    const between = () => reachView(kernel).pairs.filter(({ from, to }) => from === a && to === b);
    expect(between()).toEqual([]);
    setAcs(kernel, first!.name, 0);
    expect(between()).toEqual([{ from: a, to: b, path: [a, first!.name, second!.name, b], across: true, known: true }]);
    // The sender's port decides.
    expect(reachView(kernel).pairs.some(({ from, to }) => from === b && to === a)).toBe(false);
    setAcs(kernel, first!.name, 0x1d);
    expect(between()).toEqual([]);
  });

  it('finds the ports of a recorded switch open to one another though Linux gives each its group', () => {
    const { pairs } = reachView(machine('engine/conformance/recordings/q35-switch.machine.json.gz'));
    const path = ['0000:03:00.0', '0000:02:00.0', '0000:02:01.0', '0000:04:00.0'];
    expect(pairs).toContainEqual({ from: path[0], to: path[3], path, across: true, known: true });
  });

  it('tells which pairs the groups do not keep apart', () => {
    const { pairs, complete } = reachView(machine(OPEN));
    expect(complete).toBe(true);
    expect(pairs.some(({ across }) => across)).toBe(true);
    expect(pairs.some(({ across }) => !across)).toBe(true);
  });
});

describe('why reach', () => {
  it('says the way in the terminal', () => {
    const kernel = machine(OPEN);
    const lines = explainSubject(kernel, ['reach', '01:00.0', '03:00.0'])!;
    expect(lines[0]).toBe('0000:01:00.0 reaches 0000:03:00.0 past the IOMMU, though their groups 1 and 2 differ.');
    expect(lines).toContain('  0000:00:01.0 direct: to 0000:00:02.1: there is no ACS');
    expect(explainSubject(kernel, ['reach', '01:00.0'])).toBeNull();
    expect(explainSubject(kernel, ['reach', '01:00.0', '01:00.0'])).toBeNull();
  });
});

describe('vfiolab reach', () => {
  it('fails for functions that are not there, and for a wrong call', async () => {
    expect(await main(['reach', OPEN, '01:00.0', '7f:00.0'])).toBe(1);
    expect(await main(['reach', OPEN, '01:00.0', '01:00.0'])).toBe(1);
    expect(await main(['reach', OPEN, '01:00.0'])).toBe(2);
    expect(await main(['reach', OPEN, '01:00.0', '03:00.0', '--json'])).toBe(0);
  });
});
