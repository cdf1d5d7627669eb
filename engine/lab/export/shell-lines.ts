/** What processes did, as commands for the lab's terminal; what writes to sysfs runs on any Linux. */
import type { Answer, Operation } from '../../linux/uapi/operation';
import { straceLine } from '../../shell/calls/strace';
import type { AnsweredStep } from './process-calls';

const IRQS = ['intx', 'msi', 'msix', 'err', 'req'];
const CONFIG_REGION = 7;
const REGION_SHIFT = 40n;
const WIDTHS: Readonly<Record<number, string>> = { 1: 'b', 2: 'w', 4: 'l' };
const TRIGGER_EVENTFD = 0x24;
const TRIGGER_NONE = 0x21;
const MASK = 8;
const UNMASK = 16;

/** Calls that `vfio attach` makes on the way to the device. */
const ON_THE_WAY: ReadonlySet<string> = new Set([
  'VFIO_GET_API_VERSION',
  'VFIO_CHECK_EXTENSION',
  'VFIO_GROUP_GET_STATUS',
  'VFIO_GROUP_SET_CONTAINER',
  'VFIO_SET_IOMMU',
  'VFIO_DEVICE_GET_INFO',
  'VFIO_DEVICE_GET_IRQ_INFO',
  'VFIO_DEVICE_GET_REGION_INFO',
  'IOMMU_IOAS_ALLOC',
  'VFIO_DEVICE_BIND_IOMMUFD',
]);

/** Who opens a function's own file gives the descriptor its address as a name. */
const NAMED = /([0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7])$/;

const little = (hex: string): string => (hex.match(/../g) ?? []).reverse().join('');
const quoted = (text: string): string => (/^[\w./:=+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

class ShellWriter {
  readonly lines: string[] = [];
  /** Devices by `pid:fd`. */
  private readonly devices = new Map<string, string>();

  write(pid: number, operation: Operation, answer: Answer): void {
    switch (operation.op) {
      case 'syswrite':
        this.sysfs(operation);
        return;
      case 'ioctl':
        this.ioctl(pid, operation, answer);
        return;
      case 'pread':
      case 'pwrite':
        this.region(pid, operation);
        return;
      case 'close': {
        const device = this.devices.get(`${pid}:${operation.fd}`);
        if (device !== undefined) this.lines.push(`vfio detach ${device}`);
        this.devices.delete(`${pid}:${operation.fd}`);
        return;
      }
      case 'open': {
        if (!operation.path.startsWith('/dev/vfio/devices/')) return;
        const address = NAMED.exec(operation.as ?? '')?.[1];
        if (address === undefined) this.note(operation, answer);
        else if (answer.fd !== undefined) this.devices.set(`${pid}:${answer.fd}`, address);
        return;
      }
      case 'eventfd':
      case 'alloc':
        return;
      default:
        this.note(operation, answer);
    }
  }

  /** There is no command for it. */
  private note(operation: Operation, answer: Answer): void {
    this.lines.push(`# ${straceLine(operation, answer)}`);
  }

  private sysfs(operation: Operation & { op: 'syswrite' }): void {
    const { path, text, hex, offset } = operation;
    if (text !== undefined) {
      this.lines.push(text === '\n' ? `echo > ${path}` : `echo ${quoted(text.trimEnd())} > ${path}`);
      return;
    }
    const address = /\/([^/]+)\/config$/.exec(path)?.[1];
    const width = WIDTHS[(hex?.length ?? 0) / 2];
    if (address && hex && width)
      this.lines.push(`setpci -s ${address} ${(offset ?? 0).toString(16)}.${width}=${little(hex)}`);
    else this.lines.push(`# ${straceLine(operation, {})}`);
  }

  private ioctl(pid: number, operation: Operation & { op: 'ioctl' }, answer: Answer): void {
    const { request, arg } = operation;
    const fields = (typeof arg === 'object' ? arg : {}) as Readonly<Record<string, unknown>>;
    const device = this.devices.get(`${pid}:${operation.fd}`);
    if (request === 'VFIO_GROUP_GET_DEVICE_FD') {
      if (answer.fd !== undefined) this.devices.set(`${pid}:${answer.fd}`, String(arg));
      this.lines.push(`vfio attach ${String(arg)}`);
    } else if (request === 'VFIO_DEVICE_SET_IRQS' && device) this.irqs(device, fields, operation, answer);
    else if (request === 'VFIO_DEVICE_RESET' && device) this.lines.push(`vfio reset ${device}`);
    else if (request === 'VFIO_IOMMU_MAP_DMA')
      this.lines.push(`vfio map ${String(fields['iova'])} ${String(fields['size'])}`);
    else if (request === 'VFIO_IOMMU_UNMAP_DMA')
      this.lines.push(`vfio unmap ${String(fields['iova'])} ${String(fields['size'])}`);
    else if (request === 'VFIO_DEVICE_ATTACH_IOMMUFD_PT' && device) this.lines.push(`vfio attach --iommufd ${device}`);
    else if (request === 'IOMMU_IOAS_MAP' && fields['iova'] !== undefined)
      this.lines.push(`vfio map ${String(fields['iova'])} ${String(fields['length'])}`);
    else if (request === 'IOMMU_IOAS_UNMAP')
      this.lines.push(`vfio unmap ${String(fields['iova'])} ${String(fields['length'])}`);
    else if (!ON_THE_WAY.has(request)) this.note(operation, answer);
  }

  private irqs(device: string, fields: Readonly<Record<string, unknown>>, operation: Operation, answer: Answer): void {
    const kind = IRQS[Number(fields['index'])] ?? String(fields['index']);
    const [start, count, flags] = [Number(fields['start']), Number(fields['count']), Number(fields['flags'])];
    const range = count > 1 ? `${start}-${start + count - 1}` : String(start);
    const dropped = Array.isArray(fields['fds']) && fields['fds'].includes(-1);
    if (flags === TRIGGER_EVENTFD && !dropped) this.lines.push(`vfio irq ${device} ${kind} ${range}`);
    else if (flags === TRIGGER_NONE && count === 0) this.lines.push(`vfio irq ${device} ${kind} off`);
    else if (flags === TRIGGER_NONE) this.lines.push(`vfio irq ${device} ${kind} trigger ${start}`);
    else if (flags & MASK) this.lines.push(`vfio irq ${device} ${kind} mask ${start}`);
    else if (flags & UNMASK) this.lines.push(`vfio irq ${device} ${kind} unmask ${start}`);
    else this.note(operation, answer);
  }

  private region(pid: number, operation: Operation & { op: 'pread' | 'pwrite' }): void {
    const device = this.devices.get(`${pid}:${operation.fd}`);
    if (device === undefined) return this.note(operation, {});
    const at = BigInt(operation.offset);
    const region = Number(at >> REGION_SHIFT);
    const inside = `0x${(at & ((1n << REGION_SHIFT) - 1n)).toString(16)}`;
    const size = operation.op === 'pread' ? operation.size : operation.hex.length >> 1;
    const value = operation.op === 'pwrite' ? little(operation.hex) : null;
    const width = WIDTHS[size];
    if (region === CONFIG_REGION && width) {
      this.lines.push(`vfio cfg ${device} ${inside}.${width}${value === null ? '' : `=${value}`}`);
    } else if (region === CONFIG_REGION) this.note(operation, {});
    else this.lines.push(`vfio region ${device} ${region} ${inside} ${value === null ? size : `=0x${value}`}`);
  }
}

/** The commands. Steps whose calls say nothing to a shell are left out. */
export function shellLines(steps: readonly AnsweredStep[], only: number | null = null): string {
  const writer = new ShellWriter();
  const out: string[] = [];
  steps.forEach(({ label, calls }, k) => {
    writer.lines.length = 0;
    for (const { pid, operation, answer } of calls) writer.write(pid, operation, answer);
    if (writer.lines.length > 0 && (only === null || only === k)) out.push(`# ${label}`, ...writer.lines);
  });
  return `${out.join('\n')}\n`;
}
