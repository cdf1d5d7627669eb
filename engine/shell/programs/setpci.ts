/** setpci as a program of the shell: reads and writes configuration registers through sysfs. */
import { encode } from '../streams';
import { fileAccessOf } from './file-access';
import type { ConfigWriter } from './setpci/run';
import { setpci } from './setpci/run';
import { toHex } from '../calls/hex';
import type { Program } from './program';

export const program: Program = async (context) => {
  const writer: ConfigWriter = (path, offset, bytes) => {
    const answer = context.system.call({ op: 'syswrite', path, offset, hex: toHex(bytes) });
    return answer.errno === undefined;
  };
  const { stdout, stderr, status } = setpci(context.args, fileAccessOf(context), writer);
  if (stdout !== '') await context.stdout.write(encode(stdout));
  if (stderr !== '') await context.stderr.write(encode(stderr));
  return status;
};
