/**
 * QEMU's inter-VM shared memory device with doorbells (docs/specs/ivshmem-spec), revision 1: memory in BAR 2 that all
 * devices of a channel share, registers in BAR 0, and MSI-X vectors that the peers ring.
 *
 * BAR 0: 0x0 and 0x4 are for interrupts without MSI-X, which this revision does not have; 0x8 IVPosition, the device's
 * own peer ID; 0xc Doorbell: peer ID in 31:16, vector in 15:0.
 */
import type { PciFunction } from '../pci/function';
import { number } from '../parts/common-straps';
import { ActingDevice } from './acting-device';
import type { DeviceRegister } from './data-sheet';
import { SparseMemory } from './sparse-memory';
import type { Stimulated, StimulusAction, StimulusKind } from './stimulus';

const REGISTERS = 0;
const SHARED = 2;
const INTERRUPT_MASK = 0x0;
const POSITION = 0x8;
const DOORBELL = 0xc;

const REGISTER_LIST: readonly DeviceRegister[] = [
  { name: 'INTRMASK', region: 0, offset: 0x0, width: 4, access: 'rw', about: 'Not used with MSI-X.' },
  { name: 'INTRSTATUS', region: 0, offset: 0x4, width: 4, access: 'ro', about: 'Not used with MSI-X.' },
  { name: 'IVPOSITION', region: 0, offset: POSITION, width: 4, access: 'ro', about: 'Peer ID of this device.' },
  { name: 'DOORBELL', region: 0, offset: DOORBELL, width: 4, access: 'wo', about: '31:16 peer, 15:0 its vector.' },
];

export interface IvshmemOptions {
  /** Medium that the peers share; null: the device is alone. */
  readonly channel: string | null;
  readonly peer: number;
}

export class IvshmemDevice extends ActingDevice implements Stimulated {
  readonly registers = REGISTER_LIST;
  readonly stimuli: readonly StimulusKind[];
  private readonly options: IvshmemOptions;
  private mask = 0;

  constructor(fn: PciFunction, sizes: readonly number[], options: IvshmemOptions) {
    super('ivshmem', fn, sizes);
    this.options = options;
    this.stimuli = [
      {
        kind: 'doorbell',
        title: 'Doorbell',
        about: 'A peer outside of the machine rings one of this device’s doorbells.',
        parameters: [
          number('doorbell', 'Vector', 'Which doorbell.', {
            min: 0,
            max: Math.max(0, (this.msix?.entries ?? 1) - 1),
            default: 0,
          }),
          number('value', 'Value', 'Does not count.', { min: 0, max: 0, default: 0 }),
        ],
      },
    ];
  }

  override join(): void {
    const { channel } = this.options;
    if (channel === null || this.channels === null) return;
    this.channels.join(channel, this);
    this.memory[SHARED] = this.channels.shared(channel, () => this.memory[SHARED] ?? new SparseMemory());
  }

  /** What is shared is not the device's to clear. */
  override reset(): void {
    const shared = this.memory[SHARED]!;
    this.memory[SHARED] = new SparseMemory();
    super.reset();
    this.memory[SHARED] = shared;
  }

  protected override powerOn(): void {
    this.mask = 0;
  }

  protected override readRegister(region: number, offset: number, width: 1 | 2 | 4): number {
    if (region !== REGISTERS) return super.readRegister(region, offset, width);
    if (width !== 4) return 0;
    return offset === POSITION ? this.options.peer : offset === INTERRUPT_MASK ? this.mask : 0;
  }

  protected override writeRegister(region: number, offset: number, width: 1 | 2 | 4, value: number): void {
    if (region !== REGISTERS) super.writeRegister(region, offset, width, value);
    else if (width === 4 && offset === DOORBELL) this.ring(value >>> 16, value & 0xffff);
    else if (width === 4 && offset === INTERRUPT_MASK) this.mask = value;
  }

  /** A peer that is not there, or has no such vector, hears nothing. */
  private ring(peer: number, vector: number): void {
    if (peer === this.options.peer) {
      this.rung(vector);
      return;
    }
    const { channel } = this.options;
    if (channel === null) return;
    for (const other of this.channels?.others(channel, this) ?? []) {
      if (other instanceof IvshmemDevice && other.options.peer === peer) other.work(() => other.rung(vector));
    }
  }

  private rung(vector: number): void {
    if (this.messages === 'msix' && vector < (this.msix?.entries ?? 0)) this.raise(vector);
  }

  stimulate(action: StimulusAction): string | null {
    if (action.kind !== 'doorbell') return `This device has no stimulus ${action.kind}.`;
    this.work(() => this.rung(action.doorbell));
    return null;
  }
}

/** The device by its ID, with doorbells and memory to share. */
export const isIvshmem = (fn: PciFunction, sizes: readonly number[]): boolean =>
  fn.config.read(0, 4) === 0x1110_1af4 && sizes[REGISTERS] === 256 && (sizes[SHARED] ?? 0) > 0;
