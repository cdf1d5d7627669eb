/** history, help, and builtins of line editing that have nothing to do here. */
import type { Builtin } from './builtin';

const history: Builtin = async (context) => {
  const lines = context.shell.host.history;
  if (!lines) return 0;
  const [argument] = context.args;
  if (argument === '-c') {
    lines.length = 0;
    return 0;
  }
  if (argument !== undefined && !/^\d+$/.test(argument)) {
    await context.complain(`${argument}: numeric argument required`);
    return 1;
  }
  const from = argument === undefined ? 0 : Math.max(0, lines.length - Number(argument));
  const text = lines.slice(from).map((line, i) => `${String(from + i + 1).padStart(5)}  ${line}\n`);
  if (text.length > 0) await context.write(text.join(''));
  return 0;
};

const HELP_TEXT = `VFIO Lab's shell. It speaks the language of bash; this is a lab, so nothing here can harm your machine.

Look around        lspci -nn    lspci -tv    ls /sys/kernel/iommu_groups    dmesg | tail
Give a device away driverctl set-override 0000:01:00.0 vfio-pci
Drive it           vfio         (a step-by-step client that shows each system call)
Make it act        stim 0000:01:00.0 vector 0
Ask why            why          (the reason for the last refusal, or for a group)
See system calls   strace -f COMMAND
Manuals            man vfio     man stim     man why

Builtins: type \`type NAME' for what a name is; Tab completes commands, paths, PCI addresses and drivers.
`;

export const HELP: Readonly<Record<string, Builtin>> = {
  history,
  help: async (context) => {
    await context.write(HELP_TEXT);
    return 0;
  },
  complete: async () => 0,
  compopt: async () => 0,
  bind: async () => 0,
};
