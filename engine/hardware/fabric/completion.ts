/** The way of a completion back to the requester (spec pci-fabric 7.1 CR and UF, 7.3 last row). */
import type { PciFunction } from '../pci/function';
import { ACS_BIT } from './acs';
import { isDownstreamFacing } from './decode';
import type { ErrorRecord } from './errors';
import { UNCORRECTABLE } from './errors';
import type { Fabric } from './fabric';
import type { Hop } from './path';

export interface CompletionWay {
  readonly hops: readonly Hop[];
  /** The port that took it for an unexpected one; null: it arrived. */
  readonly lostAt: string | null;
}

function leadsTo(bridge: PciFunction, fn: PciFunction): boolean {
  for (let above = fn.parent; above !== null; above = above.parent) if (above === bridge) return true;
  return false;
}

/** Neither source validation nor bus mastering concerns completions. */
export function completionHops(
  fabric: Fabric,
  from: PciFunction,
  to: PciFunction,
  relaxed: boolean,
  errors: ErrorRecord,
): CompletionWay {
  const hops: Hop[] = [];
  const redirects = (fn: PciFunction): boolean => (fabric.acsOf(fn).control & ACS_BIT.CR) !== 0 && !relaxed;
  if (from.parent === to.parent && from.parent !== null && !isDownstreamFacing(from.parent)) {
    return { hops: [{ at: from.name, decision: 'direct', text: `${to.name} is on the same bus` }], lostAt: null };
  }
  if (fabric.siblings(from).includes(to)) {
    if (!redirects(from)) {
      const text = `${to.name} is a function of the same device, and CR is off`;
      return { hops: [{ at: from.name, decision: 'direct', text }], lostAt: null };
    }
    hops.push({ at: from.name, decision: 'redirects', text: 'CR is on' });
  }
  for (let bridge = from.parent; bridge !== null; bridge = bridge.parent) {
    if (!isDownstreamFacing(bridge)) continue;
    if (leadsTo(bridge, to)) {
      if (!(fabric.acsOf(bridge).control & ACS_BIT.UF)) {
        errors.uncorrectable(bridge, UNCORRECTABLE.UNEXPECTED_COMPLETION, false, null);
        hops.push({ at: bridge.name, decision: 'refuses', text: 'the requester is below it and UF is off' });
        return { hops, lostAt: bridge.name };
      }
      hops.push({ at: bridge.name, decision: 'up', text: 'the requester is below it, and UF lets it go up' });
      continue;
    }
    const port = bridge;
    const peer = fabric.busOf(port).find((other) => other !== port && (other === to || leadsTo(other, to)));
    if (peer === undefined) hops.push({ at: port.name, decision: 'up', text: 'the requester is not beside it' });
    else if (!redirects(port)) {
      hops.push({ at: port.name, decision: 'direct', text: `to ${peer.name}: CR is off` });
      return { hops, lostAt: null };
    } else hops.push({ at: port.name, decision: 'redirects', text: `past ${peer.name}: CR is on` });
  }
  hops.push({ at: 'root complex', decision: 'down', text: `to ${to.name}` });
  return { hops, lostAt: null };
}
