/** lspci as a program of the shell. */
import { encode } from '../streams';
import { fileAccessOf } from './file-access';
import { lspci } from './lspci/run';
import type { Program } from './program';

export const program: Program = async (context) => {
  const { stdout, stderr, status } = lspci(context.args, fileAccessOf(context));
  if (stderr !== '') await context.stderr.write(encode(stderr));
  if (stdout !== '') await context.stdout.write(encode(stdout));
  return status;
};
