/** Views to the renderer: the first value at once, then what changed, at most once a frame and never the same twice. */
import type { ViewChanges, ViewRequest } from './channels';
import type { ViewName, Views } from './contract';

const FRAME_MS = 16;
/** A flush may take this share of the time at most, so that a storm of changes leaves the main process responsive. */
const BUSY_SHARE = 0.5;
/**
 * A view that was made for nothing rests for as long as that took, twice as long after the next time, and so on up to
 * this many times: in a storm of interrupts the topology of a large machine stays as it is, and costs 100 ms to look at.
 */
const LONGEST_REST = 16;

export interface ViewSource {
  view<V extends ViewName>(name: V, parameters: Views[V]['parameters']): Views[V]['value'];
  onChange(listener: () => void): () => void;
}

interface Subscription {
  readonly view: ViewName;
  readonly parameters: unknown;
  /** The last value sent, as text; null before the first. */
  sent: string | null;
  /** Why the view could not be made last time; told once. */
  fault: string | null;
  /** Something happened since it was made last. */
  stale: boolean;
  /** It is not made again before (ms); how many times its own cost it last rested. */
  restsUntil: number;
  rest: number;
}

const UNSEEN: Omit<Subscription, 'view' | 'parameters'> = {
  sent: null,
  fault: null,
  stale: false,
  restsUntil: 0,
  rest: 0,
};

export class Subscriptions {
  private readonly source: ViewSource;
  private readonly send: (changes: ViewChanges) => void;
  private readonly failed: (view: ViewName, error: unknown) => void;
  private readonly open = new Map<number, Subscription>();
  private readonly stop: () => void;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private due = 0;
  private pause = FRAME_MS;

  /** `failed`: a view could not be made; the others go on. */
  constructor(
    source: ViewSource,
    send: (changes: ViewChanges) => void,
    failed: (view: ViewName, error: unknown) => void,
  ) {
    this.source = source;
    this.send = send;
    this.failed = failed;
    this.stop = source.onChange(() => {
      for (const subscription of this.open.values()) subscription.stale = true;
      this.schedule(this.pause);
    });
  }

  take(request: ViewRequest): void {
    if (request.kind === 'unsubscribe') {
      this.open.delete(request.id);
      return;
    }
    const subscription: Subscription = { view: request.view, parameters: request.parameters, ...UNSEEN };
    this.open.set(request.id, subscription);
    const change = this.changeOf(request.id, subscription);
    if (change) this.send([change]);
  }

  close(): void {
    this.stop();
    if (this.timer !== null) clearTimeout(this.timer);
    this.open.clear();
  }

  /** Looks in `pause` ms, or when it was to be anyway if that is sooner. */
  private schedule(pause: number): void {
    const due = performance.now() + pause;
    if (this.timer !== null && this.due <= due) return;
    if (this.timer !== null) clearTimeout(this.timer);
    this.due = due;
    this.timer = setTimeout(() => this.flush(), pause);
  }

  private flush(): void {
    this.timer = null;
    const started = performance.now();
    const changes: ViewChanges = [];
    let next = Infinity;
    for (const [id, subscription] of this.open) {
      if (!subscription.stale) continue;
      if (subscription.restsUntil > started) {
        next = Math.min(next, subscription.restsUntil);
        continue;
      }
      const change = this.changeOf(id, subscription);
      if (change) changes.push(change);
    }
    if (changes.length > 0) this.send(changes);
    const ended = performance.now();
    this.pause = Math.max(FRAME_MS, (ended - started) / BUSY_SHARE);
    if (next < Infinity) this.schedule(Math.max(this.pause, next - ended));
  }

  private changeOf(id: number, subscription: Subscription): { id: number; value: unknown } | null {
    const began = performance.now();
    let value: unknown;
    let text: string;
    subscription.stale = false;
    try {
      // Parameters were checked against the view's own schema when the subscription came in.
      value = this.source.view(subscription.view, subscription.parameters as never);
      text = JSON.stringify(value);
      subscription.fault = null;
    } catch (error) {
      if (subscription.fault !== String(error)) this.failed(subscription.view, error);
      subscription.fault = String(error);
      return null;
    }
    if (text === subscription.sent) {
      const ended = performance.now();
      subscription.rest = Math.min(LONGEST_REST, Math.max(1, subscription.rest * 2));
      subscription.restsUntil = ended + (ended - began) * subscription.rest;
      return null;
    }
    subscription.rest = 0;
    subscription.restsUntil = 0;
    subscription.sent = text;
    return { id, value };
  }
}
