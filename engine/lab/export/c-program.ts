/**
 * What a process did, as a C program that does the same on a real kernel. Descriptors, memory and object ids that the
 * lab gave become variables; a call that was refused is made too, and its errno stands beside it.
 */
import type { Answer, FdRef, IoctlArgument, Operation } from '../../linux/uapi/operation';
import { REQUEST_BY_NAME } from '../../linux/uapi/requests';
import type { Request } from '../../linux/uapi/requests';
import type { AnsweredStep } from './process-calls';
import { lookUp } from '../../hardware/lookup';

const STRUCTS: Readonly<Record<string, string>> = {
  VFIO_GROUP_GET_STATUS: 'vfio_group_status',
  VFIO_DEVICE_GET_INFO: 'vfio_device_info',
  VFIO_DEVICE_GET_REGION_INFO: 'vfio_region_info',
  VFIO_DEVICE_GET_IRQ_INFO: 'vfio_irq_info',
  VFIO_DEVICE_GET_PCI_HOT_RESET_INFO: 'vfio_pci_hot_reset_info',
  VFIO_DEVICE_IOEVENTFD: 'vfio_device_ioeventfd',
  VFIO_DEVICE_FEATURE: 'vfio_device_feature',
  VFIO_IOMMU_GET_INFO: 'vfio_iommu_type1_info',
  VFIO_IOMMU_MAP_DMA: 'vfio_iommu_type1_dma_map',
  VFIO_IOMMU_UNMAP_DMA: 'vfio_iommu_type1_dma_unmap',
  VFIO_DEVICE_BIND_IOMMUFD: 'vfio_device_bind_iommufd',
  VFIO_DEVICE_ATTACH_IOMMUFD_PT: 'vfio_device_attach_iommufd_pt',
  VFIO_DEVICE_DETACH_IOMMUFD_PT: 'vfio_device_detach_iommufd_pt',
  IOMMU_DESTROY: 'iommu_destroy',
  IOMMU_IOAS_ALLOC: 'iommu_ioas_alloc',
  IOMMU_IOAS_COPY: 'iommu_ioas_copy',
  IOMMU_IOAS_MAP: 'iommu_ioas_map',
  IOMMU_IOAS_UNMAP: 'iommu_ioas_unmap',
  IOMMU_HWPT_ALLOC: 'iommu_hwpt_alloc',
};

const IRQ_INDEXES = ['INTX', 'MSI', 'MSIX', 'ERR', 'REQ'];
const IRQ_FLAGS: readonly [number, string][] = [
  [1, 'VFIO_IRQ_SET_DATA_NONE'],
  [2, 'VFIO_IRQ_SET_DATA_BOOL'],
  [4, 'VFIO_IRQ_SET_DATA_EVENTFD'],
  [8, 'VFIO_IRQ_SET_ACTION_MASK'],
  [16, 'VFIO_IRQ_SET_ACTION_UNMASK'],
  [32, 'VFIO_IRQ_SET_ACTION_TRIGGER'],
];
const MAP_FLAGS: readonly [number, string][] = [
  [1, 'VFIO_DMA_MAP_FLAG_READ'],
  [2, 'VFIO_DMA_MAP_FLAG_WRITE'],
  [4, 'VFIO_DMA_MAP_FLAG_VADDR'],
];
const IOAS_FLAGS: readonly [number, string][] = [
  [1, 'IOMMU_IOAS_MAP_FIXED_IOVA'],
  [2, 'IOMMU_IOAS_MAP_WRITEABLE'],
  [4, 'IOMMU_IOAS_MAP_READABLE'],
];
const TYPES: Readonly<Record<string, string>> = {
  '1': 'VFIO_TYPE1_IOMMU',
  '3': 'VFIO_TYPE1v2_IOMMU',
  '8': 'VFIO_NOIOMMU_IOMMU',
};
const REGIONS = ['BAR0', 'BAR1', 'BAR2', 'BAR3', 'BAR4', 'BAR5', 'ROM', 'CONFIG', 'VGA'];
const REGION_SHIFT = 40n;

const PRELUDE = `#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/vfio.h>
`;

const HELPERS = `
/* A region's bytes lie here in the device's file; VFIO_DEVICE_GET_REGION_INFO tells the same. */
#define REGION(index) ((off_t)(index) << 40)

static long done(const char *what, long result)
{
	if (result < 0) {
		perror(what);
		exit(1);
	}
	return result;
}

static void *mapped(const char *what, void *memory)
{
	done(what, memory == MAP_FAILED ? -1 : 0);
	return memory;
}

/* VFIO_DEVICE_SET_IRQS with a descriptor a vector, or without data. */
static int set_irqs(int device, uint32_t flags, uint32_t index, uint32_t start, uint32_t count, const int32_t *fds)
{
	size_t data = fds ? count * sizeof(*fds) : 0;
	struct vfio_irq_set *set = calloc(1, sizeof(*set) + data);
	int result;

	if (!set)
		return -1;
	set->argsz = sizeof(*set) + data;
	set->flags = flags;
	set->index = index;
	set->start = start;
	set->count = count;
	if (fds)
		memcpy(set->data, fds, data);
	result = ioctl(device, VFIO_DEVICE_SET_IRQS, set);
	free(set);
	return result;
}
`;

const quoted = (text: string): string => JSON.stringify(text.replace(/[^\x20-\x7e\n\t]/g, '?'));
const comment = (text: string): string => `/* ${text.replaceAll('*/', '* /')} */`;
const numeric = (value: unknown): value is number | string =>
  typeof value === 'number' || (typeof value === 'string' && /^-?(0x[0-9a-f]+|\d+)$/i.test(value));

function flagWords(value: unknown, words: readonly [number, string][]): string {
  if (!numeric(value)) return '0';
  const all = Number(value);
  const known = words.filter(([bit]) => all & bit);
  const rest = known.reduce((left, [bit]) => left & ~bit, all);
  const parts = [...known.map(([, word]) => word), ...(rest !== 0 ? [`0x${rest.toString(16)}`] : [])];
  return parts.join(' | ') || '0';
}

const bytesText = (hex: string): string => `{ ${(hex.match(/../g) ?? []).map((pair) => `0x${pair}`).join(', ')} }`;

class CWriter {
  readonly lines: string[] = [];
  private readonly counts = new Map<string, number>();
  private readonly descriptors = new Map<FdRef, string>();
  private readonly memory = new Map<string, { name: string; from: bigint; size: bigint }>();
  /** Object ids that iommufd gave, and the field that holds each. */
  private readonly ids = new Map<number, string>();
  /** The same by the names that a program gave them. */
  private readonly named = new Map<string, string>();
  usesIommufd = false;
  usesIrqs = false;
  usesMapped = false;

  private fresh(base: string): string {
    const count = this.counts.get(base) ?? 0;
    this.counts.set(base, count + 1);
    return count === 0 ? base : `${base}_${count + 1}`;
  }

  private fd(ref: FdRef | undefined): string {
    if (ref === undefined) return '-1';
    return this.descriptors.get(ref) ?? String(typeof ref === 'number' ? ref : -1);
  }

  private define(answer: Answer, as: string | undefined, name: string): void {
    if (answer.fd !== undefined) this.descriptors.set(answer.fd, name);
    if (as !== undefined) this.descriptors.set(as, name);
  }

  /** A statement whose call succeeded in the lab, or one that was refused there. */
  private statement(what: string, expression: string, answer: Answer, into: string | null = null): void {
    if (answer.errno !== undefined) {
      const declared = into === null ? '' : `int ${into} = -1;\n\t`;
      this.lines.push(
        `${declared}if (${expression} < 0)`,
        `\tperror(${quoted(what)}); ${comment(`in the lab: ${answer.errno}`)}`,
      );
      return;
    }
    this.lines.push(`${into === null ? '' : `int ${into} = `}done(${quoted(what)}, ${expression});`);
  }

  private address(value: unknown): string {
    if (typeof value === 'string' && !numeric(value)) {
      const [, name = '', delta = ''] = /^([^+]+)(\+.*)?$/.exec(value) ?? [];
      const area = this.memory.get(name);
      return area ? `(uintptr_t)${area.name}${delta.replace('+', ' + ')}` : '0';
    }
    if (!numeric(value)) return '0';
    const at = BigInt(value);
    for (const { name, from, size } of this.memory.values()) {
      if (at < from || at >= from + size) continue;
      return at === from ? `(uintptr_t)${name}` : `(uintptr_t)${name} + 0x${(at - from).toString(16)}`;
    }
    return `0x${at.toString(16)}`;
  }

  private number(value: unknown): string {
    return numeric(value) ? String(value) : '0';
  }

  private place(offset: number | string): string {
    const at = BigInt(offset);
    const region = Number(at >> REGION_SHIFT);
    const inside = at & ((1n << REGION_SHIFT) - 1n);
    const name = REGIONS[region];
    return name === undefined
      ? `0x${at.toString(16)}`
      : `REGION(VFIO_PCI_${name}_REGION_INDEX)${inside === 0n ? '' : ` + 0x${inside.toString(16)}`}`;
  }

  write(operation: Operation, answer: Answer): void {
    switch (operation.op) {
      case 'open':
        return this.open(operation.path, operation.flags ?? 'O_RDWR', operation.as, answer);
      case 'close':
        this.statement('close', `close(${this.fd(operation.fd)})`, answer);
        this.descriptors.delete(operation.fd);
        return;
      case 'dup': {
        const name = this.fresh('copy');
        this.statement('dup', `dup(${this.fd(operation.fd)})`, answer, name);
        return this.define(answer, operation.as, name);
      }
      case 'ioctl':
        return this.ioctl(operation, answer);
      case 'pread': {
        const name = this.fresh('data');
        this.lines.push(`uint8_t ${name}[${operation.size}];`);
        const call = `pread(${this.fd(operation.fd)}, ${name}, sizeof(${name}), ${this.place(operation.offset)})`;
        return this.statement('pread', call, answer);
      }
      case 'pwrite': {
        const size = operation.hex.length >> 1;
        const data = `(uint8_t[])${bytesText(operation.hex)}`;
        const call = `pwrite(${this.fd(operation.fd)}, ${data}, ${size}, ${this.place(operation.offset)})`;
        return this.statement('pwrite', call, answer);
      }
      case 'alloc': {
        const size = `0x${BigInt(operation.size).toString(16)}`;
        return this.map(
          'memory',
          operation.as,
          answer,
          operation.size,
          `mmap(NULL, ${size}, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)`,
        );
      }
      case 'mmap': {
        const prot = [operation.prot.includes('r') && 'PROT_READ', operation.prot.includes('w') && 'PROT_WRITE'];
        const flags = operation.flags ?? 'MAP_SHARED';
        const call = `mmap(NULL, 0x${BigInt(operation.size).toString(16)}, ${prot.filter(Boolean).join(' | ') || 'PROT_NONE'}, ${flags}, ${this.fd(operation.fd)}, ${this.place(operation.offset)})`;
        return this.map('region', operation.as, answer, operation.size, call);
      }
      case 'munmap': {
        const area = this.memory.get(operation.of);
        if (!area) return this.note(operation.op);
        return this.statement('munmap', `munmap(${area.name}, 0x${area.size.toString(16)})`, answer);
      }
      case 'eventfd': {
        const name = this.fresh('event');
        this.statement('eventfd', 'eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)', answer, name);
        return this.define(answer, operation.as, name);
      }
      case 'evread':
      case 'evwrite': {
        const name = this.fresh('count');
        const value = operation.op === 'evwrite' ? String(operation.count) : '0';
        const call = operation.op === 'evread' ? 'read' : 'write';
        this.lines.push(`uint64_t ${name} = ${value};`);
        return this.statement(call, `${call}(${this.fd(operation.fd)}, &${name}, sizeof(${name}))`, answer);
      }
      case 'peek':
      case 'poke': {
        const bytes = operation.op === 'peek' ? operation.size : operation.hex.length >> 1;
        const width = [1, 2, 4, 8].includes(bytes) ? bytes * 8 : 8;
        const at = `*(volatile uint${width}_t *)(${this.address(operation.at)})`;
        if (operation.op === 'peek') this.lines.push(`(void)${at};`);
        else {
          const value = (operation.hex.match(/../g) ?? []).reverse().join('');
          this.lines.push(`${at} = 0x${value}u;`);
        }
        return;
      }
      case 'syswrite': {
        const name = this.fresh('file');
        const text = operation.text === undefined ? null : quoted(operation.text);
        this.statement('open', `open(${quoted(operation.path)}, O_WRONLY)`, {}, name);
        if (text !== null) this.statement('write', `write(${name}, ${text}, ${operation.text!.length})`, answer);
        else {
          const hex = operation.hex ?? '';
          const data = `(uint8_t[])${bytesText(hex)}, ${hex.length >> 1}, ${operation.offset ?? 0}`;
          this.statement('pwrite', `pwrite(${name}, ${data})`, answer);
        }
        return this.statement('close', `close(${name})`, {});
      }
      case 'wait':
        this.lines.push(`usleep(${operation.ms} * 1000);`);
        return;
      default:
        return this.note(operation.op);
    }
  }

  private note(op: string): void {
    this.lines.push(comment(`${op}: no part of this program`));
  }

  private open(path: string, flags: string, as: string | undefined, answer: Answer): void {
    const device = /\/vfio\/devices\/vfio(\d+)$/.exec(path);
    const group = /^\/dev\/vfio\/(?:noiommu-)?(\d+)$/.exec(path);
    const base =
      path === '/dev/vfio/vfio'
        ? 'container'
        : path === '/dev/iommu'
          ? 'iommufd'
          : device
            ? 'device'
            : group
              ? `group${group[1]}`
              : 'file';
    if (path === '/dev/iommu') this.usesIommufd = true;
    const name = this.fresh(base);
    const words = flags.split('|').join(' | ');
    this.statement(path, `open(${quoted(path)}, ${words})`, answer, name);
    this.define(answer, as, name);
  }

  private map(base: string, as: string | undefined, answer: Answer, size: number | string, call: string): void {
    this.usesMapped = true;
    const name = this.fresh(base);
    if (answer.errno !== undefined) {
      this.lines.push(`if (${call} == MAP_FAILED)`, `\tperror("mmap"); ${comment(`in the lab: ${answer.errno}`)}`);
      return;
    }
    this.lines.push(`uint8_t *${name} = mapped("mmap", ${call});`);
    this.memory.set(as ?? '_', { name, from: BigInt(answer.address ?? 0), size: BigInt(size) });
  }

  private ioctl(operation: Operation & { op: 'ioctl' }, answer: Answer): void {
    const { request: called, arg } = operation;
    const request = REQUEST_BY_NAME.get(called);
    const fd = this.fd(operation.fd);
    if (!request) return this.statement(called, `ioctl(${fd}, ${this.number(called)}, ${this.number(arg)})`, answer);
    if (request.family === 'iommufd') this.usesIommufd = true;
    if (request.tail === 'irq-set') return this.setIrqs(fd, (arg ?? {}) as Fields, answer);
    if (request.tail === 'string') {
      const name = this.fresh(
        `device_${String(arg)
          .replace(/^0000:/, '')
          .replace(/[^0-9a-f]/gi, '_')}`,
      );
      this.statement(called, `ioctl(${fd}, ${called}, ${quoted(String(arg))})`, answer, name);
      return this.define(answer, operation.as, name);
    }
    if (request.tail === 'fd-pointer') {
      const expression = `ioctl(${fd}, ${called}, &(int){ ${this.fd(arg as FdRef)} })`;
      return this.statement(called, expression, answer);
    }
    if (request.tail === 'none' || request.tail === 'integer') {
      const value =
        request.name === 'VFIO_SET_IOMMU' ? (lookUp(TYPES, String(arg)) ?? this.number(arg)) : this.number(arg);
      return this.statement(
        called,
        arg === undefined ? `ioctl(${fd}, ${called})` : `ioctl(${fd}, ${called}, ${value})`,
        answer,
      );
    }
    this.structure(fd, request, arg, operation.as, answer);
  }

  private setIrqs(fd: string, arg: Fields, answer: Answer): void {
    this.usesIrqs = true;
    const fds = Array.isArray(arg['fds']) ? (arg['fds'] as FdRef[]) : null;
    const data =
      fds === null || fds.length === 0
        ? 'NULL'
        : `(int32_t[]){ ${fds.map((one) => (one === -1 ? '-1' : this.fd(one))).join(', ')} }`;
    const index = IRQ_INDEXES[Number(arg['index'])];
    const words = flagWords(arg['flags'], IRQ_FLAGS);
    const where = index === undefined ? this.number(arg['index']) : `VFIO_PCI_${index}_IRQ_INDEX`;
    const call = `set_irqs(${fd}, ${words}, ${where}, ${this.number(arg['start'])}, ${this.number(arg['count'])}, ${data})`;
    this.statement('VFIO_DEVICE_SET_IRQS', call, answer);
  }

  private structure(
    fd: string,
    request: Request,
    arg: IoctlArgument | undefined,
    as: string | undefined,
    answer: Answer,
  ): void {
    const type = STRUCTS[request.name];
    if (type === undefined) return this.note(request.name);
    const given = (typeof arg === 'object' ? arg : {}) as Fields;
    const name = this.fresh(type.replace(/^(vfio|iommu)_(iommu_type1_|device_)?/, ''));
    const rows = request.fields.flatMap((field): string[] => {
      const value = given[field.name];
      if (field.name === 'argsz' || (field.name === 'size' && field.offset === 0))
        return [`.${field.name} = sizeof(${name})`];
      if (value === undefined) return [];
      const text = this.field(request, field.name, field.kind, value);
      return text === '0' ? [] : [`.${field.name} = ${text}`];
    });
    this.lines.push(`struct ${type} ${name} = { ${rows.join(', ')} };`);
    this.statement(request.name, `ioctl(${fd}, ${request.name}, &${name})`, answer);
    const after = (answer.arg ?? {}) as Fields;
    for (const field of request.fields) {
      if (field.kind === 'id' && numeric(after[field.name]))
        this.ids.set(Number(after[field.name]), `${name}.${field.name}`);
      if (field.kind === 'id' && as !== undefined) this.named.set(as, `${name}.${field.name}`);
    }
  }

  private field(request: Request, name: string, kind: string, value: unknown): string {
    if (kind === 'fd' || name === 'fd') return this.fd(value as FdRef);
    if (name === 'vaddr' || name === 'user_va') return this.address(value);
    if (typeof value === 'string' && this.named.has(value)) return this.named.get(value)!;
    if (name.endsWith('_id') && numeric(value)) return this.ids.get(Number(value)) ?? String(value);
    if (name === 'flags' && request.name === 'VFIO_IOMMU_MAP_DMA') return flagWords(value, MAP_FLAGS);
    if (name === 'flags' && request.name === 'IOMMU_IOAS_MAP') return flagWords(value, IOAS_FLAGS);
    return this.number(value);
  }
}

type Fields = Readonly<Record<string, unknown>>;

/** The program; `about` stands in its first comment. Formatted as the kernel's own code is. */
export function cProgram(steps: readonly AnsweredStep[], about: string): string {
  const writer = new CWriter();
  const body: string[] = [];
  for (const { label, calls } of steps) {
    body.push('', comment(label));
    writer.lines.length = 0;
    for (const { operation, answer } of calls) writer.write(operation, answer);
    body.push(...writer.lines);
  }
  const includes = writer.usesIommufd ? `${PRELUDE}#include <linux/iommufd.h>\n` : PRELUDE;
  const helpers = HELPERS.replace(/\n\/\* VFIO_DEVICE_SET_IRQS[\s\S]*$/, (text) =>
    writer.usesIrqs ? text : '\n',
  ).replace(/static void \*mapped[\s\S]*?\n}\n\n?/, (text) => (writer.usesMapped ? text : ''));
  const lines = body.map((line) =>
    line === ''
      ? ''
      : line
          .split('\n')
          .map((part) => `\t${part}`)
          .join('\n'),
  );
  return `${comment(about)}\n${includes}${helpers}\nint main(void)\n{${lines.join('\n')}\n\treturn 0;\n}\n`;
}
