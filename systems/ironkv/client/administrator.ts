/** Who moves ranges: sends from an end point that the configuration names, and asks until the move is done (README.md, "What clients add"). */
import { setTimeout as sleep } from 'node:timers/promises';
import { askAll } from '../../../src/host/ask-all.js';
import { monotonicNowMs } from '../../../src/host/real-time.js';
import type { Transport } from '../../../src/network/transport.js';
import type { EndPoint } from '../../../src/spec/endpoint.js';
import { E } from '../../../src/spec/prelude.js';
import { bytesOfKey, textOfKey } from '../commands.js';
import { type KvMessage, kvCodec, type ShardRefusal, type ShardVerdict } from '../messages.js';
import { covers, type OwnedPart, ownedParts, silentHosts } from './coverage.js';
import { type ClientOptions, openClientTransport } from './port.js';
import { doesAnswer, type HostStatus, statusOver } from './status.js';

/** How an administrator reaches a cluster. */
export interface AdministratorOptions extends ClientOptions {
  /** The end points from which orders may come, as in the configuration. */
  readonly administrators: readonly EndPoint[];
  /** What messages call a host. Default its end point. */
  readonly nameOf?: (host: EndPoint) => string;
}

/** Why a range was not moved. What was moved before stays moved. */
export type ShardError =
  | { readonly tag: 'Refused'; readonly reason: ShardRefusal; readonly message: string }
  /** The recipient did not answer, and was therefore given nothing more. */
  | { readonly tag: 'RecipientSilent'; readonly message: string }
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

const silence = (host: string): string =>
  `${host} does not answer the order: it has stopped, or it had a later order of this administrator, and the clock here has gone back since`;

/** What came of the orders for one range so far. */
interface Progress {
  /** Orders sent, whatever came of them, and those that hosts completed. */
  given: number;
  done: number;
  /** Whether a host took on any. */
  takenOn: boolean;
  /** Whether one that was taken on in this round is not done. */
  waiting: boolean;
  /** What is known of why the range is not moved. */
  last: string;
}

/** One administrator and its socket. It gives one order at a time. */
export class Administrator {
  readonly #transport: Transport<KvMessage>;
  readonly #hosts: readonly EndPoint[];
  readonly #nameOf: (host: EndPoint) => string;
  #lastSeqno = 0;

  private constructor(transport: Transport<KvMessage>, { hosts, nameOf = String }: AdministratorOptions) {
    this.#transport = transport;
    this.#hosts = hosts;
    this.#nameOf = nameOf;
  }

  /** Listens at the first of the configured end points that is free on this machine. `Left`: why there is none, in one sentence. */
  static async open(options: AdministratorOptions): Promise<E.Either<string, Administrator>> {
    const { administrators } = options;
    if (administrators.length === 0) {
      return E.left('the configuration names no administrators: add end points of this machine under "administrators"');
    }
    const reasons: string[] = [];
    for (const me of administrators) {
      const transport = await openClientTransport(options, me);
      if (E.isRight(transport)) return E.right(new Administrator(transport.right, options));
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
   * Moves the range and waits until the recipient owns all of it. Nothing is ordered while the recipient does not answer: what is
   * handed over to a host that has ended is lost. After a timeout what hosts took on goes on; the same order can be given again.
   */
  async shard(order: ShardOrder, timeoutMs: number): Promise<E.Either<ShardError, ShardDone>> {
    const { recipient } = order;
    const [lo, hi] = [textOfKey(order.lo), order.hi === null ? null : textOfKey(order.hi)];
    if (hi !== null && lo >= hi) return E.left(refused('BAD_RANGE'));
    if (!this.#hosts.includes(recipient)) return E.left(refused('UNKNOWN_HOST'));
    const deadlineMs = monotonicNowMs() + timeoutMs;
    const progress: Progress = { given: 0, done: 0, takenOn: false, waiting: false, last: 'no host answered' };
    for (let waitMs = pollMsMin; ; waitMs = Math.min(2 * waitMs, pollMsMax)) {
      const statuses = await this.status();
      const parts = ownedParts(statuses, lo, hi);
      const foreign = parts.filter(({ owner }) => this.#hosts[owner] !== recipient);
      if (foreign.length === 0 && covers(parts, lo, hi)) return E.right({ orders: progress.done });
      progress.waiting = false;
      if (foreign.length > 0) progress.last = 'moving';
      else if (statuses.some(({ answer }) => answer !== undefined)) progress.last = this.#withNobody(statuses);
      for (const part of foreign) {
        // Asked just before: since the last answer it may have ended.
        if (!(await this.#answers(recipient, deadlineMs))) {
          return E.left({ tag: 'RecipientSilent', message: this.#silentRecipient(recipient, timeoutMs, progress) });
        }
        const reason = await this.#orderPart(part, recipient, { deadlineMs, progress });
        if (reason !== undefined) return E.left(refused(reason));
        if (monotonicNowMs() >= deadlineMs) break;
      }
      if (monotonicNowMs() >= deadlineMs) return E.left(await this.#timeout(recipient, timeoutMs, progress));
      await sleep(waitMs);
    }
  }

  /** Closes the socket. */
  close(): Promise<void> {
    return this.#transport.close();
  }

  #withNobody(statuses: readonly HostStatus[]): string {
    const silent = silentHosts(statuses).map((host) => this.#nameAt(host));
    const where = 'a part of the range is with no host that answers';
    return silent.length === 0 ? `${where}: it is on its way, or lost` : `${where}; silent: ${silent.join(', ')}`;
  }

  #nameAt(host: number): string {
    const address = this.#hosts[host];
    return address === undefined ? String(host) : this.#nameOf(address);
  }

  /** Whether the host answers; it is asked until the time is over, and for as long as any question waits for an answer at least. */
  #answers(host: EndPoint, deadlineMs: number): Promise<boolean> {
    return doesAnswer(this.#transport, host, Math.max(answerTimeoutMs, deadlineMs - monotonicNowMs()));
  }

  #silentRecipient(recipient: EndPoint, timeoutMs: number, { given }: Progress): string {
    const what = given === 0 ? 'nothing was moved' : 'nothing more was ordered';
    return `RECIPIENT_SILENT: ${this.#nameOf(recipient)} did not answer within ${timeoutMs} ms, so ${what}: order again once it answers, or choose another host if it has ended`;
  }

  async #timeout(recipient: EndPoint, timeoutMs: number, progress: Progress): Promise<ShardError> {
    const { takenOn, waiting, last } = progress;
    const notMoved = `the range was not moved within ${timeoutMs} ms`;
    if (waiting && !(await this.#answers(recipient, 0))) {
      const name = this.#nameOf(recipient);
      const message = `${notMoved}: ${name} does not answer any more, and what was handed over to it waits for it and is served by nobody; the move goes on once it answers`;
      return { tag: 'Timeout', message };
    }
    return { tag: 'Timeout', message: `${notMoved} (${last})${takenOn ? '; what hosts took on goes on' : ''}` };
  }

  /** Orders one part to be moved and notes what came of it; why it was refused for good, if it was. */
  async #orderPart(
    part: OwnedPart,
    recipient: EndPoint,
    { deadlineMs, progress }: { readonly deadlineMs: number; readonly progress: Progress },
  ): Promise<ShardRefusal | undefined> {
    const owner = this.#hosts[part.owner];
    if (owner === undefined) throw new Error(`there is no host ${part.owner}`);
    progress.given++;
    const end = await this.#orderUntilDone(owner, part, recipient, deadlineMs);
    progress.takenOn ||= end === 'moving' || end === 'done';
    progress.waiting ||= end === 'moving';
    if (end === 'done') progress.done++;
    else if (end === 'silent') progress.last = silence(this.#nameOf(owner));
    else if (end !== 'moving' && !passing.has(end)) return end;
    else progress.last = end;
    return undefined;
  }

  /** Gives one order, again and again with one seqno, until it is done or refused, or the time is over; not for ever to a host that never answers. */
  async #orderUntilDone(
    owner: EndPoint,
    { lo, hi }: OwnedPart,
    recipient: EndPoint,
    deadlineMs: number,
  ): Promise<OrderEnd> {
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
