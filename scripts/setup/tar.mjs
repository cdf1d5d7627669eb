/** One member of a tar stream. */
import { Transform } from 'node:stream';

const BLOCK = 512;
const text = (block, from, to) => block.toString('latin1', from, to).replace(/\0.*$/s, '');

/** A transform from a tar archive to the bytes of its member `name`; names of up to 100 bytes, sizes below 8 GiB. */
export function tarMember(name) {
  let header = Buffer.alloc(0);
  let body = 0;
  let padding = 0;
  let ours = false;
  return new Transform({
    transform(chunk, _encoding, done) {
      let rest = chunk;
      while (rest.length > 0) {
        if (body > 0) {
          const part = rest.subarray(0, body);
          if (ours) this.push(part);
          body -= part.length;
          rest = rest.subarray(part.length);
        } else if (padding > 0) {
          const skipped = Math.min(padding, rest.length);
          padding -= skipped;
          rest = rest.subarray(skipped);
        } else {
          const part = rest.subarray(0, BLOCK - header.length);
          header = Buffer.concat([header, part]);
          rest = rest.subarray(part.length);
          if (header.length < BLOCK) break;
          ours = text(header, 0, 100) === name;
          body = parseInt(text(header, 124, 136).trim() || '0', 8);
          padding = (BLOCK - (body % BLOCK)) % BLOCK;
          header = Buffer.alloc(0);
        }
      }
      done();
    },
  });
}
