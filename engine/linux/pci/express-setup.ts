/** What enumeration sets up in the PCI Express capability: payload size, tags, ARI (pci-linux.md 6). */
import type { PciFunction } from '../../hardware/pci/function';
import { PortType } from '../../hardware/pci/function';
import type { PciDevice } from './device';

const EXPRESS = 0x10;
const ARI = 0x000e;
const DEVICE_CAPABILITIES = 0x04;
const DEVICE_CONTROL = 0x08;
const DEVICE_CAPABILITIES_2 = 0x24;
const DEVICE_CONTROL_2 = 0x28;
const EXTENDED_TAGS_SUPPORTED = 0x20;
const EXTENDED_TAGS = 0x100;
const PAYLOAD = 0xe0;
const ARI_FORWARDING = 0x20;

type Say = (text: string) => void;

const bytesOf = (code: number): number => 128 << code;
const payload = (device: PciDevice): number =>
  (device.config.read(device.config.findCapability(EXPRESS) + DEVICE_CONTROL, 2) & PAYLOAD) >>> 5;
const largest = (device: PciDevice): number =>
  device.config.read(device.config.findCapability(EXPRESS) + DEVICE_CAPABILITIES, 4) & 7;

function setPayload(device: PciDevice, code: number): void {
  const at = device.config.findCapability(EXPRESS) + DEVICE_CONTROL;
  device.config.write(at, 2, (device.config.read(at, 2) & ~PAYLOAD) | (code << 5));
}

/** The default policy: a function takes over the size of the bridge above; only a root port gives way to it. */
function configurePayload(device: PciDevice, say: Say, sayOf: (device: PciDevice) => Say): void {
  const most = largest(device);
  if (device.function.portType === PortType.IntegratedEndpoint) {
    setPayload(device, most);
    return;
  }
  const above = device.parent;
  if (above === null || above.function.portType === null) return;
  const own = payload(device);
  const wanted = payload(above);
  if (own === wanted) return;
  if (most < wanted) {
    if (above.function.portType !== PortType.RootPort) {
      say(`can't set Max Payload Size to ${bytesOf(wanted)}; if necessary, use "pci=pcie_bus_safe" and report a bug`);
      return;
    }
    setPayload(above, most);
    sayOf(above)(
      `Upstream bridge's Max Payload Size set to ${bytesOf(most)} (was ${bytesOf(wanted)}, max ${bytesOf(largest(above))})`,
    );
  }
  const agreed = payload(above);
  if (own === agreed) return;
  setPayload(device, agreed);
  say(`Max Payload Size set to ${bytesOf(agreed)} (was ${bytesOf(own)}, max ${bytesOf(most)})`);
}

export function setUpExpress(device: PciDevice, sayOf: (device: PciDevice) => Say): void {
  const { config } = device;
  const at = config.findCapability(EXPRESS);
  if (at === 0) return;
  const say = sayOf(device);
  configurePayload(device, say, sayOf);
  const control = config.read(at + DEVICE_CONTROL, 2);
  if (!(config.read(at + DEVICE_CAPABILITIES, 4) & EXTENDED_TAGS_SUPPORTED) || control & EXTENDED_TAGS) return;
  say('enabling Extended Tags');
  config.write(at + DEVICE_CONTROL, 2, control | EXTENDED_TAGS);
}

const ariOf = (fn: PciFunction): number => fn.config.findExtendedCapability(ARI);

/**
 * Whether more than eight functions are looked for below a port: it forwards such IDs, and function 0 has the
 * capability. Sets the port accordingly.
 */
export function configureAri(port: PciFunction, zero: PciFunction | undefined): boolean {
  const at = port.config.findCapability(EXPRESS);
  if (at === 0 || (port.config.read(at + 2, 2) & 0xf) < 2) return false;
  if (!(port.config.read(at + DEVICE_CAPABILITIES_2, 4) & ARI_FORWARDING)) return false;
  const enabled = zero !== undefined && ariOf(zero) !== 0;
  const control = port.config.read(at + DEVICE_CONTROL_2, 2);
  const wanted = enabled ? control | ARI_FORWARDING : control & ~ARI_FORWARDING;
  if (wanted !== control) port.config.write(at + DEVICE_CONTROL_2, 2, wanted);
  return enabled;
}

/** Functions of a device in the order of the ARI chain: each names the next one, which must have a higher number. */
export function ariChain(functions: readonly PciFunction[]): PciFunction[] {
  const byNumber = new Map(functions.map((fn) => [(fn.address.device << 3) | fn.address.function, fn]));
  const chain: PciFunction[] = [];
  let number = 0;
  for (;;) {
    const fn = byNumber.get(number);
    if (fn === undefined) return chain;
    chain.push(fn);
    const at = ariOf(fn);
    const next = at === 0 ? 0 : fn.config.read(at + 5, 1);
    if (next <= number) return chain;
    number = next;
  }
}
