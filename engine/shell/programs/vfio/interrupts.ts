/** Eventfds for vectors, and watching them. */
import type { Operation } from '../../../linux/uapi/operation';
import { CONFIG_REGION, IRQS, Refused, UsageError, bigEndian, hex } from './session';
import type { EventSource, Session } from './session';
import { lookUp } from '../../../hardware/lookup';

const IRQ_WORDS: Readonly<Record<string, number>> = { intx: 0, msi: 1, msix: 2, 'msi-x': 2, err: 3, req: 4 };

const DATA_NONE = 1;

const DATA_EVENTFD = 4;

const ACTIONS: Readonly<Record<string, number>> = { mask: 1 << 3, unmask: 1 << 4, trigger: 1 << 5 };

function range(text: string | undefined): [number, number] {
  const match = /^(\d+)(?:-(\d+))?$/.exec(text ?? '0');
  if (!match) throw new UsageError(`${text} is no vector and no range`);
  return [Number(match[1]), Number(match[2] ?? match[1])];
}

export async function interrupts(session: Session, args: readonly string[]): Promise<void> {
  const { client } = session;
  const verbose = args.includes('-v');
  if (args[0] === 'watch') return watchEvents(session, { verbose });
  const { address, fd } = session.device(args[0]);
  const index = lookUp(IRQ_WORDS, args[1]?.toLowerCase() ?? '');
  if (index === undefined) throw new UsageError('say msix, msi, intx, err or req');
  const name = IRQS[index]!;
  const [verb, operand] = args.slice(2).filter((arg) => arg !== '-v');
  const isOf = (event: EventSource, from: number, to: number): boolean =>
    event.device === address && event.index === index && event.vector >= from && event.vector <= to;
  const setIrqs = (flags: number, start: number, count: number, more: object = {}): Operation => ({
    op: 'ioctl',
    fd,
    request: 'VFIO_DEVICE_SET_IRQS',
    arg: { flags, index, start, count, ...more },
  });
  if (verb === 'off') {
    await session.step(setIrqs(DATA_NONE | ACTIONS['trigger']!, 0, 0), `${name} was not switched off`);
    await closeEvents(session, (event) => event.device === address && event.index === index);
    return;
  }
  if (verb === 'drop') {
    const [from, to] = range(operand);
    const fds = Array.from({ length: to - from + 1 }, () => -1);
    const flags = DATA_EVENTFD | ACTIONS['trigger']!;
    await session.step(setIrqs(flags, from, fds.length, { fds }), `${name} ${from} was not dropped`);
    await closeEvents(session, (event) => isOf(event, from, to));
    return;
  }
  const action = verb === undefined ? undefined : lookUp(ACTIONS, verb);
  if (action !== undefined) {
    const [from, to] = range(operand);
    await session.step(setIrqs(DATA_NONE | action, from, to - from + 1), `${name} ${verb} was refused`);
    return;
  }
  const watching = args.includes('--watch');
  const [from, to] = range(verb === '--watch' ? undefined : verb);
  const fresh: EventSource[] = [];
  for (let vector = from; vector <= to; vector++) {
    const opened = await session.step({ op: 'eventfd' }, 'no eventfd was made');
    fresh.push({ fd: opened.fd!, device: address, index, vector });
  }
  try {
    await session.step(
      setIrqs(DATA_EVENTFD | ACTIONS['trigger']!, from, to - from + 1, { fds: fresh.map((event) => event.fd) }),
      `${name} was not enabled`,
    );
  } catch (error) {
    for (const event of fresh) await session.attempt({ op: 'close', fd: event.fd });
    throw error;
  }
  await closeEvents(session, (event) => isOf(event, from, to));
  client.events.push(...fresh);
  await session.say(
    `${name} ${from === to ? from : `${from}-${to}`} of ${address}: each vector wakes its eventfd. vfio irq watch shows arrivals.`,
  );
  if (index === 1 || index === 2) await hintBusMaster(session, args[0]!, fd);
  if (watching) await watchEvents(session, { verbose });
}

/** A message interrupt is a memory write of the device, which needs COMMAND.BusMaster. */
async function hintBusMaster(session: Session, name: string, fd: number): Promise<void> {
  const { offset } = await session.region(fd, CONFIG_REGION);
  const command = await session.attempt({ op: 'pread', fd, offset: hex(offset + 4n), size: 2 });
  const value = parseInt(bigEndian(command.hex ?? '0000'), 16);
  if ((value & 4) === 0) {
    await session.say(`Bus mastering is off, so the device cannot send it: vfio cfg ${name} COMMAND=${hex(value | 6)}`);
  }
}

export async function closeEvents(session: Session, which: (event: EventSource) => boolean): Promise<void> {
  for (const event of session.client.events.filter(which)) await session.attempt({ op: 'close', fd: event.fd });
  session.client.events = session.client.events.filter((event) => !which(event));
}

const sinceBoot = (ms: number): string => `[${(ms / 1000).toFixed(6).padStart(12)}]`;

const sourceName = (device: string, index: number, vector: number): string =>
  `${device} ${IRQS[index]}${index === 1 || index === 2 ? ` vector ${vector}` : ''}`;

/** Prints each arrival until the program is stopped: on eventfds of this shell, and on those of other programs. */
async function watchEvents(session: Session, options: { verbose: boolean }): Promise<void> {
  const { client, context } = session;
  const { system } = context;
  const others = system.arrivals !== undefined;
  if (client.events.length === 0 && !others) throw new Refused('no eventfd is waiting: vfio irq ADDRESS msix 0-3');
  const totals = new Map<EventSource, number>();
  let { next } = system.arrivals?.(Number.MAX_SAFE_INTEGER) ?? { next: 0 };
  await session.say(
    `Watching ${client.events.length} eventfds of this shell${others ? ', and those of other programs' : ''}. Ctrl-C ends it.`,
  );
  for (;;) {
    for (const event of client.events) {
      if ((system.call({ op: 'poll', fd: event.fd, ms: 0 }).revents ?? 0) === 0) continue;
      const answer = system.call({ op: 'evread', fd: event.fd });
      const count = answer.count ?? 0;
      if (count === 0) continue;
      const total = (totals.get(event) ?? 0) + count;
      totals.set(event, total);
      const source = sourceName(event.device, event.index, event.vector);
      await session.say(
        `${sinceBoot(system.now?.().monotonic ?? 0)} ${source}: ${count} arrived on eventfd ${event.fd} (${total} since the watch began)`,
      );
    }
    const seen = system.arrivals?.(next) ?? { next, list: [] };
    next = seen.next;
    for (const arrival of seen.list) {
      const source = sourceName(arrival.device, IRQ_WORDS[arrival.kind]!, arrival.vector);
      const lost = arrival.hops.at(-1)?.ok === false;
      if (arrival.pid !== null && arrival.pid !== system.pid)
        await session.say(`${sinceBoot(arrival.time)} ${source}: arrived at ${arrival.reader}`);
      else if (lost && options.verbose) await session.say(`${sinceBoot(arrival.time)} ${source}: did not arrive`);
      if (!options.verbose) continue;
      for (const hop of arrival.hops)
        await session.say(`    ${hop.ok ? ' ' : '!'} ${hop.step.padEnd(12)} ${hop.detail}`);
    }
    await system.wait();
    context.signal.throwIfAborted();
  }
}
