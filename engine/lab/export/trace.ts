/**
 * The system calls of a journal as a trace that the recorder plays on a real kernel. Everything runs there in one
 * process as root, so descriptors and memory of the journal's processes get names that tell them apart.
 */
import type { Answer, FdRef, IoctlArgument, TracedOperation } from '../../linux/uapi/operation';
import { REQUEST_BY_NAME } from '../../linux/uapi/requests';
import type { DocumentContents } from '../document/format';
import { Machine } from '../machine';

/** Operations the recorder knows. Others (creating files, changing modes) have no counterpart there. */
const PLAYABLE: ReadonlySet<string> = new Set([
  'open',
  'close',
  'dup',
  'ioctl',
  'pread',
  'pwrite',
  'alloc',
  'mmap',
  'munmap',
  'poke',
  'peek',
  'eventfd',
  'evread',
  'evwrite',
  'poll',
  'wait',
  'sysread',
  'syswrite',
  'readlink',
  'ls',
  'stat',
  'rlimit',
  'cfgsweep',
  'join',
]);

/** Fields of ioctl arguments that hold descriptors, alone or in a list. */
const DESCRIPTOR_FIELDS: ReadonlySet<string> = new Set(['fds', 'group_fds', 'fd', 'eventfd', 'iommufd']);

/**
 * Milliseconds after which a call in the background counts as blocked. The lab knows at once; a real kernel takes its
 * time for what is not blocked.
 */
const PATIENCE = 300;

class Names {
  /** `pid:fd` → name in the trace. */
  private readonly descriptors = new Map<string, string>();
  private count = 0;

  define(pid: number, fd: number, kind: string): string {
    const name = `${kind}${this.count++}`;
    this.descriptors.set(`${pid}:${fd}`, name);
    return name;
  }

  descriptor(pid: number, ref: FdRef): FdRef {
    if (typeof ref === 'string') return this.local(pid, ref);
    return this.descriptors.get(`${pid}:${ref}`) ?? ref;
  }

  /** A name that a process gave itself. */
  local(pid: number, name: string): string {
    return `p${pid}_${name.replace(/[^A-Za-z0-9_]/g, '_')}`;
  }

  /** `buf0+0x10` of a process; numbers stay. */
  memory(pid: number, text: string): string {
    if (/^-?(0x[0-9a-f]+|\d+)$/i.test(text)) return text;
    const match = /^([^+-]+)(.*)$/.exec(text);
    return match ? this.local(pid, match[1]!) + match[2]! : text;
  }
}

function argumentOf(names: Names, pid: number, request: string, arg: IoctlArgument): IoctlArgument {
  const known = REQUEST_BY_NAME.get(request);
  if (known?.tail === 'fd-pointer') return names.descriptor(pid, arg as FdRef);
  if (typeof arg !== 'object') return arg;
  const ids = new Set((known?.fields ?? []).filter((field) => field.name.endsWith('_id')).map((field) => field.name));
  return Object.fromEntries(
    Object.entries(arg).map(([key, value]) => {
      if (DESCRIPTOR_FIELDS.has(key)) {
        return [
          key,
          Array.isArray(value)
            ? value.map((one) => names.descriptor(pid, one as FdRef))
            : names.descriptor(pid, value as FdRef),
        ];
      }
      if ((key === 'vaddr' || key === 'user_va' || ids.has(key)) && typeof value === 'string') {
        return [key, names.memory(pid, value)];
      }
      return [key, value];
    }),
  );
}

const KIND_OF_PATH = (path: string): string =>
  path === '/dev/vfio/vfio' ? 'c' : path === '/dev/iommu' ? 'f' : path.startsWith('/dev/vfio/devices/') ? 'd' : 'g';

/** One operation in the trace's names; null when the recorder cannot play it. */
function rename(names: Names, pid: number, operation: TracedOperation, answer: Answer): TracedOperation | null {
  if (!PLAYABLE.has(operation.op)) return null;
  const base: TracedOperation =
    operation.async === undefined
      ? operation
      : { ...operation, async: names.local(pid, operation.async), ms: Math.max(operation.ms ?? 0, PATIENCE) };
  const opened = (kind: string): string => (answer.fd === undefined ? `x${kind}` : names.define(pid, answer.fd, kind));
  switch (base.op) {
    case 'open':
      return { ...base, as: opened(KIND_OF_PATH(base.path)) };
    case 'dup':
      return { ...base, fd: names.descriptor(pid, base.fd), as: opened('u') };
    case 'eventfd':
      return { ...base, as: opened('e') };
    case 'alloc':
    case 'mmap': {
      const as = names.local(pid, base.as ?? '_');
      return base.op === 'mmap' ? { ...base, fd: names.descriptor(pid, base.fd), as } : { ...base, as };
    }
    case 'munmap':
    case 'join':
      return { ...base, of: names.local(pid, base.of) };
    case 'peek':
    case 'poke':
      return { ...base, at: names.memory(pid, base.at) };
    case 'ioctl': {
      const fd = names.descriptor(pid, base.fd);
      const arg = base.arg === undefined ? {} : { arg: argumentOf(names, pid, base.request, base.arg) };
      const named = base.request === 'VFIO_GROUP_GET_DEVICE_FD' ? { as: opened('d') } : {};
      const id = base.as !== undefined && !('as' in named) ? { as: names.local(pid, base.as) } : {};
      return { ...base, fd, ...arg, ...id, ...named };
    }
    case 'close':
    case 'pread':
    case 'pwrite':
    case 'evread':
    case 'evwrite':
    case 'poll':
    case 'cfgsweep':
      return { ...base, fd: names.descriptor(pid, base.fd) };
    default:
      return base;
  }
}

export interface TraceExport {
  /** JSON lines: a header, then one call a line with the lab's answer under `want`. */
  readonly text: string;
  /** Inputs that a real kernel cannot be given, in words. */
  readonly leftOut: readonly string[];
}

/** Replays the document and writes what its processes called. `machine`: the recorder's name of the machine. */
export function traceOf(contents: DocumentContents, machine: string): TraceExport {
  const lab = new Machine(contents.machine);
  const names = new Names();
  const about = contents.gestures.map((gesture) => gesture.label).join('; ');
  const lines: string[] = [JSON.stringify({ format: 'trace/1', machine, about: about.slice(0, 200) })];
  const leftOut: string[] = [];
  for (const gesture of contents.gestures) {
    for (const input of gesture.inputs) {
      const outcome = lab.apply(input);
      if (input.kind === 'time') {
        lines.push(JSON.stringify({ op: 'wait', ms: input.ms, want: { ok: true } }));
      } else if (input.kind === 'call') {
        const answer = outcome.answer ?? {};
        const operation = rename(names, input.pid, input.operation, answer);
        const { fd: _fd, address: _address, ...want } = answer;
        if (operation) lines.push(JSON.stringify({ ...operation, want }));
        else leftOut.push(`${gesture.label}: ${input.operation.op} has no counterpart in the recorder`);
      } else if (input.kind === 'stimulus' || input.kind === 'edit' || input.kind === 'reboot') {
        leftOut.push(`${gesture.label}: ${input.kind} changes hardware, not through a system call`);
      }
    }
  }
  return { text: `${lines.join('\n')}\n`, leftOut };
}
