/** Interrupt moderation: events of a vector gather until there are enough, or until the first has waited long enough. */

export interface ModerationHost {
  /** Calls `act` after so many microseconds, unless the device is reset. */
  afterUs(us: number, act: () => void): void;
  /** The vector interrupts now. */
  send(vector: number): void;
}

const LOW = 0xffff;

export class Moderation {
  private readonly host: ModerationHost;
  private readonly settings: Uint32Array;
  private readonly gathered: Uint32Array;
  private readonly waiting: Uint8Array;

  constructor(host: ModerationHost, vectors: number) {
    this.host = host;
    this.settings = new Uint32Array(vectors);
    this.gathered = new Uint32Array(vectors);
    this.waiting = new Uint8Array(vectors);
  }

  reset(): void {
    this.settings.fill(0);
    this.gathered.fill(0);
    this.waiting.fill(0);
  }

  read(vector: number): number {
    return this.settings[vector] ?? 0;
  }

  /** Events that have gathered go out when nothing holds them any more. */
  write(vector: number, value: number): void {
    if (vector >= this.settings.length) return;
    this.settings[vector] = value;
    if (value === 0 && this.gathered[vector]! > 0) this.send(vector);
  }

  event(vector: number): void {
    const setting = this.settings[vector] ?? 0;
    const us = setting & LOW;
    const events = setting >>> 16;
    if (us === 0 && events <= 1) {
      this.host.send(vector);
      return;
    }
    const gathered = ++this.gathered[vector]!;
    if (events > 0 && gathered >= events) {
      this.send(vector);
      return;
    }
    if (us === 0 || this.waiting[vector]) return;
    this.waiting[vector] = 1;
    this.host.afterUs(us, () => {
      this.waiting[vector] = 0;
      if (this.gathered[vector]! > 0) this.send(vector);
    });
  }

  private send(vector: number): void {
    this.gathered[vector] = 0;
    this.host.send(vector);
  }
}
