/**
 * When two answers count as equal: the rules of the recordings' README. What a recording cannot promise (Linux
 * interrupt numbers, registers of QEMU's device models, the moment of a background suspend) is left out by rule.
 */
import type { Answer, TracedOperation } from '../linux/uapi/operation';

/** What the rules need to know of the machine and of the trace so far. */
export interface Circumstances {
  /** False where MSI data carry the CPU vector of that boot. */
  readonly interruptRemapping: boolean;
  /** Byte ranges of the MSI address and data registers, by function. */
  msiRegisters(address: string): readonly [number, number][];
  /** True when the descriptor or memory name belongs to a device whose registers the lab models. */
  modelled(name: string): boolean;
  /** True for an eventfd that a suspend signals which may not have begun: it runs in the background. */
  awaitsSuspend(name: string): boolean;
}

export type Verdict = 'equal' | 'different' | 'not compared';

/** Parts of an answer that recordings do not hold. */
const PRIVATE = new Set(['fd', 'address', 'rdev', 'nlink']);

export function sameValue(want: unknown, got: unknown): boolean {
  if (want === got) return true;
  if (typeof want !== 'object' || typeof got !== 'object' || want === null || got === null) return false;
  if (Array.isArray(want) !== Array.isArray(got)) return false;
  if (Array.isArray(want)) {
    const other = got as unknown[];
    return want.length === other.length && want.every((value, i) => sameValue(value, other[i]));
  }
  const a = want as Record<string, unknown>;
  const b = got as Record<string, unknown>;
  const keys = Object.keys(b).filter((key) => !PRIVATE.has(key) && b[key] !== undefined);
  return Object.keys(a).length === keys.length && keys.every((key) => key in a && sameValue(a[key], b[key]));
}

const CONFIG_PATH = /^\/sys\/(?:bus\/pci\/)?devices\/(?:.*\/)?([0-9a-f]{4,5}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7])\/config$/;

/** Blanks the bytes of a hex answer that fall into the given register ranges. */
function blank(answer: Answer, start: number, ranges: readonly [number, number][]): Answer {
  if (answer.hex === undefined) return answer;
  const digits = answer.hex.split('');
  for (const [from, to] of ranges) {
    for (let at = Math.max(from, start); at < to && 2 * (at - start) + 1 < digits.length; at++) {
      digits[2 * (at - start)] = '.';
      digits[2 * (at - start) + 1] = '.';
    }
  }
  return { ...answer, hex: digits.join('') };
}

/** Only whether it was readable. */
const withoutContents = ({ text: _text, hex: _hex, ...rest }: Answer): Answer => rest;

const REGION_BITS = 40;
const CONFIG_REGION = 7n;

export function compareAnswers(
  operation: TracedOperation,
  want: Answer,
  got: Answer,
  circumstances: Circumstances,
): Verdict {
  const verdict = (a: Answer, b: Answer): Verdict => (sameValue(a, b) ? 'equal' : 'different');
  switch (operation.op) {
    case 'klog':
      return 'not compared';
    case 'evread':
      return circumstances.awaitsSuspend(String(operation.fd)) ? 'not compared' : verdict(want, got);
    case 'ls':
      if (/\/msi_irqs\/?$/.test(operation.path) && want.names && got.names) {
        return want.names.length === got.names.length ? 'equal' : 'different';
      }
      return verdict(want, got);
    case 'sysread': {
      if (/\/irq$/.test(operation.path)) return 'not compared';
      if (/\/(power_state|power\/runtime_status)$/.test(operation.path)) return 'not compared';
      // Firmware in an expansion ROM is the device's own.
      if (/\/rom$/.test(operation.path)) return verdict(withoutContents(want), withoutContents(got));
      const config = CONFIG_PATH.exec(operation.path);
      if (config && !circumstances.interruptRemapping) {
        const ranges = circumstances.msiRegisters(config[1]!);
        const start = operation.offset ?? 0;
        return verdict(blank(want, start, ranges), blank(got, start, ranges));
      }
      return verdict(want, got);
    }
    case 'pread': {
      const region = BigInt(operation.offset) >> BigInt(REGION_BITS);
      if (region !== CONFIG_REGION && !circumstances.modelled(String(operation.fd))) {
        return verdict({ ...want, hex: '' }, { ...got, hex: '' });
      }
      return verdict(want, got);
    }
    case 'peek': {
      const name = operation.at.replace(/[+-].*$/, '');
      if (!circumstances.modelled(name) && want.hex !== undefined && got.hex !== undefined) {
        return want.hex.length === got.hex.length ? 'equal' : 'different';
      }
      return verdict(want, got);
    }
    default:
      return verdict(want, got);
  }
}
