/** Views to the renderer: the first value at once, then what changed, at most once a frame and never the same twice. */
import type { ViewChanges, ViewRequest } from './channels';
import type { ViewName, Views } from './contract';

const FRAME_MS = 16;
/** A flush may take this share of the time at most, so that a storm of changes leaves the main process responsive. */
const BUSY_SHARE = 0.5;

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
}

export class Subscriptions {
  private readonly source: ViewSource;
  private readonly send: (changes: ViewChanges) => void;
  private readonly failed: (view: ViewName, error: unknown) => void;
  private readonly open = new Map<number, Subscription>();
  private readonly stop: () => void;
  private timer: ReturnType<typeof setTimeout> | null = null;
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
    this.stop = source.onChange(() => this.schedule());
  }

  take(request: ViewRequest): void {
    if (request.kind === 'unsubscribe') {
      this.open.delete(request.id);
      return;
    }
    const subscription: Subscription = { view: request.view, parameters: request.parameters, sent: null, fault: null };
    this.open.set(request.id, subscription);
    const change = this.changeOf(request.id, subscription);
    if (change) this.send([change]);
  }

  close(): void {
    this.stop();
    if (this.timer !== null) clearTimeout(this.timer);
    this.open.clear();
  }

  private schedule(): void {
    this.timer ??= setTimeout(() => this.flush(), this.pause);
  }

  private flush(): void {
    this.timer = null;
    const started = performance.now();
    const changes: ViewChanges = [];
    for (const [id, subscription] of this.open) {
      const change = this.changeOf(id, subscription);
      if (change) changes.push(change);
    }
    if (changes.length > 0) this.send(changes);
    this.pause = Math.max(FRAME_MS, (performance.now() - started) / BUSY_SHARE);
  }

  private changeOf(id: number, subscription: Subscription): { id: number; value: unknown } | null {
    let value: unknown;
    let text: string;
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
    if (text === subscription.sent) return null;
    subscription.sent = text;
    return { id, value };
  }
}
