import { ERRNO } from '../../errno';
import type { Process } from '../../process/process';
import { eventOf } from './events';
import type { Refuse } from './ops';
import type { UserStructure } from './structure';
import { uuidText } from './tokens';

export const FEATURE = { INDEX: 0xffff, GET: 0x10000, SET: 0x20000, PROBE: 0x40000 } as const;
const HEADER_SIZE = 8;

/** Low-power mode as a user asked for it. */
export class LowPower {
  engaged = false;
  private signalWake: (() => void) | null = null;

  engage(wakeup: (() => void) | null): void {
    this.engaged = true;
    this.signalWake = wakeup;
  }

  leave(): void {
    this.engaged = false;
    this.signalWake = null;
  }

  /** The device or the host woke it: the user is told once, and the mode ends. */
  wokenUp(): void {
    const signal = this.signalWake;
    if (!this.engaged || signal === null) return;
    this.leave();
    signal();
  }
}

export interface FeatureHost {
  readonly lowPower: LowPower;
  /** Null unless the function is a PF that vfio-pci drives. */
  readonly token: { uuid: string } | null;
  revokeMappings(): void;
  readonly refuse: Refuse;
}

interface FeatureRule {
  readonly operations: number;
  /** Bytes of data behind the header. */
  readonly size: number;
  supported(host: FeatureHost): boolean;
  act(host: FeatureHost, process: Process, data: Uint8Array): number;
}

function engage(host: FeatureHost, wakeup: (() => void) | null): number {
  host.revokeMappings();
  if (host.lowPower.engaged) return host.refuse(ERRNO.EINVAL, 'feature.low-power', 'low-power mode is on already');
  host.lowPower.engage(wakeup);
  return 0;
}

/** Features of vfio-pci by number (vfio-pci-regions-irqs-reset.md 14); all others are ENOTTY. */
const FEATURES: ReadonlyMap<number, FeatureRule> = new Map([
  [
    0,
    {
      operations: FEATURE.SET,
      size: 16,
      supported: (host) => host.token !== null,
      act: (host, _process, data) => {
        host.token!.uuid = uuidText(data);
        return 0;
      },
    },
  ],
  [3, { operations: FEATURE.SET, size: 0, supported: () => true, act: (host) => engage(host, null) }],
  [
    4,
    {
      operations: FEATURE.SET,
      size: 8,
      supported: () => true,
      act: (host, process, data) => {
        const fd = new DataView(data.buffer, data.byteOffset).getInt32(0, true);
        const reserved = new DataView(data.buffer, data.byteOffset).getUint32(4, true);
        if (reserved !== 0 || fd < 0) {
          return host.refuse(
            ERRNO.EINVAL,
            'feature.wakeup',
            'the descriptor is negative, or the reserved word is not 0',
          );
        }
        const event = eventOf(process, fd);
        if (typeof event !== 'number') return engage(host, () => event.signal());
        return host.refuse(event, 'feature.wakeup', `descriptor ${fd} is no open eventfd`, 'make one with eventfd()');
      },
    },
  ],
  [
    5,
    {
      operations: FEATURE.SET,
      size: 0,
      supported: () => true,
      act: (host) => {
        host.lowPower.leave();
        return 0;
      },
    },
  ],
] satisfies [number, FeatureRule][]);

/** VFIO_DEVICE_FEATURE on a structure whose argsz was checked. */
export function deviceFeature(host: FeatureHost, process: Process, request: UserStructure): number {
  const flags = request.u32(4);
  const operations = flags & (FEATURE.GET | FEATURE.SET);
  const unknown = flags & ~(FEATURE.INDEX | FEATURE.GET | FEATURE.SET | FEATURE.PROBE);
  const both = operations === (FEATURE.GET | FEATURE.SET);
  if (unknown !== 0 || (both && !(flags & FEATURE.PROBE))) {
    return host.refuse(
      ERRNO.EINVAL,
      'feature.flags',
      unknown === 0 ? 'GET and SET are given together' : `the flags 0x${(unknown >>> 0).toString(16)} do not exist`,
      'give GET or SET; both only together with PROBE',
    );
  }
  const rule = FEATURES.get(flags & FEATURE.INDEX);
  const number = flags & FEATURE.INDEX;
  if (rule === undefined || !rule.supported(host)) {
    return host.refuse(ERRNO.ENOTTY, 'feature.unknown', `the device has no feature ${number}`);
  }
  if (operations & ~rule.operations) {
    return host.refuse(ERRNO.EINVAL, 'feature.operation', `feature ${number} does not do what is asked`);
  }
  if (flags & FEATURE.PROBE) return 0;
  if (operations === 0 || request.argsz - HEADER_SIZE < rule.size) {
    return host.refuse(ERRNO.EINVAL, 'feature.argument', `feature ${number} needs SET and ${rule.size} bytes of data`);
  }
  const data = request.tail(HEADER_SIZE, rule.size);
  return data === null ? -ERRNO.EFAULT : rule.act(host, process, data);
}
