/**
 * The window's actions as small user-space programs: each issues the system calls a person would type, and nothing
 * else. `Caller` applies a call and keeps it in the gesture; the calls come back as strace lines.
 */
import type { Operation } from '../linux/uapi/operation';
import { REGION_INDEX, REGION_SHIFT, SET_IRQS } from '../linux/uapi/vfio';
import { fromHex } from '../shell/calls/hex';
import type { Stimulus } from '../hardware/devices/stimulus';
import { stimulusText } from '../hardware/devices/stimulus-text';
import type { Action, ActionResult } from './action';
import { Refused, Script, devicePath, driverOf, short, write } from './script';
import type { Caller } from './script';
import { editNotes } from './edit/words';
import { CLIENT, holderLabel, isHolderAction, leaveWhenEmpty, performHolder } from './holder-actions';
import type { HolderAction } from './holder-actions';
import { isTopologyAction, performTopology, topologyLabel } from './topology-actions';
import type { TopologyAction } from './topology-actions';

const IRQ_NAMES = ['INTx', 'MSI', 'MSI-X'] as const;

function unbind(script: Script, address: string): string | null {
  const driver = driverOf(script, address);
  if (driver === null) return null;
  const operation = {
    op: 'syswrite',
    path: `${devicePath(address)}/driver/unbind`,
    text: address,
    async: 'unbind',
    ms: 0,
  };
  const answer = script.call(
    script.caller.rootPid(),
    operation as Operation,
    `${short(address)} was not unbound from ${driver}`,
  );
  if (answer.pending) {
    throw new Refused(
      `${short(address)} cannot be unbound yet: a process holds it open, and ${driver} has asked it to let go.`,
      'EBUSY',
      null,
    );
  }
  return driver;
}

function bind(script: Script, address: string, driver: string | null): string {
  const override = `${devicePath(address)}/driver_override`;
  write(script, override, driver ?? '\n', `driver_override of ${short(address)} was not written`);
  const before = driverOf(script, address);
  if (before !== null && before !== driver) unbind(script, address);
  if (before !== null && before === driver) return `${short(address)} is bound to ${driver} already.`;
  write(script, '/sys/bus/pci/drivers_probe', address, `${short(address)} was not probed`);
  const after = driverOf(script, address);
  if (driver !== null && after !== driver) {
    const loaded = script.caller.observe({ op: 'stat', path: `/sys/bus/pci/drivers/${driver}` }).errno === undefined;
    const reason = loaded ? `${driver} refused it; dmesg says why` : `no driver ${driver} is loaded`;
    throw new Refused(`${short(address)} has no driver: ${reason}.`, 'ENODEV', null);
  }
  return after === null
    ? `${short(address)} has no driver now: no registered driver matches it.`
    : `${short(address)} is bound to ${after}.`;
}

const TYPE1V2 = 3;

function attach(script: Script, action: Action & { kind: 'attach' }): string {
  const { caller } = script;
  const held = caller.holdings().groups.find((group) => group.id === action.group);
  if (held?.containerFd != null) {
    throw new Refused(`Group ${action.group} is in a container of process ${held.pid} already.`, 'EBUSY', null);
  }
  const groupName = caller.holdings().groupNode(action.group);
  if (groupName === null) {
    throw new Refused(
      `Group ${action.group} has no /dev/vfio/${action.group}: no member is bound to vfio-pci. Bind a member first.`,
      'ENOENT',
      null,
    );
  }
  const fresh = action.pid === null;
  const pid = action.pid ?? caller.spawn(CLIENT);
  const opened: number[] = [];
  const open = (path: string, name: string): number => {
    const fd = script.call(pid, { op: 'open', path, flags: 'O_RDWR', as: name }, `${path} was not opened`).fd!;
    opened.push(fd);
    return fd;
  };
  try {
    const container = action.containerFd ?? open('/dev/vfio/vfio', 'container');
    const group = held && held.pid === pid ? held.fd : open(`/dev/vfio/${groupName}`, 'group');
    script.call(pid, { op: 'ioctl', fd: container, request: 'VFIO_GET_API_VERSION' }, 'The API version was not read');
    script.call(
      pid,
      { op: 'ioctl', fd: group, request: 'VFIO_GROUP_GET_STATUS', arg: { argsz: 8 } },
      'The group status was not read',
    );
    script.call(
      pid,
      { op: 'ioctl', fd: group, request: 'VFIO_GROUP_SET_CONTAINER', arg: container },
      `Group ${action.group} was not attached`,
    );
    const existing = caller.holdings().containers.find((one) => one.pid === pid && one.fd === container);
    if (existing?.container.backend == null) {
      script.call(
        pid,
        { op: 'ioctl', fd: container, request: 'VFIO_SET_IOMMU', arg: TYPE1V2 },
        'The type1v2 IOMMU was not set',
      );
    }
    const members = caller.holdings().members(action.group);
    const mine = members.filter((member) => member.driver === 'vfio-pci');
    for (const member of mine) {
      script.call(
        pid,
        {
          op: 'ioctl',
          fd: group,
          request: 'VFIO_GROUP_GET_DEVICE_FD',
          arg: member.address,
          as: `device-${member.address}`,
        },
        `${short(member.address)} was not opened`,
      );
    }
    const names = mine.map((member) => short(member.address)).join(' and ');
    return `Group ${action.group} is attached; process ${pid} holds ${names || 'no device yet'}.`;
  } catch (error) {
    for (const fd of opened.reverse()) script.attempt(pid, { op: 'close', fd });
    if (fresh) script.input({ kind: 'exit', pid });
    throw error;
  }
}

function detach(script: Script, group: number): string {
  const holdings = script.caller.holdings();
  const held = holdings.groups.find((candidate) => candidate.id === group);
  if (!held) return detachDevices(script, group);
  for (const device of held.devices) script.call(held.pid, { op: 'close', fd: device.fd }, 'The device was not closed');
  script.call(held.pid, { op: 'close', fd: held.fd }, 'The group was not closed');
  const container = holdings.containers.find((one) => one.pid === held.pid && one.fd === held.containerFd);
  if (container?.container.groups.length === 0 && held.processName === CLIENT)
    script.call(held.pid, { op: 'close', fd: container.fd }, 'The container was not closed');
  leaveWhenEmpty(script, held.pid);
  return `Group ${group} is free again.`;
}

/** Devices that were opened through their own files: a group has no descriptor then. */
function detachDevices(script: Script, group: number): string {
  const members = new Set(
    script.caller
      .holdings()
      .members(group)
      .map(({ address }) => address),
  );
  const devices = script.caller.holdings().devices.filter(({ address }) => members.has(address));
  if (devices.length === 0) throw new Refused(`Nobody holds group ${group}.`, 'EINVAL', null);
  for (const { pid, fd } of devices) script.call(pid, { op: 'close', fd }, 'The device was not closed');
  for (const pid of new Set(devices.map((device) => device.pid))) leaveWhenEmpty(script, pid);
  return `Group ${group} is free again.`;
}

function openDevice(script: Script, address: string): { pid: number; fd: number } {
  const device = script.caller.holdings().device(address);
  if (!device) {
    throw new Refused(`No process has ${short(address)} open. Attach its group first.`, 'ENODEV', null);
  }
  return device;
}

function enableVectors(script: Script, action: Action & { kind: 'enable-vectors' }): string {
  const { pid, fd } = openDevice(script, action.address);
  const name = IRQ_NAMES[action.index];
  const info = script.call(
    pid,
    { op: 'ioctl', fd, request: 'VFIO_DEVICE_GET_IRQ_INFO', arg: { argsz: 16, index: action.index } },
    `${short(action.address)} did not say how many ${name} vectors it has`,
  ).arg as { count: number };
  if (action.count < 1 || action.count > info.count) {
    throw new Refused(
      `${short(action.address)} has ${info.count} ${name} vectors; ${action.count} were asked for.`,
      'EINVAL',
      null,
    );
  }
  const current = script.caller.holdings().vectors(action.address);
  if (current !== null && current.index !== action.index) {
    throw new Refused(
      `${short(action.address)} uses ${IRQ_NAMES[current.index] ?? 'another kind'} now. Turn that off first.`,
      'EINVAL',
      null,
    );
  }
  const fds = Array.from(
    { length: action.count },
    (_, vector) => script.call(pid, { op: 'eventfd', as: `${action.address}-${vector}` }, 'No eventfd was made').fd!,
  );
  const flags = SET_IRQS.DATA_EVENTFD | SET_IRQS.ACTION_TRIGGER;
  const arg = { flags, index: action.index, start: 0, count: action.count, fds };
  const { answer, why } = script.attempt(pid, { op: 'ioctl', fd, request: 'VFIO_DEVICE_SET_IRQS', arg });
  if (answer.errno !== undefined) {
    for (const eventfd of fds) script.attempt(pid, { op: 'close', fd: eventfd });
    throw new Refused(`${name} was not enabled on ${short(action.address)} (${answer.errno}).`, answer.errno, why);
  }
  if (action.index !== 0) allowBusMaster(script, pid, fd, action.address);
  return `${action.count} ${name} ${action.count === 1 ? 'vector' : 'vectors'} of ${short(action.address)} deliver to eventfds ${fds.join(', ')}.`;
}

const COMMAND = 0x04;
const BUS_MASTER = 0x4;

const configOffset = (register: number): string =>
  `0x${(BigInt(REGION_INDEX.CONFIG) * (1n << BigInt(REGION_SHIFT)) + BigInt(register)).toString(16)}`;

/** A message is a memory write of the device, so its driver lets it master the bus (PCI 3.0, 6.2.2). */
function allowBusMaster(script: Script, pid: number, fd: number, address: string): void {
  const offset = configOffset(COMMAND);
  const read = script.call(pid, { op: 'pread', fd, offset, size: 2 }, `COMMAND of ${short(address)} was not read`);
  const low = parseInt(read.hex!.slice(0, 2), 16);
  if (low & BUS_MASTER) return;
  const hex = (low | BUS_MASTER).toString(16).padStart(2, '0') + read.hex!.slice(2);
  script.call(pid, { op: 'pwrite', fd, offset, hex }, `COMMAND of ${short(address)} was not written`);
}

function disableVectors(script: Script, address: string, index: number): string {
  const { pid, fd } = openDevice(script, address);
  const eventfds = script.caller.holdings().vectors(address)?.eventfds ?? [];
  const flags = SET_IRQS.DATA_NONE | SET_IRQS.ACTION_TRIGGER;
  script.call(
    pid,
    { op: 'ioctl', fd, request: 'VFIO_DEVICE_SET_IRQS', arg: { flags, index, start: 0, count: 0 } },
    `${IRQ_NAMES[index] ?? 'The interrupt'} was not turned off`,
  );
  for (const eventfd of eventfds) script.attempt(pid, { op: 'close', fd: eventfd });
  return `${IRQ_NAMES[index] ?? 'The interrupt'} of ${short(address)} is off.`;
}

function maskVector(script: Script, action: Action & { kind: 'mask-vector' }): string {
  const { pid, fd } = openDevice(script, action.address);
  const flags = SET_IRQS.DATA_NONE | (action.masked ? SET_IRQS.ACTION_MASK : SET_IRQS.ACTION_UNMASK);
  const arg = { flags, index: action.index, start: action.vector, count: 1 };
  const verb = action.masked ? 'masked' : 'unmasked';
  script.call(
    pid,
    { op: 'ioctl', fd, request: 'VFIO_DEVICE_SET_IRQS', arg },
    `Vector ${action.vector} of ${short(action.address)} was not ${verb}`,
  );
  return `Vector ${action.vector} of ${short(action.address)} is ${verb}.`;
}

function writeConfig(script: Script, action: Action & { kind: 'write-config' }): string {
  const bytes = action.hex.length >> 1;
  const at = action.offset.toString(16).padStart(3, '0');
  if (action.as === 'user') {
    const { pid, fd } = openDevice(script, action.address);
    script.explanation = script.caller.explainWrite(action.address, action.offset, fromHex(action.hex));
    const offset = configOffset(action.offset);
    const answer = script.call(
      pid,
      { op: 'pwrite', fd, offset, hex: action.hex },
      `The write to ${at} of ${short(action.address)} was refused`,
    );
    const after = script.call(pid, { op: 'pread', fd, offset, size: bytes }, 'The register was not read back').hex;
    return `Write of ${bytes} ${bytes === 1 ? 'byte' : 'bytes'} at ${at} returned ${answer.ret}; it reads ${after} now.`;
  }
  const path = `${devicePath(action.address)}/config`;
  const answer = script.call(
    script.caller.rootPid(),
    { op: 'syswrite', path, offset: action.offset, hex: action.hex },
    `The write to ${at} of ${short(action.address)} was refused`,
  );
  return `Root's write of ${bytes} ${bytes === 1 ? 'byte' : 'bytes'} at ${at} returned ${answer.ret}.`;
}

function happened(script: Script, stimulus: Stimulus): string {
  const { error, answer } = script.caller.apply({ kind: 'stimulus', stimulus });
  if (error !== null) throw new Refused(error, '', null);
  const times = stimulus.count === undefined || stimulus.count === 1 ? '' : ` ${stimulus.count} times`;
  const stopped = answer?.errno === undefined ? '' : ' Not all of it got through; the log tells why.';
  const found = answer?.hex === undefined ? '' : ` It read ${answer.hex}.`;
  return `${short(stimulus.device)}: ${stimulusText(stimulus)}${times}.${found}${stopped}`;
}

function perform(script: Script, action: Exclude<Action, TopologyAction | HolderAction>): string {
  switch (action.kind) {
    case 'bind':
      return bind(script, action.address, action.driver);
    case 'unbind': {
      const driver = unbind(script, action.address);
      return driver === null
        ? `${short(action.address)} has no driver already.`
        : `${short(action.address)} is unbound from ${driver}.`;
    }
    case 'attach':
      return attach(script, action);
    case 'detach':
      return detach(script, action.group);
    case 'enable-vectors':
      return enableVectors(script, action);
    case 'disable-vectors':
      return disableVectors(script, action.address, action.index);
    case 'mask-vector':
      return maskVector(script, action);
    case 'fire': {
      script.input({
        kind: 'stimulus',
        stimulus: { device: action.address, kind: 'interrupt', vector: action.vector },
      });
      const what = action.vector === null ? 'its INTx line' : `vector ${action.vector}`;
      return `${short(action.address)} raised ${what}.`;
    }
    case 'stimulate':
      return happened(script, action.stimulus);
    case 'write-config':
      return writeConfig(script, action);
    case 'reset': {
      const device = script.caller.holdings().device(action.address);
      const refusal = `${short(action.address)} was not reset`;
      if (device) script.call(device.pid, { op: 'ioctl', fd: device.fd, request: 'VFIO_DEVICE_RESET' }, refusal);
      else write(script, `${devicePath(action.address)}/reset`, '1', refusal);
      return `${short(action.address)} was reset.`;
    }
    case 'edit-hardware':
      script.input({
        kind: 'edit',
        edit: { kind: 'config', address: action.address, offset: action.offset, hex: action.hex },
      });
      return `Registers of ${short(action.address)} are changed; the machine was enumerated anew.`;
    case 'write-file': {
      const { path, text } = action;
      script.call(script.caller.rootPid(), { op: 'syswrite', path, text, create: true }, `${path} was not saved`);
      return `${path} is saved.`;
    }
    case 'wait':
      script.input({ kind: 'time', ms: action.ms });
      return `${action.ms} ms passed.`;
  }
}

/** Names an action for undo: `Bind 01:00.0 to vfio-pci`. */
export function actionLabel(action: Action): string {
  if (isTopologyAction(action)) return topologyLabel(action);
  if (isHolderAction(action)) return holderLabel(action);
  switch (action.kind) {
    case 'bind':
      return action.driver === null
        ? `Give ${short(action.address)} back`
        : `Bind ${short(action.address)} to ${action.driver}`;
    case 'unbind':
      return `Unbind ${short(action.address)}`;
    case 'attach':
      return `Attach group ${action.group}`;
    case 'detach':
      return `Detach group ${action.group}`;
    case 'enable-vectors':
      return `Enable ${action.count} ${IRQ_NAMES[action.index]} on ${short(action.address)}`;
    case 'disable-vectors':
      return `Turn off ${IRQ_NAMES[action.index]} on ${short(action.address)}`;
    case 'mask-vector':
      return `${action.masked ? 'Mask' : 'Unmask'} vector ${action.vector}`;
    case 'fire':
      return action.vector === null ? `Raise INTx of ${short(action.address)}` : `Fire vector ${action.vector}`;
    case 'stimulate':
      return `${short(action.stimulus.device)}: ${stimulusText(action.stimulus)}`;
    case 'write-config':
      return `Write ${action.offset.toString(16).padStart(3, '0')} of ${short(action.address)}`;
    case 'reset':
      return `Reset ${short(action.address)}`;
    case 'edit-hardware':
      return `Edit registers of ${short(action.address)}`;
    case 'write-file':
      return `Save ${action.path.slice(action.path.lastIndexOf('/') + 1)}`;
    case 'wait':
      return `Wait ${action.ms} ms`;
  }
}

const explained = ({ explanation }: Script): Pick<ActionResult, 'explanation'> => (explanation ? { explanation } : {});

/** Addresses for the screen to select, and what else an edit did. */
function edited({ report }: Script): Pick<ActionResult, 'edited'> {
  if (report === null) return {};
  const { added, main, key, names } = report;
  return { edited: { added: [...added], main, key, names: Object.fromEntries(names), notes: editNotes(report) } };
}

export function runAction(caller: Caller, action: Action): ActionResult {
  const script = new Script(caller);
  try {
    const message = isTopologyAction(action)
      ? performTopology(script, action)
      : isHolderAction(action)
        ? performHolder(script, action)
        : perform(script, action);
    return { ok: true, message, errno: null, why: null, ...explained(script), ...edited(script), calls: script.calls };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return {
      ok: false,
      message: error.message,
      errno: error.errno || null,
      why: error.why,
      ...explained(script),
      calls: script.calls,
    };
  }
}
