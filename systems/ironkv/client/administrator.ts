/** Who moves ranges: sends from an end point that the configuration names, and asks until the move is done (README.md, "What clients add"). */
import { setTimeout as sleep } from 'node:timers/promises';
import { askAll } from '../../../src/host/ask-all.js';
import { monotonicNowMs } from '../../../src/host/real-time.js';
import type { Transport } from '../../../src/network/transport.js';
import type { EndPoint } from '../../../src/spec/endpoint.js';
import { E } from '../../../src/spec/prelude.js';
import { bytesOfKey, textOfKey } from '../commands.js';
import { type KvMessage, kvCodec, type ShardRefusal, type ShardVerdict } from '../messages.js';
import { type ClientOptions, openClientTransport } from './port.js';
import { type HostStatus, statusOver } from './status.js';

/** How an administrator reaches a cluster. */
export interface AdministratorOptions extends ClientOptions {
  /** The end points from which orders may come, as in the configuration. */
  readonly administrators: readonly EndPoint[];
}

/** Why a range was not moved. What was moved before stays moved. */
export type ShardError =
  | { readonly tag: 'Refused'; readonly reason: ShardRefusal; readonly message: string }
  | { readonly tag: 'Timeout'; readonly message: string };

/** What was done: orders that hosts completed; 0 where the recipient had all before. */
export interface ShardDone {
  readonly orders: number;
}

/** The keys from `lo` up to `hi` (null: to the end), and the end point of the host that is to have them. */
export interface ShardOrder {
  readonly lo: Uint8Array;
  readonly hi: Uint8Array | null;
  readonly recipient: EndPoint;
}

const answerTimeoutMs = 1000;
const pollMsMin = 10;
const pollMsMax = 250;

const words: Readonly<Record<ShardRefusal, string>> = {
  NOT_ADMINISTRATOR: "the host's configuration does not name this end point among its administrators",
  BAD_RANGE: 'a bound is too long, or the lower bound is not below the upper one',
  UNKNOWN_HOST: 'the recipient is no host of the cluster',
  SAME_HOST: 'the recipient owns the range already',
  NOT_OWNER: 'the host does not own all of the range',
  ALREADY_MOVING: 'a part of the range is being moved already',
  TOO_MANY_MOVES: 'the host has as many moves under way as it may have',
};

const refused = (reason: ShardRefusal): ShardError => ({
  tag: 'Refused',
  reason,
  message: `${reason}: ${words[reason]}`,
});

/** Refusals after which things may change by themselves. */
const passing: ReadonlySet<ShardVerdict> = new Set(['NOT_OWNER', 'ALREADY_MOVING', 'TOO_MANY_MOVES']);

/** What came of an order; `silent`: the host said nothing to it. */
type OrderEnd = ShardVerdict | 'silent';

const silence = (host: EndPoint): string =>
  `${host} does not answer the order: it has stopped, or it had a later order of this administrator, and the clock here has gone back since`;

/** A part of a range that one host owns. */
interface Part {
  readonly owner: EndPoint;
  readonly lo: string;
  readonly hi: string | null;
}

const lower = (a: string | null, b: string | null): string | null => {
  if (a === null || b === null) return a ?? b;
  return a < b ? a : b;
};

/** The parts of `[lo, hi)` that hosts say are their own, ascending. */
const ownedParts = (statuses: readonly HostStatus[], lo: string, hi: string | null): readonly Part[] => {
  const parts: Part[] = [];
  for (const { address, answer } of statuses) {
    for (const range of answer?.ranges ?? []) {
      if (range.load === null) continue;
      const from = textOfKey(range.lo);
      const part = {
        owner: address,
        lo: from > lo ? from : lo,
        hi: lower(range.hi === null ? null : textOfKey(range.hi), hi),
      };
      if (part.hi === null || part.lo < part.hi) parts.push(part);
    }
  }
  return parts.sort((a, b) => (a.lo < b.lo ? -1 : 1));
};

/** Whether `parts`, ascending, cover `[lo, hi)`. */
const covers = (parts: readonly Part[], lo: string, hi: string | null): boolean => {
  let at: string | null = lo;
  for (const part of parts) {
    if (at === null || part.lo > at) break;
    if (part.hi === null || part.hi > at) at = part.hi;
  }
  return at === null || (hi !== null && at >= hi);
};

/** One administrator and its socket. It gives one order at a time. */
export class Administrator {
  readonly #transport: Transport<KvMessage>;
  readonly #hosts: readonly EndPoint[];
  #lastSeqno = 0;

  private constructor(transport: Transport<KvMessage>, hosts: readonly EndPoint[]) {
    this.#transport = transport;
    this.#hosts = hosts;
  }

  /** Listens at the first of the configured end points that is free on this machine. `Left`: why there is none, in one sentence. */
  static async open(options: AdministratorOptions): Promise<E.Either<string, Administrator>> {
    const { administrators, hosts } = options;
    if (administrators.length === 0) {
      return E.left('the configuration names no administrators: add end points of this machine under "administrators"');
    }
    const reasons: string[] = [];
    for (const me of administrators) {
      const transport = await openClientTransport(options, me);
      if (E.isRight(transport)) return E.right(new Administrator(transport.right, hosts));
      reasons.push(transport.left);
    }
    return E.left(`no end point of "administrators" is free on this machine: ${reasons.join('; ')}`);
  }

  /** The end point that orders come from. */
  get me(): EndPoint {
    return this.#transport.me;
  }

  /** The status of every host. */
  status(timeoutMs: number = answerTimeoutMs): Promise<readonly HostStatus[]> {
    return statusOver(this.#transport, this.#hosts, timeoutMs);
  }

  /**
   * Moves the range and waits until the recipient owns all of it. After a timeout what hosts took on goes on; the same order can
   * be given again.
   */
  async shard(order: ShardOrder, timeoutMs: number): Promise<E.Either<ShardError, ShardDone>> {
    const [lo, hi] = [textOfKey(order.lo), order.hi === null ? null : textOfKey(order.hi)];
    if (hi !== null && lo >= hi) return E.left(refused('BAD_RANGE'));
    if (!this.#hosts.includes(order.recipient)) return E.left(refused('UNKNOWN_HOST'));
    const deadlineMs = monotonicNowMs() + timeoutMs;
    let orders = 0;
    let takenOn = false;
    let last = 'no host answered';
    for (let waitMs = pollMsMin; ; waitMs = Math.min(2 * waitMs, pollMsMax)) {
      const parts = ownedParts(await this.status(), lo, hi);
      const foreign = parts.filter(({ owner }) => owner !== order.recipient);
      if (foreign.length === 0 && covers(parts, lo, hi)) return E.right({ orders });
      if (parts.length > 0)
        last = foreign.length > 0 ? 'moving' : 'a part of the range is on its way, or its host is silent';
      for (const part of foreign) {
        const end = await this.#orderUntilDone(part, order.recipient, deadlineMs);
        takenOn ||= end === 'moving' || end === 'done';
        if (end === 'done') orders++;
        else if (end === 'silent') last = silence(part.owner);
        else if (end !== 'moving' && !passing.has(end)) return E.left(refused(end));
        else last = end;
      }
      if (monotonicNowMs() >= deadlineMs) {
        const message = `the range was not moved within ${timeoutMs} ms (${last})`;
        return E.left({ tag: 'Timeout', message: takenOn ? `${message}; what hosts took on goes on` : message });
      }
      await sleep(waitMs);
    }
  }

  /** Closes the socket. */
  close(): Promise<void> {
    return this.#transport.close();
  }

  /** Gives one order, again and again with one seqno, until it is done or refused, or the time is over; not for ever to a host that never answers. */
  async #orderUntilDone({ owner, lo, hi }: Part, recipient: EndPoint, deadlineMs: number): Promise<OrderEnd> {
    const seqno = this.#nextSeqno();
    const message = {
      tag: 'shard',
      seqno,
      lo: bytesOfKey(lo),
      hi: hi === null ? null : bytesOfKey(hi),
      recipient,
    } as const;
    let last: OrderEnd = 'silent';
    for (let waitMs = pollMsMin; ; waitMs = Math.min(2 * waitMs, pollMsMax)) {
      const answers = await askAll<KvMessage, ShardVerdict>(this.#transport, kvCodec, {
        targets: [owner],
        message,
        answerIn: (m) => (m.tag === 'shardReply' && m.seqno === seqno ? m.verdict : undefined),
        timeoutMs: answerTimeoutMs,
      });
      last = answers.get(owner) ?? last;
      if (last !== 'moving' || monotonicNowMs() >= deadlineMs) return last;
      await sleep(waitMs);
    }
  }

  // Readings of the clock in microseconds, so that a later administrator at the same end point starts above.
  #nextSeqno(): number {
    this.#lastSeqno = Math.max(Date.now() * 1000, this.#lastSeqno + 1);
    return this.#lastSeqno;
  }
}
