/**
 * A fingerprint of everything that can be reached from a value: all properties, maps, sets and buffers, in the order of
 * their making. Two equal fingerprints mean that nothing was changed, added or forgotten in between, whatever it was:
 * unlike `lab/state-hash`, nobody had to list what counts as state.
 */

/** Tells whether a property is left out: a memory of the last look-up, a record of what was refused. */
export type LeaveOut = (owner: object, key: string) => boolean;

class Mixer {
  private a = 0x811c9dc5;
  private b = 0x1b873593;

  number(value: number): void {
    this.a = Math.imul(this.a ^ (value | 0), 0x01000193);
    this.b = Math.imul(this.b ^ (this.a >>> 15) ^ (value | 0), 0x85ebca6b);
    if (!Number.isInteger(value) || Math.abs(value) > 0x7fffffff) this.text(String(value));
  }

  text(value: string): void {
    for (let i = 0; i < value.length; i++) {
      this.a = Math.imul(this.a ^ value.charCodeAt(i), 0x01000193);
      this.b = Math.imul(this.b ^ this.a, 0x85ebca6b);
    }
    this.number(value.length);
  }

  get digest(): string {
    return `${(this.a >>> 0).toString(16)}-${(this.b >>> 0).toString(16)}`;
  }
}

export function fingerprint(root: unknown, leaveOut: LeaveOut): string {
  const mixer = new Mixer();
  const seen = new Map<object, number>();
  const pending: unknown[] = [root];
  const take = (value: unknown): void => {
    switch (typeof value) {
      case 'number':
        return mixer.number(value);
      case 'string':
        return mixer.text(value);
      case 'object': {
        if (value === null) return mixer.number(-1);
        const known = seen.get(value);
        if (known !== undefined) return mixer.number(known);
        seen.set(value, seen.size);
        pending.push(value);
        return;
      }
      case 'function':
        return mixer.number(-2);
      default:
        return mixer.text(String(value));
    }
  };
  for (let i = 0; i < pending.length; i++) {
    const value = pending[i] as object;
    if (ArrayBuffer.isView(value)) {
      const { buffer, byteOffset, byteLength } = value;
      const bytes = new Uint8Array(buffer, byteOffset, byteLength);
      mixer.number(byteLength);
      for (let at = 0; at < byteLength; at++) if (bytes[at] !== 0) mixer.number((at << 8) | bytes[at]!);
    } else if (value instanceof Map) {
      mixer.number(value.size);
      for (const [key, entry] of value as Map<unknown, unknown>) {
        take(key);
        take(entry);
      }
    } else if (value instanceof Set) {
      mixer.number(value.size);
      for (const entry of value as Set<unknown>) take(entry);
    } else if (Array.isArray(value)) {
      mixer.number(value.length);
      for (const entry of value) take(entry);
    } else {
      for (const key of Object.keys(value)) {
        if (leaveOut(value, key)) continue;
        mixer.text(key);
        take((value as Record<string, unknown>)[key]);
      }
    }
  }
  return mixer.digest;
}
