/** A fingerprint of everything a machine's inputs can change: equal journals must give equal fingerprints. */
import type { Kernel } from '../linux/kernel';
import { toHex } from '../shell/calls/hex';

/** FNV-1a, 64 bits in two 32-bit halves. */
class Fnv {
  private high = 0xcbf29ce4;
  private low = 0x84222325;

  add(text: string): void {
    for (let i = 0; i < text.length; i++) {
      this.low = (this.low ^ text.charCodeAt(i)) >>> 0;
      const low = this.low * 0x1b3;
      const carry = Math.floor(low / 0x100000000);
      this.high = (Math.imul(this.high, 0x1b3) + carry + ((this.low << 8) >>> 0)) >>> 0;
      this.low = low >>> 0;
    }
    this.low = (this.low ^ 0xff) >>> 0;
  }

  get digest(): string {
    return this.high.toString(16).padStart(8, '0') + this.low.toString(16).padStart(8, '0');
  }
}

function* facts(kernel: Kernel): Generator<string> {
  yield `clock ${kernel.clock.now}`;
  yield `cmdline ${kernel.description.kernel.cmdline}`;
  for (const device of kernel.pci.devices.values()) {
    yield `device ${device.name} ${device.driver?.name ?? '-'} ${device.driverOverride ?? '-'} ${device.enableCount} ${device.powerState}`;
    yield toHex(device.config.bytes);
    for (const resource of device.resources) yield `${resource.start} ${resource.end} ${resource.flags}`;
  }
  for (const group of kernel.iommu.groups.values()) {
    const members = group.devices.map((device) => device.name).join(' ');
    yield `group ${group.id} ${group.name ?? ''} ${group.ownerCount} ${group.domain.type} ${members}`;
  }
  for (const process of kernel.processes.all()) {
    yield `process ${process.pid} ${process.parent} ${process.name} ${process.uid} ${process.lockedPages} ${process.pinnedPages}`;
    for (const [fd, file] of process.files.entries()) yield `fd ${fd} ${file.kind} ${file.link}`;
  }
  for (const record of kernel.log.records) yield `log ${record.time} ${record.level} ${record.text}`;
  for (const row of kernel.irqs.rows()) yield `irq ${row.irq} ${row.count} ${row.chip} ${row.names.join(' ')}`;
  yield `interrupts ${kernel.interrupts.log.total}`;
}

export function stateHash(kernel: Kernel): string {
  const hash = new Fnv();
  for (const fact of facts(kernel)) hash.add(fact);
  return hash.digest;
}
