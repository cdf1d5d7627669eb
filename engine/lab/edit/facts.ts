/** What the editor asks of a described function: its kind, where it can stand, which bus is behind it. */
import { buildConfigSpace } from '../../hardware/build';
import type { FunctionDescription } from '../../hardware/description';
import type { BusKind } from '../../hardware/fabric/decode';
import { busBehind } from '../../hardware/fabric/decode';
import { partById } from '../../hardware/parts';
import type { Place } from '../../hardware/parts';
import type { PciAddress } from '../../hardware/pci/address';
import { parseAddress } from '../../hardware/pci/address';
import { PciFunction, PortType } from '../../hardware/pci/function';

export interface Facts {
  readonly address: PciAddress;
  readonly bridge: boolean;
  /** The bus behind a bridge; null for other functions. */
  readonly behind: BusKind | null;
  readonly portType: number | null;
  readonly hostBridge: boolean;
  /** Behind a bridge, as its registers stand; zero where nothing has numbered it. */
  readonly secondary: number;
  readonly subordinate: number;
  /** A port whose slot takes cards while the machine runs. */
  readonly hotPlug: boolean;
  /** Buses that its virtual functions need besides its own, when all of them are on. */
  readonly virtualBuses: number;
}

const CLASS_HOST_BRIDGE = 0x0600;
const EXPRESS = 0x10;
const SRIOV = 0x10;
const SLOT_IMPLEMENTED = 0x100;
const SLOT_CAPABILITIES = 0x14;
const HOT_PLUG_CAPABLE = 0x40;

/** The function alone, as silicon. */
export function alone(fn: FunctionDescription): PciFunction {
  return new PciFunction(parseAddress(fn.address)!, buildConfigSpace(fn), null, fn.rootBus);
}

const known = new WeakMap<FunctionDescription, Facts>();

export function factsOf(fn: FunctionDescription): Facts {
  const before = known.get(fn);
  if (before) return before;
  const silicon = alone(fn);
  const { config, isBridge, address } = silicon;
  const express = config.findCapability(EXPRESS);
  const slot = express !== 0 && (config.read(express + 2, 2) & SLOT_IMPLEMENTED) !== 0;
  const sriov = config.findExtendedCapability(SRIOV);
  const total = sriov === 0 ? 0 : config.read(sriov + 0x0e, 2);
  const own = (address.device << 3) | address.function;
  const last = own + config.read(sriov + 0x14, 2) + config.read(sriov + 0x16, 2) * (total - 1);
  const facts: Facts = {
    address,
    bridge: isBridge,
    behind: isBridge ? busBehind(silicon) : null,
    portType: silicon.portType,
    hostBridge: config.read(0x0a, 2) === CLASS_HOST_BRIDGE,
    secondary: isBridge ? config.read(0x19, 1) : 0,
    subordinate: isBridge ? config.read(0x1a, 1) : 0,
    hotPlug: slot && (config.read(express + SLOT_CAPABILITIES, 4) & HOT_PLUG_CAPABLE) !== 0,
    virtualBuses: total === 0 ? 0 : last >>> 8,
  };
  known.set(fn, facts);
  return facts;
}

/** Where a function can stand, by its part or by what its registers say it is (PCIe 7.5.3.2). */
export function placesOf(fn: FunctionDescription): readonly Place[] {
  const part = fn.part && fn.part.index === 0 ? partById(fn.part.id) : null;
  if (part) return part.places;
  const { portType } = factsOf(fn);
  switch (portType) {
    case PortType.RootPort:
    case PortType.IntegratedEndpoint:
    case PortType.EventCollector:
      return ['root'];
    case PortType.DownstreamPort:
      return ['switch'];
    case PortType.UpstreamPort:
    case PortType.PcieToPciBridge:
    case PortType.Endpoint:
    case PortType.LegacyEndpoint:
      return ['link'];
    case PortType.PciToPcieBridge:
      return ['shared', 'root'];
    default:
      return ['shared', 'root'];
  }
}

export const PLACE_TEXTS: Readonly<Record<Place, string>> = {
  machine: 'beside the other root complexes',
  root: 'on a root bus',
  link: 'below a root port or a downstream port',
  switch: 'on the bus inside a switch',
  shared: 'on a conventional bus',
};

export const placesText = (places: readonly Place[]): string => places.map((place) => PLACE_TEXTS[place]).join(' or ');
