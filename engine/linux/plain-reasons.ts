/**
 * Why a system call failed where the errno alone says it, whatever file it was made on. A check that knows more has
 * written its own reason before; then that one stays.
 */
import { ERRNO } from './errno';
import type { OpenFile } from './process/files';
import type { Process } from './process/process';
import type { WhyLog } from './why';

/** What was found and, where something can be done, what. */
type Reason = readonly [check: string, found: string, remedy?: string];

const who = (p: Process): string => `Process ${p.pid} (user ${p.uid})`;

/** How the nodes of VFIO come to be, by their path. */
function missingNode(path: string): string | undefined {
  if (path === '/dev/vfio/vfio') return 'modprobe vfio-pci';
  if (path === '/dev/iommu') return 'modprobe iommufd';
  if (/^\/dev\/vfio\/(?:noiommu-)?\d+$/.test(path)) return 'Bind a function of the group to vfio-pci.';
  return /^\/dev\/vfio\/devices\/vfio\d+$/.test(path) ? 'Bind the function to vfio-pci.' : undefined;
}

function openReason(p: Process, errno: number, path: string): Reason | null {
  switch (errno) {
    case ERRNO.ENOENT:
      return ['file.missing', `There is no ${path}.`, missingNode(path)];
    case ERRNO.ENOTDIR:
      return ['file.directory', `A part of ${path} is no directory.`];
    case ERRNO.EISDIR:
      return ['file.directory', `${path} is a directory and can only be read.`];
    case ERRNO.ELOOP:
      return ['file.links', `${path} is a link, or leads through too many.`];
    case ERRNO.ENAMETOOLONG:
      return ['file.name', 'The path, or a name in it, is too long.'];
    case ERRNO.EEXIST:
      return ['file.exists', `${path} exists already.`];
    case ERRNO.EACCES:
      return p.capabilities.has('CAP_DAC_OVERRIDE')
        ? ['file.operation', `${path} has no operation for the access that is asked.`, 'ls -l shows what it has.']
        : ['file.permission', `${who(p)} may not search a directory on the way to ${path}, or not open it like this.`];
    case ERRNO.EMFILE:
      return descriptorsFull(p);
    default:
      return null;
  }
}

const descriptorsFull = (p: Process): Reason => [
  'descriptor.limit',
  `${who(p)} has as many descriptors open as its limit allows (${p.limits.nofile}).`,
  'Close some, or raise RLIMIT_NOFILE.',
];

function requestReason(p: Process, errno: number, file: OpenFile, request: number, arg: bigint): Reason | null {
  switch (errno) {
    case ERRNO.ENOTTY:
      return ['ioctl.request', `${file.link} has no request 0x${request.toString(16)}.`];
    case ERRNO.EFAULT:
      return [
        'ioctl.memory',
        `${who(p)} has no memory at 0x${arg.toString(16)}, or behind a pointer in it, that can be read and written.`,
        'Give the address of a whole, writable structure.',
      ];
    case ERRNO.EMFILE:
      return descriptorsFull(p);
    default:
      return null;
  }
}

function transferReason(p: Process, errno: number, file: OpenFile): Reason | null {
  switch (errno) {
    case ERRNO.EINVAL:
      return ['file.value', `${file.link} does not take what was written, or not at this offset and length.`];
    case ERRNO.EPERM:
      return ['file.capability', `${who(p)} lacks CAP_SYS_ADMIN.`, 'Run it as root.'];
    case ERRNO.EIO:
      return ['file.answer', `${file.link} has nothing to give or take now.`];
    case ERRNO.EFBIG:
      return ['file.end', `The offset lies behind the end of ${file.link}.`];
    case ERRNO.EOPNOTSUPP:
      return ['file.support', `No driver here serves ${file.link}.`];
    default:
      return null;
  }
}

function note(why: WhyLog, result: number, reason: Reason | null): number {
  return reason === null ? result : why.refuse(result, ...reason);
}

/** Result of an open. */
export const explainOpen = (why: WhyLog, p: Process, result: number, path: string): number =>
  result >= 0 || why.last !== null ? result : note(why, result, openReason(p, -result, path));

/** Result of an ioctl. */
export const explainIoctl = (
  why: WhyLog,
  p: Process,
  result: number,
  file: OpenFile,
  request: number,
  arg: bigint,
): number =>
  result >= 0 || why.last !== null ? result : note(why, result, requestReason(p, -result, file, request, arg));

/** Result of a read or write. An eventfd without a count (EAGAIN) is no refusal. */
export const explainTransfer = (why: WhyLog, p: Process, result: number, file: OpenFile): number =>
  result >= 0 || why.last !== null ? result : note(why, result, transferReason(p, -result, file));
