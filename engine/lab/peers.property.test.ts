/** Writes between functions of random machines, held against the groups of each rule. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MachineDescription } from '../hardware/description';
import { firstBar } from '../hardware/fabric/decode';
import { openPlaces, PARTS, placePart } from '../hardware/parts';
import { MachineBuilder } from '../hardware/parts/fixture';
import { POLICIES } from '../linux/iommu/policies';
import { predictGroups } from '../linux/iommu/predict';
import type { Kernel } from '../linux/kernel';
import { bootKernel } from '../linux/kernel';
import type { PciDevice } from '../linux/pci/device';
import { reachView } from './views/reach';

/** Parts that make trees interesting: switches of both kinds, bridges, devices of one and of several functions. */
const CHOSEN = new Set([
  ...['root-port', 'switch-acs', 'switch-plain', 'pcie-to-pci-bridge', 'pci-bridge'],
  ...['lab-nic', 'nvme', 'gpu', 'edu', 'rtl8139', 'pci-testdev'],
]);

function grow(steps: readonly (readonly [number, number])[]): MachineDescription {
  let { description } = new MachineBuilder();
  for (const [where, what] of steps) {
    const places = openPlaces(description).filter((place) => place.devices.length > 0);
    const place = places[where % places.length]!;
    const fitting = PARTS.filter((part) => part.places.includes(place.kind) && CHOSEN.has(part.id));
    const part = fitting[what % fitting.length];
    if (part === undefined) continue;
    const result = placePart(description, { part: part.id, parent: place.parent, rootBus: place.rootBus });
    if ('description' in result) description = result.description;
  }
  return description;
}

/** Every gate that software can open is open: decoding and bus mastering of all functions. */
function openGates(kernel: Kernel): void {
  for (const { config } of kernel.machine.functions.values()) {
    const power = config.findCapability(0x01);
    if (power !== 0) config.write(power + 4, 2, config.read(power + 4, 2) & ~3);
    config.write(0x04, 2, config.read(0x04, 2) | 0x6);
  }
}

/** Who really gets to whom untranslated: every domain is empty, so what the IOMMU sees it stops. */
function arrivals(kernel: Kernel): [from: string, to: string][] {
  openGates(kernel);
  const functions = [...kernel.machine.functions.values()].filter((fn) => !fn.isBridge);
  const found: [string, string][] = [];
  for (const to of functions) {
    const bar = firstBar(to);
    if (bar === null) continue;
    for (const from of functions) {
      if (from === to) continue;
      kernel.platform.dma.write(from, bar.address, Uint8Array.of(0));
      if (kernel.platform.dma.outcome === 'peer') found.push([from.name, to.name]);
    }
  }
  return found;
}

/**
 * What the rule takes on trust: a device of several functions that tells nothing of ACS keeps them apart inside (spec
 * iommu-groups 4.3). The fabric takes the opposite for true.
 */
const trusted = (from: PciDevice, to: PciDevice): boolean =>
  from.name.slice(0, -1) === to.name.slice(0, -1) && from.config.findExtendedCapability(0x0d) === 0;

describe('over random machines', () => {
  const choices = fc.array(fc.tuple(fc.nat(), fc.nat()), { minLength: 10, maxLength: 40 });

  it('nothing arrives untranslated between groups of the reachable-set rule; what does between Linux’s is shown', () => {
    let holes = 0;
    let within = 0;
    fc.assert(
      fc.property(choices, (steps) => {
        const kernel = bootKernel(grow(steps));
        const devices = [...kernel.iommu.index.devices];
        const { numberOf } = predictGroups(devices, {
          acs: kernel.iommu.index.settings,
          policy: POLICIES.get('reachable-set')!,
        });
        const device = (name: string): PciDevice => kernel.pci.devices.get(name)!;
        const group = (name: string): number | undefined => numberOf.get(device(name));
        const shown = new Set(
          reachView(kernel)
            .pairs.filter(({ across }) => across)
            .map(({ from, to }) => `${from} ${to}`),
        );
        for (const [from, to] of arrivals(kernel)) {
          if (!trusted(device(from), device(to))) expect(group(from), `${from} ${to}`).toBe(group(to));
          if (kernel.iommu.groupOf(device(from)) === kernel.iommu.groupOf(device(to))) within++;
          else {
            holes++;
            expect(shown, `${from} ${to}`).toContain(`${from} ${to}`);
          }
        }
      }),
      { numRuns: 30, seed: 14 },
    );
    expect([holes > 0, within > 0]).toEqual([true, true]);
  });
});
