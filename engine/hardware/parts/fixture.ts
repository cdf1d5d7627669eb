/** Machines built of parts, for tests: each line puts one part somewhere and names what it made. */
import type { MachineDescription } from '../description';
import { placePart } from './assemble';
import { EMPTY_MACHINE as NEW_MACHINE } from './empty-machine';

/** Devices have their own drivers only where a test says so. */
export const EMPTY_MACHINE: MachineDescription = {
  ...NEW_MACHINE,
  name: 'built',
  about: '',
  kernel: { ...NEW_MACHINE.kernel, drivers: ['pcieport', 'serial'] },
};

export class MachineBuilder {
  description: MachineDescription;

  constructor(description: MachineDescription = EMPTY_MACHINE) {
    this.description = description;
    this.add('root-complex');
  }

  /** Addresses of the part's functions, as they are before boot. */
  add(part: string, parent: string | null = null, straps: Record<string, unknown> = {}): readonly string[] {
    const result = placePart(this.description, { part, parent, straps });
    if ('problem' in result) throw new Error(result.problem);
    this.description = result.description;
    return result.added;
  }

  /** A device at the end of a new root port's link. */
  behindPort(part: string, straps: Record<string, unknown> = {}): readonly string[] {
    return this.add(part, this.add('root-port')[0]!, straps);
  }
}
