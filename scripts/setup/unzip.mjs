/** Unpacks a zip archive: stored and deflated members, no zip64. */
import { closeSync, createReadStream, createWriteStream, fstatSync, mkdirSync, openSync, readSync } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createInflateRaw } from 'node:zlib';

const END_OF_DIRECTORY = Buffer.from('PK\x05\x06', 'latin1');
const LONGEST_END = 22 + 0xffff;
const LOCAL_HEADER = 30;
const DEFLATED = 8;
const STORED = 0;

function read(handle, at, length) {
  const bytes = Buffer.alloc(length);
  if (readSync(handle, bytes, 0, length, at) !== length) throw new Error('the zip archive is cut off');
  return bytes;
}

function* members(handle) {
  const size = fstatSync(handle).size;
  const tail = read(handle, Math.max(0, size - LONGEST_END), Math.min(size, LONGEST_END));
  const end = tail.lastIndexOf(END_OF_DIRECTORY);
  if (end < 0) throw new Error('the zip archive has no directory');
  const directory = read(handle, tail.readUInt32LE(end + 16), tail.readUInt32LE(end + 12));
  let at = 0;
  for (let left = tail.readUInt16LE(end + 10); left > 0; left--) {
    const nameLength = directory.readUInt16LE(at + 28);
    yield {
      name: directory.toString('utf8', at + 46, at + 46 + nameLength),
      method: directory.readUInt16LE(at + 10),
      packed: directory.readUInt32LE(at + 20),
      mode: (directory.readUInt32LE(at + 38) >>> 16) & 0o777,
      offset: directory.readUInt32LE(at + 42),
    };
    at += 46 + nameLength + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
  }
}

/** @param {(name: string) => string | null} rename where a member goes below `folder`; null leaves it out */
export async function unzip(file, folder, rename) {
  const handle = openSync(file, 'r');
  try {
    for (const member of members(handle)) {
      if (member.name.endsWith('/')) continue;
      const relative = rename(member.name);
      if (relative === null) continue;
      const target = path.resolve(folder, relative);
      if (!target.startsWith(folder + path.sep)) throw new Error(`the zip archive wants to write to ${member.name}`);
      if (member.method !== DEFLATED && member.method !== STORED)
        throw new Error(`${member.name}: unknown compression`);
      mkdirSync(path.dirname(target), { recursive: true });
      const local = read(handle, member.offset, LOCAL_HEADER);
      const start = member.offset + LOCAL_HEADER + local.readUInt16LE(26) + local.readUInt16LE(28);
      const source = createReadStream('', {
        fd: handle,
        start,
        end: start + member.packed - 1,
        autoClose: false,
        highWaterMark: 1 << 20,
      });
      const steps = member.method === DEFLATED ? [createInflateRaw({ chunkSize: 1 << 20 })] : [];
      await pipeline([source, ...steps, createWriteStream(target, { mode: member.mode || 0o644 })]);
    }
  } finally {
    closeSync(handle);
  }
}
