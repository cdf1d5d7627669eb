/** What a function reaches past the IOMMU, told with what the kernel knows of the machine besides its registers. */
import { ACS_BIT, NO_ACS } from '../../hardware/fabric/acs';
import type { AcsServices } from '../../hardware/fabric/acs';
import { firstBar } from '../../hardware/fabric/decode';
import { Fabric } from '../../hardware/fabric/fabric';
import { routeMemory, routeToward } from '../../hardware/fabric/memory';
import type { FabricPath } from '../../hardware/fabric/path';
import { pathLines } from '../../hardware/fabric/path';
import { reachable } from '../../hardware/fabric/reach';
import type { ReachablePair } from '../../hardware/fabric/reach';
import type { HardwareMachine } from '../../hardware/machine';
import type { PciDevice } from '../pci/device';
import { PagingDomain } from './domain';
import type { FabricIndex } from './fabric-index';
import type { IommuGroup } from './group';

export interface ReachSource {
  readonly machine: HardwareMachine;
  readonly iommu: {
    readonly index: FabricIndex;
    groupOf(device: PciDevice): IommuGroup | null;
  };
}

const ISOLATION = ACS_BIT.SV | ACS_BIT.RR | ACS_BIT.CR | ACS_BIT.UF;
const PROT_READ = 1;
const PROT_WRITE = 2;

/**
 * Chipset ports isolate by registers of their own, which the kernel's list tells; and a capability whose bits the dump
 * hides has those on that the kernel turns on. `pcie_acs_override=` changes the kernel's mind and no hardware.
 */
export function hiddenServices(index: FabricIndex, device: PciDevice | undefined): AcsServices | null {
  if (device === undefined) return null;
  const verdict = index.verdict(device);
  if (!verdict.isolated) return null;
  const hidden = verdict.rule === 'register' && device.config.known !== null && !shownAcs(device);
  return verdict.rule === 'quirk' || hidden ? { ...NO_ACS, control: ISOLATION, present: true } : null;
}

function shownAcs(device: PciDevice): boolean {
  const at = device.config.findExtendedCapability(0x000d);
  return at !== 0 && device.config.isKnown(at + 4, 4);
}

/** The fabric of a running machine; `sender`: whose domain translates. */
export function fabricOf({ machine, iommu }: ReachSource, sender: PciDevice | null = null): Fabric {
  const devices = new Map([...iommu.index.devices].map((device) => [device.function, device]));
  const group = sender === null ? null : iommu.groupOf(sender);
  const translate =
    group === null
      ? {}
      : {
          translate: (_segment: number, _requester: number, address: bigint, write: boolean): bigint | null => {
            const { domain } = group;
            if (domain.type === 'identity') return address;
            const found = domain instanceof PagingDomain ? domain.translate(address) : null;
            return found !== null && found.prot & (write ? PROT_WRITE : PROT_READ) ? BigInt(found.physical) : null;
          },
        };
  return new Fabric(machine, {
    complex: { ...translate, faultAnswer: machine.iommu === 'amd-vi' ? 'CA' : 'UR' },
    services: (fn) => hiddenServices(iommu.index, devices.get(fn)),
  });
}

export const reachablePairs = (source: ReachSource): IterableIterator<ReachablePair> => reachable(fabricOf(source));

export interface ReachExplanation {
  readonly from: string;
  readonly to: string;
  readonly groups: readonly [number | null, number | null];
  /** Whether `from` gets to `to` past the IOMMU once drivers have opened everything that they can open. */
  readonly direct: boolean;
  readonly known: boolean;
  /** The way that decides it. */
  readonly possible: FabricPath;
  /** A write to the first BAR of `to` as things stand; null when no BAR is decoded. */
  readonly now: FabricPath | null;
}

export function explainReach(source: ReachSource, from: PciDevice, to: PciDevice): ReachExplanation {
  const fabric = fabricOf(source, from);
  const possible = routeToward(fabric, from.function, to.function);
  const bar = firstBar(to.function);
  const write = { kind: 'memory-write', length: 4, addressType: 'untranslated' } as const;
  return {
    from: from.name,
    to: to.name,
    groups: [source.iommu.groupOf(from)?.id ?? null, source.iommu.groupOf(to)?.id ?? null],
    direct: possible.bypassesIommu,
    known: possible.known,
    possible,
    now: bar === null ? null : routeMemory(fabric, from.function, { ...write, address: bar.address }),
  };
}

function headline({ from, to, direct, possible, groups }: ReachExplanation): string {
  if (direct) {
    const apart = groups[0] !== null && groups[1] !== null && groups[0] !== groups[1];
    return `${from} reaches ${to} past the IOMMU${apart ? `, though their groups ${groups[0]} and ${groups[1]} differ` : ''}.`;
  }
  return possible.ending.kind === 'refused'
    ? `${from} does not reach ${to}: ${possible.ending.at} refuses.`
    : `${from} reaches ${to} only by way of the root complex${groups[0] === null ? ', and no IOMMU covers it' : ' and its IOMMU'}.`;
}

export function reachLines(explanation: ReachExplanation): string[] {
  const { possible, now, known } = explanation;
  const lines = [headline(explanation), ...pathLines(possible)];
  if (!known) lines.push('The dump hides registers that this rests on.');
  if (now?.packet.kind === 'memory-write') {
    lines.push(`A write to 0x${now.packet.address.toString(16)} as things stand:`, ...pathLines(now));
  }
  return lines;
}
