/** Messages to the person: toasts with what, why and next, and the live regions for screen readers. */
import { defineStore } from 'pinia';
import { ref, shallowRef } from 'vue';
import { lab } from '../bridge';
import { T } from '../texts';
import { useMachine } from './machine';

export interface Step {
  label: string;
  run: () => void;
}

export interface Message {
  id: number;
  kind: 'ok' | 'info' | 'warn' | 'bad';
  what: string;
  why: string | null;
  /** A command to type; shown and copied as it stands. */
  remedy: string | null;
  next: Step[];
  /** What it is about; a later success about the same thing takes a refusal away. */
  about?: string;
  /** Lines for whoever looks into it: calls, a stack. */
  details?: readonly string[];
}

/** A refusal or a fault as it is kept. */
export interface Logged {
  id: number;
  kind: 'warn' | 'bad';
  what: string;
  why: string | null;
  remedy: string | null;
  details: readonly string[];
  /** The machine's last input at that time. */
  input: number | null;
}

const SHOWN = 3;
const KEPT = 500;
const SENTENCE_EVERY_MS = 1000;
const STAYS_MS = 5000;

const passing = (message: Pick<Message, 'kind'>): boolean => message.kind === 'ok' || message.kind === 'info';

export const useMessages = defineStore('messages', () => {
  const list = shallowRef<Message[]>([]);
  /** Everything that was refused or went wrong, oldest first. */
  const log = shallowRef<readonly Logged[]>([]);
  const machine = useMachine();
  const polite = ref('');
  const assertive = ref('');
  let serial = 0;
  let lastSaid = 0;
  let waiting: string | null = null;
  let timer: ReturnType<typeof setTimeout> | null = null;

  /** One sentence a second at most: a later one takes the place of one that still waits. */
  function say(sentence: string): void {
    const due = lastSaid + SENTENCE_EVERY_MS - performance.now();
    if (due <= 0 || lastSaid === 0) {
      lastSaid = performance.now();
      polite.value = sentence;
      return;
    }
    waiting = sentence;
    timer ??= setTimeout(() => {
      timer = null;
      lastSaid = performance.now();
      if (waiting !== null) polite.value = waiting;
      waiting = null;
    }, due);
  }

  function dismiss(id: number): void {
    list.value = list.value.filter((m) => m.id !== id);
  }

  function record({ kind, what, why, remedy, details = [] }: Omit<Message, 'id'>): void {
    if (kind !== 'warn' && kind !== 'bad') return;
    const last = log.value.at(-1);
    // A fault, and the answer of what it happened at, come in any order: the one with the details stays.
    const same = last?.what === what && (last.details.length === 0) !== (details.length === 0);
    if (same && details.length === 0) return;
    if (same) log.value = log.value.slice(0, -1);
    const input = machine.machine?.document.inputs ?? null;
    log.value = [...log.value, { id: ++serial, kind, what, why, remedy, details, input }].slice(-KEPT);
  }
  const empty = (): void => {
    log.value = [];
  };

  /** A fault of the window itself. */
  function fault(error: unknown): void {
    const lines = error instanceof Error ? (error.stack ?? error.message).split('\n') : [String(error)];
    const last = log.value.at(-1);
    // The engine has told of it already, or it is the same again.
    const known = last !== undefined && (last.details[0] === lines[0] || lines[0]!.includes(last.what));
    if (!known) failed(T.messages.unexpected, T.messages.unexpectedWhy, lines);
  }

  /** Something failed that nobody expects to. */
  function failed(what: string, why: string | null, details: readonly string[]): void {
    const text = [what, ...details].join('\n');
    const next = [{ label: T.messages.copy, run: () => lab().copy(text) }];
    show({ kind: 'bad', what, why, remedy: null, next, details });
  }

  function show(message: Omit<Message, 'id'>): number {
    record(message);
    const id = ++serial;
    // A new success takes the place of the last one; refusals stay until they are closed or answered.
    const stays = list.value.filter((m) => m.what !== message.what && !passing(m));
    list.value = [...stays, { ...message, id }].slice(-SHOWN);
    const sentence = message.why ? `${message.what} ${message.why}` : message.what;
    if (message.kind === 'bad') assertive.value = sentence;
    else say(sentence);
    if (passing(message)) setTimeout(() => dismiss(id), STAYS_MS);
    return id;
  }

  function settle(about: string): void {
    list.value = list.value.filter((m) => m.about !== about || m.kind !== 'bad');
  }

  return { list, log, polite, assertive, say, show, record, empty, fault, failed, dismiss, settle };
});
