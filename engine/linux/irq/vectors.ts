import type { PciDevice } from '../pci/device';
import { msixTableOf } from '../../hardware/devices/bar-device';
import { ERRNO } from '../errno';
import type { Message } from './remapping';
import type { IrqAction, IrqHandler, IrqLine, RemappingOwner } from './types';

export type VectorKind = 'msi' | 'msix';

const COMMAND = 0x04;
const INTX_DISABLE = 0x400;
const MSI_ENABLE = 0x1;
const MSIX_ENABLE = 0x8000;
const MSIX_MASK_ALL = 0x4000;

/** What deactivating an interrupt leaves in the device. */
const NO_MESSAGE: Message = { low: 0, data: 0 };

/** MSI or MSI-X of one device while it is on: the vectors, their numbers, and what stands in the device's registers. */
export class MessageVectors {
  readonly kind: VectorKind;
  readonly device: PciDevice;
  private readonly core: RemappingOwner;
  private readonly lines: (IrqLine | null)[] = [];
  private readonly messages: (Message | null)[] = [];
  /** First remapping index of an MSI block. */
  private block = -1;
  private blockSize = 0;
  /** MSI mask bits as the host set them (a cache, as the kernel keeps one). */
  private mask = 0;

  constructor(core: RemappingOwner, device: PciDevice, kind: VectorKind) {
    this.core = core;
    this.device = device;
    this.kind = kind;
  }

  private get at(): number {
    return this.device.config.findCapability(this.kind === 'msi' ? 0x05 : 0x11);
  }

  /** Vectors that the capability offers, 0 without one. */
  get offered(): number {
    const at = this.at;
    if (at === 0) return 0;
    const control = this.device.config.read(at + 2, 2);
    return this.kind === 'msi' ? 1 << Math.min((control >>> 1) & 7, 5) : (control & 0x7ff) + 1;
  }

  /** Numbers in use, by vector. */
  get irqs(): number[] {
    return this.lines.flatMap((line) => (line === null ? [] : [line.irq]));
  }

  line(index: number): IrqLine | null {
    return this.lines[index] ?? null;
  }

  enable(count: number): number {
    return this.kind === 'msi' ? this.enableMsi(count) : this.enableMsix(count);
  }

  disable(): void {
    const at = this.at;
    const config = this.device.config;
    const control = config.read(at + 2, 2);
    if (this.kind === 'msi') {
      config.write(at + 2, 2, control & ~MSI_ENABLE);
      this.allowIntx(true);
      this.mask = 0;
      this.writeMsiMask();
      this.core.freeIndexes(this.device, this.block, this.blockSize);
    } else {
      const table = msixTableOf(this.device.function);
      this.lines.forEach((line, i) => line !== null && table?.writeTable(i * 16 + 12, 1));
      config.write(at + 2, 2, control & ~MSIX_ENABLE);
      this.allowIntx(true);
      this.lines.forEach((line) => line !== null && this.core.freeIndexes(this.device, line.remapIndex, 1));
    }
    this.lines.forEach((line, i) => {
      if (line === null) return;
      this.setMessage(i, NO_MESSAGE);
      this.core.removeMessageLine(line);
    });
    this.lines.length = 0;
  }

  /** Adds one MSI-X vector while MSI-X is on (pci_msix_alloc_irq_at). 0 or a negative errno. */
  addVector(index: number): number {
    if (this.kind !== 'msix' || index >= this.offered) return -ERRNO.EINVAL;
    if (this.line(index) !== null) return -ERRNO.EBUSY;
    return this.allocateMsix(index) ? 0 : -ERRNO.ENOSPC;
  }

  /** request_irq: the message is written and the entry unmasked. 0 or a negative errno. */
  request(index: number, name: string, handler: IrqHandler): number {
    const line = this.line(index);
    if (line === null) return -ERRNO.EINVAL;
    if (line.actions.length > 0) return -ERRNO.EBUSY;
    const action: IrqAction = { name, handler, shared: false };
    line.actions.push(action);
    this.setMessage(index, this.core.compose(line));
    this.setMasked(index, false);
    return 0;
  }

  /** free_irq: the entry is masked and its message taken away. */
  release(index: number): void {
    const line = this.line(index);
    if (line === null) return;
    line.actions.length = 0;
    this.setMasked(index, true);
    this.setMessage(index, NO_MESSAGE);
  }

  /** Writes address and data again from the kernel's copy. */
  rewriteMessage(index: number): void {
    const message = this.messages[index] ?? null;
    if (message !== null) this.writeMessage(index, message);
  }

  /** After a reset: everything as the host had programmed it (pci_restore_msi_state). */
  restore(): void {
    const at = this.at;
    const config = this.device.config;
    this.allowIntx(false);
    if (this.kind === 'msi') {
      const first = this.messages[0];
      config.write(at + 2, 2, config.read(at + 2, 2) & ~MSI_ENABLE);
      if (first) this.writeMessage(0, first);
      this.writeMsiMask();
      config.write(at + 2, 2, (config.read(at + 2, 2) & ~0x70) | (this.sizeCode << 4) | MSI_ENABLE);
      return;
    }
    config.write(at + 2, 2, config.read(at + 2, 2) | MSIX_ENABLE | MSIX_MASK_ALL);
    const table = msixTableOf(this.device.function);
    this.lines.forEach((line, i) => {
      if (line === null) return;
      const message = this.messages[i];
      if (message) this.writeMessage(i, message);
      table?.writeTable(i * 16 + 12, line.actions.length > 0 ? 0 : 1);
    });
    config.write(at + 2, 2, config.read(at + 2, 2) & ~MSIX_MASK_ALL);
  }

  private get sizeCode(): number {
    return this.lines.length <= 1 ? 0 : 32 - Math.clz32(this.lines.length - 1);
  }

  private enableMsi(count: number): number {
    const at = this.at;
    const config = this.device.config;
    this.block = this.core.allocateIndexes(this.device, count);
    this.blockSize = count;
    if (this.core.remaps && this.block < 0) return -ERRNO.ENOSPC;
    for (let i = 0; i < count; i++) {
      const line = this.core.addMessageLine(this.device, 'msi', i, this.block < 0 ? -1 : this.block + i);
      if (line === null) {
        this.dropLines();
        this.core.freeIndexes(this.device, this.block, count);
        return -ERRNO.ENOSPC;
      }
      this.lines.push(line);
      this.messages.push(i === 0 ? this.core.compose(line) : null);
    }
    config.write(at + 2, 2, config.read(at + 2, 2) & ~MSI_ENABLE);
    this.mask = count >= 32 ? 0xffffffff : (1 << count) - 1;
    this.writeMsiMask();
    this.writeMessage(0, this.messages[0]!);
    config.write(at + 2, 2, (config.read(at + 2, 2) & ~0x70) | (this.sizeCode << 4));
    this.allowIntx(false);
    config.write(at + 2, 2, config.read(at + 2, 2) | MSI_ENABLE);
    return count;
  }

  private enableMsix(count: number): number {
    const at = this.at;
    const config = this.device.config;
    config.write(at + 2, 2, config.read(at + 2, 2) | MSIX_ENABLE | MSIX_MASK_ALL);
    for (let i = 0; i < count; i++) {
      if (this.allocateMsix(i)) continue;
      this.lines.forEach((line) => line !== null && this.core.freeIndexes(this.device, line.remapIndex, 1));
      this.dropLines();
      config.write(at + 2, 2, config.read(at + 2, 2) & ~(MSIX_ENABLE | MSIX_MASK_ALL));
      return -ERRNO.ENOSPC;
    }
    this.allowIntx(false);
    const table = msixTableOf(this.device.function);
    if (table !== null) for (let i = 0; i < table.entries; i++) table.writeTable(i * 16 + 12, 1);
    config.write(at + 2, 2, config.read(at + 2, 2) & ~MSIX_MASK_ALL);
    return count;
  }

  private dropLines(): void {
    for (const line of this.lines) if (line !== null) this.core.removeMessageLine(line);
    this.lines.length = 0;
    this.messages.length = 0;
  }

  /** False when no remapping entry, or no vector of a CPU, is left. */
  private allocateMsix(index: number): boolean {
    const remapIndex = this.core.allocateIndexes(this.device, 1);
    if (this.core.remaps && remapIndex < 0) return false;
    const line = this.core.addMessageLine(this.device, 'msix', index, remapIndex);
    if (line === null) {
      this.core.freeIndexes(this.device, remapIndex, 1);
      return false;
    }
    while (this.lines.length <= index) {
      this.lines.push(null);
      this.messages.push(null);
    }
    this.lines[index] = line;
    msixTableOf(this.device.function)?.writeTable(index * 16 + 12, 1);
    this.setMessage(index, this.core.compose(line));
    return true;
  }

  /** Keeps the message and writes it; the further messages of an MSI block have no registers of their own. */
  private setMessage(index: number, message: Message): void {
    if (this.kind === 'msi' && index !== 0) return;
    this.messages[index] = message;
    if (this.device.powerState === 'D0' || this.device.powerState === 'unknown') this.writeMessage(index, message);
  }

  private writeMessage(index: number, message: Message): void {
    if (this.kind === 'msix') {
      const table = msixTableOf(this.device.function);
      table?.writeTable(index * 16, message.low);
      table?.writeTable(index * 16 + 4, 0);
      table?.writeTable(index * 16 + 8, message.data);
      return;
    }
    const at = this.at;
    const config = this.device.config;
    const wide = (config.read(at + 2, 2) & 0x80) !== 0;
    config.write(at + 4, 4, message.low);
    if (wide) config.write(at + 8, 4, 0);
    config.write(at + (wide ? 0x0c : 0x08), 2, message.data);
  }

  private setMasked(index: number, masked: boolean): void {
    if (this.kind === 'msix') {
      msixTableOf(this.device.function)?.writeTable(index * 16 + 12, masked ? 1 : 0);
      return;
    }
    this.mask = masked ? this.mask | (1 << index) : this.mask & ~(1 << index);
    this.writeMsiMask();
  }

  private writeMsiMask(): void {
    const at = this.at;
    const control = this.device.config.read(at + 2, 2);
    if (control & 0x100) this.device.config.write(at + (control & 0x80 ? 0x10 : 0x0c), 4, this.mask >>> 0);
  }

  private allowIntx(allow: boolean): void {
    const config = this.device.config;
    const command = config.read(COMMAND, 2);
    const next = allow ? command & ~INTX_DISABLE : command | INTX_DISABLE;
    if (next !== command) config.write(COMMAND, 2, next);
  }
}
