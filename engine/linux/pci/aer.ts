/** The AER service of a root port: finds who reported an error, prints it, and lets drivers recover (pci-linux.md 5, 8.4). */
import { requesterId } from '../../hardware/pci/address';
import { PortType } from '../../hardware/pci/function';
import { resetBelow } from '../../hardware/devices/reset';
import type { KernelLog } from '../log';
import type { Severity } from './aer-counters';
import { countErrors, countReceived, namesOf } from './aer-counters';
import type { PciDevice } from './device';
import { LEVEL, devicePrefix } from './enable';
import { restoreState, saveState } from './state';

const AER = 0x01;
const EXPRESS = 0x10;
const UNCORRECTABLE_STATUS = 0x04;
const UNCORRECTABLE_MASK = 0x08;
const CORRECTABLE_STATUS = 0x10;
const CORRECTABLE_MASK = 0x14;
const CAPABILITIES = 0x18;
const HEADER_LOG = 0x1c;
const ROOT_COMMAND = 0x2c;
const ROOT_STATUS = 0x30;
const ERROR_SOURCE = 0x34;

const RECEIVED = { correctable: 0x1, manyCorrectable: 0x2, uncorrectable: 0x4, manyUncorrectable: 0x8, fatal: 0x40 };
const REPORT_ALL = 0x7;
const DEVICE_ERRORS = 0xf;

const WORDS: Readonly<Record<Severity, string>> = {
  correctable: 'Correctable',
  nonfatal: 'Uncorrectable (Non-Fatal)',
  fatal: 'Uncorrectable (Fatal)',
};

/** Uncorrectable errors whose TLP the header log holds (PCIe 6.2.7). */
const LOGGED = 0x1d9000;

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');

export interface AerServices {
  readonly log: KernelLog;
}

/** Lets every function with the capability report errors: what enumeration does where firmware left AER to Linux. */
export function enableErrorReports(device: PciDevice): void {
  const { config } = device;
  const express = config.findCapability(EXPRESS);
  if (express === 0 || config.findExtendedCapability(AER) === 0 || device.isVirtual) return;
  config.write(express + 8, 2, config.read(express + 8, 2) | DEVICE_ERRORS);
}

/** Lets the root port interrupt for every kind of error. */
export function startErrorService(root: PciDevice): void {
  const at = root.config.findExtendedCapability(AER);
  if (at !== 0) root.config.write(at + ROOT_COMMAND, 4, REPORT_ALL);
}

export class AerService {
  private readonly services: AerServices;

  constructor(services: AerServices) {
    this.services = services;
  }

  /** The root port's interrupt: true when an error message had come. */
  handle(root: PciDevice): boolean {
    const at = root.config.findExtendedCapability(AER);
    if (at === 0) return false;
    const status = root.config.read(at + ROOT_STATUS, 4);
    if (!(status & (RECEIVED.correctable | RECEIVED.uncorrectable))) return false;
    const source = root.config.read(at + ERROR_SOURCE, 4);
    root.config.write(at + ROOT_STATUS, 4, status);
    if (status & RECEIVED.correctable) {
      this.report(root, 'correctable', source & 0xffff, (status & RECEIVED.manyCorrectable) !== 0);
    }
    if (status & RECEIVED.uncorrectable) {
      const severity = status & RECEIVED.fatal ? 'fatal' : 'nonfatal';
      this.report(root, severity, source >>> 16, (status & RECEIVED.manyUncorrectable) !== 0);
    }
    return true;
  }

  private report(root: PciDevice, severity: Severity, id: number, many: boolean): void {
    countReceived(root, severity);
    const from = `${hex(root.function.address.segment, 4)}:${hex(id >>> 8, 2)}:${hex((id >>> 3) & 0x1f, 2)}.${id & 7}`;
    const multiple = many ? 'Multiple ' : '';
    this.say(root, LEVEL.INFO, `AER: ${multiple}${WORDS[severity]} error message received from ${from}`);
    const sources = reportersTo(root).filter(
      (device) => requesterId(device.function.address) === id || (many && unmasked(device, severity) !== 0),
    );
    if (sources.length === 0) this.say(root, LEVEL.INFO, `AER: found no error details for ${from}`);
    for (const device of sources) {
      this.print(device, severity);
      this.recover(device, severity);
    }
  }

  private print(device: PciDevice, severity: Severity): void {
    const { config } = device;
    const at = config.findExtendedCapability(AER);
    const level = severity === 'correctable' ? LEVEL.WARNING : LEVEL.ERR;
    // Behind a fatal error an endpoint's registers are not trusted.
    const readable = severity !== 'fatal' || device.function.isBridge;
    const [statusAt, maskAt] = severity === 'correctable' ? [CORRECTABLE_STATUS, CORRECTABLE_MASK] : UNCORRECTABLE;
    const status = at === 0 || !readable ? 0 : config.read(at + statusAt, 4);
    const mask = at === 0 ? 0 : config.read(at + maskAt, 4);
    if (status === 0) {
      this.say(
        device,
        level,
        `PCIe Bus Error: severity=${WORDS[severity]}, type=Inaccessible, (Unregistered Agent ID)`,
      );
      return;
    }
    countErrors(device, severity, status & ~mask);
    const bits = status & ~mask;
    const { layer, agent } = kindOf(severity, bits);
    this.say(device, level, `PCIe Bus Error: severity=${WORDS[severity]}, type=${layer}, (${agent})`);
    const ids = `${hex(device.vendor, 4)}:${hex(device.device, 4)}`;
    this.say(device, level, `  device [${ids}] error status/mask=${hex(status, 8)}/${hex(mask, 8)}`);
    const first = severity === 'correctable' ? 0 : config.read(at + CAPABILITIES, 4) & 0x1f;
    const names = new Map(namesOf(severity));
    for (let bit = 0; bit < 32; bit++) {
      if (!((bits >>> bit) & 1)) continue;
      const name = (names.get(bit) ?? 'Unknown Error Bit').padEnd(22);
      this.say(device, level, `   [${String(bit).padStart(2)}] ${name}${bit === first ? ' (First)' : ''}`.trimEnd());
    }
    if (severity === 'correctable' || !(bits & LOGGED)) return;
    const header = [0, 4, 8, 12].map((word) => hex(config.read(at + HEADER_LOG + word, 4), 8));
    this.say(device, level, `AER:   TLP Header: ${header.join(' ')}`);
  }

  private recover(device: PciDevice, severity: Severity): void {
    clearStatus(device, severity);
    if (severity === 'correctable') return;
    const type = device.portType;
    const port = type === PortType.RootPort || type === PortType.DownstreamPort;
    const bridge = port ? device : device.parent;
    if (bridge === null) return;
    const fatal = severity === 'fatal';
    const involved = [...(bridge.behind?.functions() ?? [])];
    let everyone = true;
    for (const one of involved) {
      if (one.driver?.errorDetected !== undefined) one.driver.errorDetected(one, fatal);
      else if (!one.function.isBridge) {
        everyone = false;
        this.say(one, LEVEL.INFO, "AER: can't recover (no error_detected callback)");
      }
    }
    if (fatal) this.resetLink(bridge, involved);
    const result = everyone ? 'successful' : 'failed';
    this.say(bridge, LEVEL.INFO, `AER: device recovery ${result}`);
  }

  /** Drivers that take part put their functions' registers back afterwards; the others' are lost. */
  private resetLink(bridge: PciDevice, involved: readonly PciDevice[]): void {
    const saved = involved
      .filter((device) => device.driver?.restoresAfterReset === true)
      .map((device) => [device, saveState(device)] as const);
    resetBelow(bridge.function);
    const kind = bridge.portType === PortType.RootPort ? 'Root' : 'Downstream';
    this.say(bridge, LEVEL.INFO, `AER: ${kind} Port link has been reset (0)`);
    for (const [device, state] of saved) restoreState(device, state);
  }

  private say(device: PciDevice, level: number, text: string): void {
    this.services.log.print(level, `${devicePrefix(device)}${text}`);
  }
}

const COLLECTOR = 0x07;
const ASSOCIATED = 0x04;

/** Whose errors end at a root port: its own and those of everything below; at a collector: of its integrated endpoints. */
function reportersTo(root: PciDevice): PciDevice[] {
  if (root.portType !== PortType.EventCollector) return [root, ...(root.behind?.functions() ?? [])];
  const at = root.config.findExtendedCapability(COLLECTOR);
  const associated = at === 0 ? 0 : root.config.read(at + ASSOCIATED, 4);
  const endpoints = (root.bus?.devices ?? []).filter(
    (one) => one.portType === PortType.IntegratedEndpoint && ((associated >>> one.function.address.device) & 1) !== 0,
  );
  return [root, ...endpoints];
}

const UNCORRECTABLE = [UNCORRECTABLE_STATUS, UNCORRECTABLE_MASK] as const;

function unmasked({ config }: PciDevice, severity: Severity): number {
  const at = config.findExtendedCapability(AER);
  if (at === 0) return 0;
  const [status, mask] = severity === 'correctable' ? [CORRECTABLE_STATUS, CORRECTABLE_MASK] : UNCORRECTABLE;
  return config.read(at + status, 4) & ~config.read(at + mask, 4);
}

function clearStatus({ config }: PciDevice, severity: Severity): void {
  const at = config.findExtendedCapability(AER);
  if (at !== 0) {
    const status = at + (severity === 'correctable' ? CORRECTABLE_STATUS : UNCORRECTABLE_STATUS);
    config.write(status, 4, config.read(status, 4));
  }
  const express = config.findCapability(EXPRESS);
  config.write(express + 0x0a, 2, config.read(express + 0x0a, 2));
}

const bit = (...numbers: number[]): number => numbers.reduce((bits, number) => bits | (1 << number), 0);

/** Which layer an error belongs to, and in which role the function found it; the first that matches decides. */
function kindOf(severity: Severity, status: number): { layer: string; agent: string } {
  const has = (...numbers: number[]): boolean => (status & bit(...numbers)) !== 0;
  if (severity === 'correctable') {
    const layer = has(0)
      ? 'Physical Layer'
      : has(6, 7, 8, 12)
        ? 'Data Link Layer'
        : has(14, 15)
          ? 'General'
          : 'Transaction Layer';
    return { layer, agent: has(8, 12) ? 'Transmitter ID' : has(14, 15) ? 'Component ID' : 'Receiver ID' };
  }
  const layer = has(4, 5) ? 'Data Link Layer' : has(22) ? 'General' : 'Transaction Layer';
  const agent = has(15)
    ? 'Completer ID'
    : has(14)
      ? 'Requester ID'
      : has(24, 25, 26)
        ? 'Transmitter ID'
        : has(5, 22)
          ? 'Component ID'
          : 'Receiver ID';
  return { layer, agent };
}
