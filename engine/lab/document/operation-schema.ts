/** The shape of a system call in a document. What Linux makes of its values is decided when it is made. */
import { z } from 'zod';
import { MOST_BYTES } from '../../shell/calls/perform';

/** A day of the machine's time. */
const LONGEST_WAIT = 86_400_000;

const fd = z.union([z.number().int(), z.string()]);
const num = z.union([z.number(), z.string()]);
const name = z.string();
const path = z.string();
const size = z.number().int().min(0).max(MOST_BYTES);
const place = z.number().int().min(0);
const id = z.number().int().min(0).max(0xffff_ffff);
const bits = z.number().int();
const ms = z.number().min(0).max(LONGEST_WAIT);
const hex = z.string().regex(/^(?:[0-9a-f]{2})*$/i, 'is no hex');
const width = z.union([z.literal(1), z.literal(2), z.literal(4), z.literal(8)]);

/** By the name of the call: its fields. Recordings say more; what nobody reads is let through. */
const CALLS = {
  open: { path, flags: z.string().optional(), mode: bits.optional(), as: name.optional() },
  close: { fd },
  dup: { fd, as: name.optional() },
  ioctl: {
    fd,
    request: name,
    arg: z.union([z.number(), z.string(), z.record(z.string(), z.unknown())]).optional(),
    as: name.optional(),
    as_fd: name.optional(),
  },
  pread: { fd, offset: num, size },
  pwrite: { fd, offset: num, hex },
  read: { fd, size },
  write: { fd, hex },
  alloc: { as: name.optional(), size: num, align: place.optional(), ro: z.number().optional() },
  mmap: { fd, offset: num, size: num, prot: z.string(), flags: z.string().optional(), as: name.optional() },
  munmap: { of: name },
  poke: { at: z.string(), hex, width: width.optional() },
  peek: { at: z.string(), size, width: width.optional() },
  eventfd: { as: name.optional() },
  evread: { fd },
  evwrite: { fd, count: num },
  poll: { fd, ms },
  wait: { ms: ms.int() },
  sysread: { path, offset: place.optional(), size: size.optional(), hex: z.boolean().optional() },
  syswrite: {
    path,
    text: z.string().optional(),
    hex: hex.optional(),
    offset: place.optional(),
    append: z.boolean().optional(),
    create: z.boolean().optional(),
  },
  readlink: { path },
  ls: { path },
  stat: { path, follow: z.boolean().optional() },
  access: { path, mode: z.enum(['r', 'w', 'x']) },
  chmod: { path, mode: bits },
  chown: { path, uid: id, gid: id },
  mkdir: { path },
  rmdir: { path },
  unlink: { path },
  symlink: { target: path, path },
  rename: { path, to: path },
  rlimit: { memlock: num.optional(), nofile: place.optional() },
  setuid: { uid: id },
  klog: { match: z.string().optional() },
  syslog: { from: place },
  insmod: { module: name, parameters: z.string().optional() },
  rmmod: { module: name },
  cfgsweep: {
    fd,
    base: num,
    sys: path,
    from: place,
    to: z.number().int().max(0x1000),
    width: z.union([z.literal(1), z.literal(2), z.literal(4)]),
    patterns: z.array(hex).max(64),
  },
  join: { of: name },
} as const;

const [first, ...others] = Object.entries(CALLS).map(([op, fields]) =>
  z.looseObject({ op: z.literal(op), ...fields, async: name.optional(), ms: ms.optional() }),
);

export const operationSchema = z.discriminatedUnion('op', [first!, ...others]);
