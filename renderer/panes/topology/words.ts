/** Names of nodes, for labels and for screen readers. */
import type { AcsLamp, TopologyFunction } from '../../bridge';
import { T } from '../../texts';
import { short } from '../../ui/address';

/** What drives a function, in as few words as fit a node. */
export function driverWord(fn: TopologyFunction): string {
  if (fn.link === 'down') return T.node.linkDown;
  if (fn.ownership === 'process' && fn.owner) return fn.owner.replace(/ \(\d+\)$/, '');
  return fn.driver ?? T.ownership.none;
}

/** What a person calls it, else what it is. */
export const titleOf = (fn: TopologyFunction): string => fn.label ?? fn.name;

/** `05:00.0 NVMe 980 PRO, group 14, owned by nvme-demo` */
export function spoken(fn: TopologyFunction): string {
  const parts = [`${short(fn.address)} ${titleOf(fn)}`];
  if (fn.group !== null) parts.push(T.node.group(fn.group));
  if (fn.ownership === 'process' && fn.owner) parts.push(T.node.ownedBy(fn.owner));
  else if (fn.driver) parts.push(fn.driver);
  else parts.push(T.ownership[fn.ownership]);
  if (fn.link === 'down') parts.push(T.node.linkDown);
  if (fn.link === 'degraded') parts.push(T.node.degraded);
  if (fn.external) parts.push(T.node.external);
  return parts.join(', ');
}

/** The details behind a node, one a line. */
export function tooltip(fn: TopologyFunction): string {
  const lines = [`${fn.address} ${fn.name}`, fn.id];
  if (fn.secondaryBus !== null) lines.push(T.node.bus(fn.secondaryBus.toString(16).padStart(2, '0')));
  if (fn.acs) {
    const word = (name: string, lamp: AcsLamp): string => `${name} ${T.node.lamp[lamp]}`;
    lines.push(
      T.node.acs(
        [word('SV', fn.acs.sv), word('RR', fn.acs.rr), word('CR', fn.acs.cr), word('UF', fn.acs.uf)].join(', '),
      ),
    );
  }
  if (fn.link === 'down') lines.push(T.node.linkDown);
  else if (fn.linkText) lines.push(T.node.link(fn.linkText));
  if (fn.external) lines.push(T.node.external);
  if (fn.hotPlug) lines.push(T.node.hotPlug);
  if (fn.virtual) lines.push(T.node.virtual(fn.virtual.on, fn.virtual.of));
  if (fn.group !== null) lines.push(T.node.group(fn.group));
  lines.push(
    fn.ownership === 'process' && fn.owner ? T.node.ownedBy(fn.owner) : (fn.driver ?? T.ownership[fn.ownership]),
  );
  return lines.join('\n');
}
