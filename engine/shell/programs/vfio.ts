/** The lab's step-by-step VFIO client. Its descriptors belong to the shell, so each command goes on from the last. */
import { encode } from '../streams';
import type { Program } from './program';
import { print } from './support/output';
import { attach, detach, status } from './vfio/attach';
import { config, hotReset, info, region } from './vfio/device';
import { map } from './vfio/dma';
import { interrupts } from './vfio/interrupts';
import { Refused, Session, UsageError } from './vfio/session';

const HELP = `vfio: drive a PCI function from user space, one system call at a time

  vfio attach ADDRESS            container, group, IOMMU, device: the way in
                                 --token UUID: the secret that a physical function shares with its
                                 virtual ones; --iommufd: /dev/iommu and the device's own file instead
  vfio status                    what this shell holds
  vfio info ADDRESS              regions and interrupts of the device
  vfio cfg ADDRESS REG[=VALUE]   config space as the user sees it: REG is an offset (0x04.w) or a name (COMMAND)
  vfio region ADDRESS N [OFFSET [SIZE | =VALUE]]
                                 read or write a region through its descriptor
  vfio irq ADDRESS msix 0-3 [--watch [-v]]
                                 an eventfd for each vector; also msi, intx, err, req; then
                                 mask, unmask, trigger N, drop N (its eventfd), or off (all)
  vfio irq watch [-v]            print each interrupt as it arrives, at any program (Ctrl-C ends it);
                                 -v: and its way from the device to the eventfd
  vfio map IOVA SIZE             memory of this process for the device's DMA
  vfio unmap IOVA SIZE
  vfio reset ADDRESS             reset of this function alone
  vfio hotreset ADDRESS          reset of its whole bus or slot: who is on it, and then the reset
  vfio detach [ADDRESS]          close what is open

A function must be bound to vfio-pci first, and so must all of its group that a host driver holds:
  driverctl set-override 0000:01:00.0 vfio-pci
Each step prints its system call. After a refusal, \`why' tells which check said no.
`;

async function dispatch(session: Session, command: string, args: readonly string[]): Promise<void> {
  switch (command) {
    case 'attach':
      return attach(session, args);
    case 'status':
      return status(session);
    case 'info':
      return info(session, args);
    case 'cfg':
      return config(session, args);
    case 'region':
      return region(session, args);
    case 'irq':
      return interrupts(session, args);
    case 'map':
    case 'unmap':
      return map(session, args, command === 'unmap');
    case 'reset': {
      const { address, fd } = session.device(args[0]);
      await session.step({ op: 'ioctl', fd, request: 'VFIO_DEVICE_RESET' }, `${address} was not reset`);
      return;
    }
    case 'hotreset':
      return hotReset(session, args);
    case 'detach':
      return detach(session, args);
    default:
      throw new UsageError(`${command} is no command`);
  }
}

export const vfio: Program = async (context) => {
  const [command, ...args] = context.args;
  const session = new Session(context);
  if (command === undefined || command === 'help' || command === '--help' || command === '-h') {
    await print(context, HELP);
    if (command === undefined) await status(session);
    return 0;
  }
  try {
    await dispatch(session, command, args);
    return 0;
  } catch (error) {
    if (error instanceof Refused) {
      await context.stderr.write(encode(`vfio: ${error.message}\n`));
      return 1;
    }
    if (error instanceof UsageError || error instanceof SyntaxError) {
      await context.stderr.write(encode(`vfio: ${error.message}\nTry 'vfio help'.\n`));
      return 2;
    }
    throw error;
  }
};
