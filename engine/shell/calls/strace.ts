/** Calls as `strace` prints them, with decoded arguments. */
import type { Answer, Operation } from '../../linux/uapi/operation';
import { symbolic } from '../../linux/uapi/symbols';
import { strerror } from '../errors';

const quoted = (text: string): string =>
  JSON.stringify(text.length > 64 ? text.slice(0, 64) : text) + (text.length > 64 ? '...' : '');

function bytesText(hex: string): string {
  const shown = hex.slice(0, 64);
  const escaped = shown.replace(/../g, (pair) => `\\x${pair}`);
  return `"${escaped}"${hex.length > 64 ? '...' : ''}`;
}

/** A value inside a structure: field names as in the header, flags by name, 64-bit numbers in hex. */
function structText(value: unknown, request: string): string {
  if (Array.isArray(value)) return `[${value.map((entry) => structText(entry, request)).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    const parts = Object.entries(value).map(([key, inner]) => `${key}=${fieldText(request, key, inner)}`);
    return `{${parts.join(', ')}}`;
  }
  return String(value);
}

function fieldText(request: string, field: string, value: unknown): string {
  const name = typeof value === 'number' ? symbolic(request, field, value) : null;
  return name ?? structText(value, request);
}

function result(answer: Answer, success: string): string {
  if (answer.errno !== undefined) return `-1 ${answer.errno} (${strerror(answer.errno)})`;
  if (answer.pending) return '?';
  return success;
}

/** One line for one operation: `ioctl(4, VFIO_GROUP_SET_CONTAINER, [3]) = 0`. */
export function straceLine(operation: Operation, answer: Answer): string {
  const ret = answer.fd ?? answer.ret ?? 0;
  switch (operation.op) {
    case 'open':
      return `openat(AT_FDCWD, ${quoted(operation.path)}, ${operation.flags ?? 'O_RDWR'}) = ${result(answer, String(ret))}`;
    case 'close':
      return `close(${operation.fd}) = ${result(answer, String(ret))}`;
    case 'dup':
      return `dup(${operation.fd}) = ${result(answer, String(ret))}`;
    case 'ioctl': {
      const { request } = operation;
      const inOut = typeof operation.arg === 'object' ? structText({ ...operation.arg }, request) : undefined;
      const after = answer.arg === undefined ? '' : ` => ${structText(answer.arg, request)}`;
      let argument = inOut ?? '';
      if (operation.arg === undefined) argument = '';
      else if (operation.request === 'VFIO_GROUP_SET_CONTAINER') argument = `[${String(operation.arg)}]`;
      else if (typeof operation.arg === 'string' && !/^0x/.test(operation.arg)) argument = quoted(operation.arg);
      else if (typeof operation.arg !== 'object') argument = fieldText(request, 'arg', operation.arg);
      const list = [String(operation.fd), operation.request, argument].filter((part) => part !== '').join(', ');
      return `ioctl(${list}${after}) = ${result(answer, String(ret))}`;
    }
    case 'pread':
      return `pread64(${operation.fd}, ${bytesText(answer.hex ?? '')}, ${operation.size}, ${operation.offset}) = ${result(answer, String(ret))}`;
    case 'pwrite':
      return `pwrite64(${operation.fd}, ${bytesText(operation.hex)}, ${operation.hex.length >> 1}, ${operation.offset}) = ${result(answer, String(ret))}`;
    case 'read':
      return `read(${operation.fd}, ${bytesText(answer.hex ?? '')}, ${operation.size}) = ${result(answer, String(ret))}`;
    case 'write':
      return `write(${operation.fd}, ${bytesText(operation.hex)}, ${operation.hex.length >> 1}) = ${result(answer, String(ret))}`;
    case 'alloc':
      return `mmap(NULL, ${operation.size}, PROT_READ${operation.ro ? '' : '|PROT_WRITE'}, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = ${result(answer, answer.address ?? '0')}`;
    case 'mmap': {
      const prot = [operation.prot.includes('r') && 'PROT_READ', operation.prot.includes('w') && 'PROT_WRITE'];
      const protText = prot.filter(Boolean).join('|') || 'PROT_NONE';
      return `mmap(NULL, ${operation.size}, ${protText}, ${operation.flags ?? 'MAP_SHARED'}, ${operation.fd}, ${operation.offset}) = ${result(answer, answer.address ?? '0')}`;
    }
    case 'munmap':
      return `munmap(${operation.of}) = ${result(answer, String(ret))}`;
    case 'peek':
      return `load${operation.size * 8}(${operation.at}) = ${answer.signal ? `killed by ${answer.signal}` : (answer.hex ?? '')}`;
    case 'poke':
      return `store${operation.hex.length * 4}(${operation.at}, ${operation.hex}) = ${answer.signal ? `killed by ${answer.signal}` : 'ok'}`;
    case 'eventfd':
      return `eventfd2(0, EFD_CLOEXEC|EFD_NONBLOCK) = ${result(answer, String(ret))}`;
    case 'evread':
      return `read(${operation.fd}, [${answer.count ?? ''}], 8) = ${result(answer, '8')}`;
    case 'evwrite':
      return `write(${operation.fd}, [${operation.count}], 8) = ${result(answer, '8')}`;
    case 'poll':
      return `poll([{fd=${operation.fd}, events=POLLIN}], 1, ${operation.ms}) = ${result(answer, String(ret))}`;
    case 'wait':
      return `nanosleep(${operation.ms} ms) = ${result(answer, '0')}`;
    case 'sysread':
      return `read(${quoted(operation.path)}, ${answer.text !== undefined ? quoted(answer.text) : bytesText(answer.hex ?? '')}) = ${result(answer, String(answer.ret ?? answer.text?.length ?? 0))}`;
    case 'syswrite':
      return `write(${quoted(operation.path)}, ${operation.text !== undefined ? quoted(operation.text) : bytesText(operation.hex ?? '')}) = ${result(answer, String(ret))}`;
    case 'readlink':
      return `readlink(${quoted(operation.path)}, ${quoted(answer.target ?? '')}) = ${result(answer, String(answer.target?.length ?? 0))}`;
    case 'rlimit':
      return `setrlimit(RLIMIT_MEMLOCK, ${operation.memlock}) = ${result(answer, '0')}`;
    case 'setuid':
      return `setresuid(${operation.uid}, ${operation.uid}, ${operation.uid}) = ${result(answer, '0')}`;
    case 'rename':
      return `rename(${quoted(operation.path)}, ${quoted(operation.to)}) = ${result(answer, '0')}`;
    case 'symlink':
      return `symlink(${quoted(operation.target)}, ${quoted(operation.path)}) = ${result(answer, '0')}`;
    case 'insmod':
      return `finit_module(${quoted(operation.module)}, ${quoted(operation.parameters ?? '')}, 0) = ${result(answer, '0')}`;
    case 'rmmod':
      return `delete_module(${quoted(operation.module)}, O_NONBLOCK) = ${result(answer, '0')}`;
    case 'syslog':
    case 'cfgsweep':
    case 'klog':
    case 'join':
      return `${operation.op}() = ${result(answer, 'ok')}`;
    default:
      return `${operation.op}(${quoted(operation.path)}) = ${result(answer, String(ret))}`;
  }
}
