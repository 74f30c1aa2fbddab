/** What a client of IronRSM was asked for, and the requests that carry it. */
import type { Retry } from '../../../src/client/retry-clock.js';
import type { SessionWindow } from '../../../src/client/session-window.js';
import type { WaitingQueue } from '../../../src/client/waiting-queue.js';
import type { EndPoint } from '../../../src/spec/endpoint.js';
import { joined, type Message, partHeaderBytes } from '../messages.js';

/** What a caller asked for, without an outcome. */
export interface Operation {
  readonly id: number;
  readonly value: Uint8Array;
  readonly timeoutMs: number;
  readonly deadlineMs: number;
}

/** A request without an outcome. */
export interface Pending extends Retry {
  /** What it carries, in order. Those that were given up are no longer in `open`. */
  readonly operations: readonly Operation[];
  readonly value: Uint8Array;
  open: readonly Operation[];
  /** Of the first of `open` to be given up. */
  deadlineMs: number;
  seqno: number;
  /** Whom it was sent to last; `undefined` for all replicas. */
  target: EndPoint | undefined;
  /** When it was sent first. */
  sentAtMs: number;
}

/** The outstanding requests of a session. */
export type Window = SessionWindow<number, Pending>;

const firstDeadlineMs = (operations: readonly Operation[]): number => {
  let first = Infinity;
  for (let i = 0; i < operations.length; i++) first = Math.min(first, (operations[i] as Operation).deadlineMs);
  return first;
};

/** A request that was not sent yet. */
export const pendingOf = (operations: readonly Operation[]): Pending => ({
  operations,
  value: joined(operations.map(({ value }) => value)),
  open: operations,
  deadlineMs: firstDeadlineMs(operations),
  seqno: 0,
  target: undefined,
  sentAtMs: 0,
  retryAtMs: Infinity,
  waitMs: 0,
});

/** A request as it is sent now; its floor may be higher than when it was sent before. */
export const requestOf = ({ session, floor }: Window, { seqno, value }: Pending): Message<'request'> => ({
  tag: 'request',
  session,
  seqno,
  floor,
  value,
});

const takeOverdueOf = (pending: Pending, nowMs: number): readonly Operation[] => {
  if (nowMs < pending.deadlineMs) return [];
  const overdue = pending.open.filter(({ deadlineMs }) => nowMs >= deadlineMs);
  pending.open = pending.open.filter(({ deadlineMs }) => nowMs < deadlineMs);
  pending.deadlineMs = firstDeadlineMs(pending.open);
  return overdue;
};

/**
 * Gives up what is outstanding and overdue, the caller's own: the floor passes requests of which nobody waits for anything, so that
 * they are not executed after what follows them.
 */
export const takeOverdue = (window: Window, nowMs: number): readonly Operation[] => {
  const overdue: Operation[] = [];
  for (const pending of window.all()) {
    overdue.push(...takeOverdueOf(pending, nowMs));
    if (pending.open.length === 0) window.remove(pending);
  }
  return overdue;
};

/** Operations that share a request: more gain little, and are executed, or lost, together. */
const operationsMax = 64;

/** Takes as many of the first as fit into one request of `bytesMax` bytes, at least one; none where there is none. */
export const takeTogether = (waiting: WaitingQueue<Operation>, bytesMax: number): readonly Operation[] => {
  const taken: Operation[] = [];
  let bytes = 0;
  while (taken.length < operationsMax) {
    const next = waiting.first;
    if (next === undefined) break;
    bytes += next.value.length + partHeaderBytes;
    if (taken.length > 0 && bytes > bytesMax) break;
    taken.push(next);
    waiting.shift();
  }
  return taken;
};
