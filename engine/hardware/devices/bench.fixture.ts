/** A device on a bench: registers of a part, its model, and a flat memory that records what went where. */
import type { DeviceEnvironment } from './environment';
import { createModel } from './catalog';
import type { BarDevice } from './bar-device';
import { Interrupts } from '../interrupts';
import { HardwareMachine } from '../machine';
import { partById } from '../parts/catalog';
import type { StrapValues } from '../parts/straps';
import { checkStraps } from '../parts/straps';
import { ConfigSpace } from '../pci/config-space';
import { PciFunction } from '../pci/function';
import { deriveMasks } from '../pci/masks';
import { wireResets } from './reset';

export const MEMORY_SIZE = 0x100000;
const COMMAND = 0x04;

interface Timer {
  readonly at: bigint;
  readonly act: () => void;
}

/** Memory from 0 to `MEMORY_SIZE`; beyond it requests are stopped. */
export class Bench {
  readonly machine = new HardwareMachine('none');
  readonly memory = new Uint8Array(MEMORY_SIZE);
  readonly interrupts = new Interrupts();
  /** Every message that came through: `[function, vector]`. */
  readonly messages: [fn: PciFunction, vector: number][] = [];
  /** Called instead of memory where it returns true. */
  intercept: ((fn: PciFunction, address: bigint, data: Uint8Array, write: boolean) => boolean) | null = null;
  now = 0n;
  private timers: Timer[] = [];

  constructor() {
    this.interrupts.onMsi = (path) => {
      const fn = [...this.machine.functions.values()].find((one) => one.name === path.device)!;
      this.messages.push([fn, path.vector]);
    };
    const move = (fn: PciFunction, address: bigint, data: Uint8Array, write: boolean): boolean => {
      if (this.intercept?.(fn, address, data, write)) return true;
      const inside = address >= 0n && address + BigInt(data.length) <= BigInt(MEMORY_SIZE);
      const master = (fn.config.read(COMMAND, 2) & 4) !== 0;
      if (!inside || !master) {
        if (!write) data.fill(0);
        return false;
      }
      if (write) this.memory.set(data, Number(address));
      else data.set(this.memory.subarray(Number(address), Number(address) + data.length));
      return true;
    };
    const environment: DeviceEnvironment = {
      interrupts: this.interrupts,
      after: (ns, act) => void this.timers.push({ at: this.now + ns, act }),
      dma: {
        read: (fn, address, into) => move(fn, address, into, false),
        write: (fn, address, data) => move(fn, address, data, true),
        outcome: 'memory',
      },
    };
    this.machine.connect(environment);
  }

  /** The first function of a part, decoding and mastering, at bus 1 device `device`. */
  put(part: string, straps: Record<string, unknown> = {}, device = this.machine.functions.size): PciFunction {
    const entry = partById(part)!;
    const checked = checkStraps(entry.straps, straps);
    if ('problems' in checked) throw new Error(checked.problems[0]!.message);
    const values: StrapValues = checked.values;
    const [first] = entry.make(values, 'link');
    const { bytes, header } = first!.registers;
    const sizes = [0, 0, 0, 0, 0, 0, header.rom ?? 0];
    for (const bar of header.bars ?? []) sizes[bar.index] = bar.size;
    const config = new ConfigSpace(bytes.length === 4096 ? 4096 : 256, (space) => deriveMasks(space, sizes), bytes);
    const fn = new PciFunction({ segment: 0, bus: 1, device, function: 0 }, config, null, 'pci0000:01');
    const origin = { id: part, instance: device + 1, index: 0, straps: values };
    fn.model = this.machine.attach(createModel(fn, sizes, { model: first!.model, part: origin }));
    wireResets(fn);
    config.set(COMMAND, 2, 0x6);
    this.machine.add(fn);
    return fn;
  }

  model(fn: PciFunction): BarDevice {
    return fn.model as BarDevice;
  }

  /** Lets time pass and what is due happen. */
  pass(ns: bigint): void {
    const until = this.now + ns;
    for (;;) {
      const due = this.timers.filter((timer) => timer.at <= until).sort((a, b) => (a.at < b.at ? -1 : 1))[0];
      if (due === undefined) break;
      this.timers.splice(this.timers.indexOf(due), 1);
      this.now = due.at;
      due.act();
    }
    this.now = until;
  }

  get view(): DataView {
    return new DataView(this.memory.buffer);
  }

  /** Turns MSI-X on with every vector unmasked and an address of its own. */
  enableMsix(fn: PciFunction): void {
    const model = this.model(fn);
    const at = fn.config.findCapability(0x11);
    const table = model.msix!;
    for (let vector = 0; vector < table.entries; vector++) {
      table.writeTable(vector * 16, 0xfee00000);
      table.writeTable(vector * 16 + 8, vector);
      table.writeTable(vector * 16 + 12, 0);
    }
    fn.config.write(at + 2, 2, 0x8000);
  }

  /** As `enableMsix`, for a function that has it. */
  enableMsixWhere(fn: PciFunction): void {
    if (this.model(fn).msix !== null) this.enableMsix(fn);
  }

  /** Vectors of `fn` that arrived since the last look. */
  taken(fn: PciFunction): number[] {
    const vectors = this.messages.filter(([from]) => from === fn).map(([, vector]) => vector);
    for (let i = this.messages.length - 1; i >= 0; i--) if (this.messages[i]![0] === fn) this.messages.splice(i, 1);
    return vectors;
  }
}
