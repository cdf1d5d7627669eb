/** Any series of edits, on built and on imported machines. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MachineDescription } from '../../hardware/description';
import { PARTS } from '../../hardware/parts';
import { ACS_SERVICES } from '../../hardware/parts/capabilities';
import { MachineBuilder } from '../../hardware/parts/fixture';
import { headlessHost } from '../../host/headless';
import { checkDescription } from '../document/description-schema';
import { importMachine } from '../import';
import type { TopologyEdit } from '../input';
import { Machine } from '../machine';

/** Choices as numbers, so that a shorter list is a smaller change. */
const choices = fc.array(fc.tuple(fc.nat(7), fc.nat(), fc.nat()), { maxLength: 8 });

function editOf(machine: Machine, [what, a, b]: readonly [number, number, number]): TopologyEdit | null {
  const addresses = [...machine.kernel.pci.devices.keys()];
  const pick = (n: number): string => addresses[n % addresses.length]!;
  if (addresses.length === 0) return { kind: 'add', part: PARTS[a % PARTS.length]!.id, at: null };
  const to = b % 5 === 0 ? { parent: null } : { parent: pick(b) };
  switch (what) {
    case 0:
    case 1:
      return { kind: 'add', part: PARTS[a % PARTS.length]!.id, at: b % 3 === 0 ? null : to };
    case 2:
      return { kind: 'move', address: pick(a), to };
    case 3:
      return { kind: 'copy', addresses: [pick(a)], to: b % 3 === 0 ? null : to };
    case 4:
      return { kind: 'remove', address: pick(a) };
    case 5:
      return { kind: 'acs', address: pick(a), services: ACS_SERVICES.slice(0, b % 7) };
    case 6:
      return { kind: 'facing', address: pick(a), external: b % 2 === 0 };
    default:
      return { kind: 'straps', address: pick(a), straps: { ports: 1 + (b % 6) } };
  }
}

/** What must hold after every edit: the description is the machine, and a file can hold it. */
function check(machine: Machine): void {
  const { description, kernel } = machine;
  expect(checkDescription(description)).not.toHaveProperty('problem');
  const listed = [...kernel.pci.devices.values()].filter((device) => !device.isVirtual).map((device) => device.name);
  const described = description.functions.filter((fn) => fn.physicalFunction === null).map((fn) => fn.address);
  expect(described.sort()).toEqual(listed.sort());
  for (const fn of description.functions) {
    const device = kernel.pci.devices.get(fn.address);
    if (!device) continue;
    expect(device.parent?.name ?? null).toBe(fn.parent);
    if (kernel.iommu.settings.enabled && fn.part) expect(kernel.iommu.groupOf(device), fn.address).not.toBeNull();
  }
}

function run(description: MachineDescription, steps: readonly (readonly [number, number, number])[]): void {
  const machine = new Machine(description);
  for (const step of steps) {
    const edit = editOf(machine, step);
    if (edit === null) continue;
    const { error } = machine.apply({ kind: 'edit', edit });
    if (error !== null) expect(error).toMatch(/^[A-Za-z0-9].*\.$/);
    check(machine);
  }
  const again = Machine.replay(machine.base, machine.journal);
  expect([...again.kernel.pci.devices.keys()]).toEqual([...machine.kernel.pci.devices.keys()]);
}

describe('any series of edits', () => {
  it('leaves a built machine whole', () => {
    const { description } = new MachineBuilder();
    fc.assert(
      fc.property(choices, (steps) => run(description, steps)),
      { numRuns: 40 },
    );
  });

  const host = headlessHost();
  it.each(host.samples().map(({ id }) => id))('leaves the sample %s whole', (id) => {
    const description = importMachine(id, host.readSample(id));
    fc.assert(
      fc.property(choices, (steps) => run(description, steps)),
      { numRuns: 6 },
    );
  });
});
