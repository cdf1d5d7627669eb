/** Every grouping rule the lab knows, by name. */
import { LINUX_3_6 } from './linux-3-6';
import type { GroupingPolicy } from './policy';
import { LINUX_6_12 } from './policy';
import { REACHABLE_SET } from './reachable-set';

export const POLICIES: ReadonlyMap<string, GroupingPolicy> = new Map(
  [LINUX_6_12, LINUX_3_6, REACHABLE_SET].map((policy) => [policy.name, policy]),
);

export const DEFAULT_POLICY = LINUX_6_12;
