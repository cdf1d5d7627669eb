/** A packet's way through the fabric, as a record. */
import type { Mark } from './errors';
import type { Packet } from './packet';

/**
 * `sends`: puts it on its bus. `direct`: hands it to a peer, past everything above. `redirects`: to a peer, but by way
 * of what is above. `up`, `down`: passes it on. `claims`: it is for this function. `renames`: sends it on under another
 * requester ID. `translates`: the IOMMU. `refuses`: it ends here.
 */
export type HopDecision =
  'sends' | 'direct' | 'redirects' | 'up' | 'down' | 'claims' | 'renames' | 'translates' | 'passes' | 'refuses';

export interface Hop {
  /** Address of the function, `root complex` or `IOMMU`. */
  readonly at: string;
  readonly decision: HopDecision;
  /** Why, as a sentence without its subject. */
  readonly text: string;
}

export type Refused =
  | 'bus-master'
  | 'power'
  | 'reset'
  | 'link'
  | 'source-validation'
  | 'translation-blocking'
  | 'egress-control'
  | 'unsupported'
  | 'iommu'
  | 'unexpected-completion'
  | 'disabled';

export type Ending =
  /** It arrived; `region` is the BAR, null for configuration space. */
  | { readonly kind: 'function'; readonly function: string; readonly region: number | null; readonly offset: bigint }
  | { readonly kind: 'memory'; readonly address: bigint }
  | { readonly kind: 'interrupt' }
  /** A message that the root takes, or a translation that the IOMMU answers. */
  | { readonly kind: 'root' }
  /** Nobody is there, and no register says so. */
  | { readonly kind: 'nowhere' }
  | { readonly kind: 'refused'; readonly at: string; readonly why: Refused };

export interface FabricPath {
  readonly packet: Packet;
  /** The sender; null for the host. */
  readonly from: string | null;
  /** Under which the last part of the way knew it. */
  readonly requester: number;
  readonly hops: readonly Hop[];
  /** The answer's way, where it is a function's. */
  readonly completion: readonly Hop[];
  readonly ending: Ending;
  /** What the sender gets back: nothing for posted packets. */
  readonly answer: 'none' | 'data' | 'UR' | 'CA' | 'ones';
  /** It came to another function and no IOMMU saw it. */
  readonly bypassesIommu: boolean;
  /** False where the way rests on registers that the dump did not show. */
  readonly known: boolean;
  readonly marks: readonly Mark[];
  readonly messages: readonly { readonly from: string; readonly code: string; readonly endedAt: string | null }[];
}

/** The record as text; a line a hop. */
export function pathLines(path: FabricPath): string[] {
  const line = (hop: Hop): string => `  ${hop.at} ${hop.decision}: ${hop.text}`;
  const lines = path.hops.map(line);
  if (path.completion.length > 0) lines.push('  completion:', ...path.completion.map((hop) => `  ${line(hop)}`));
  for (const { function: name, register, set } of path.marks) {
    lines.push(`  ${name} sets ${register} 0x${set.toString(16)}`);
  }
  for (const { from, code, endedAt } of path.messages) {
    lines.push(`  ${from} sends ${code}, which comes to ${endedAt ?? 'the root complex'}`);
  }
  return lines;
}
