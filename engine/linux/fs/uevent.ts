import { ERRNO } from '../errno';

/** Writing an action word (`add`, `remove`, `change` …) to uevent. */
export function storeUevent(value: string): number {
  const action = /^(\S+)/.exec(value)?.[1] ?? '';
  const known = ['add', 'remove', 'change', 'move', 'online', 'offline', 'bind', 'unbind'];
  return known.includes(action) ? 0 : -ERRNO.EINVAL;
}
