/** Moves of ranges to other hosts, piece by piece, and the orders of administrators from which they come. */
import type { EndPoint } from '../../../src/spec/endpoint.js';
import { add } from '../../../src/spec/nat.js';
import { bytesOfKey, textOfKey } from '../commands.js';
import type { Message, MoveStatus, Pair, ShardRefusal, ShardVerdict } from '../messages.js';
import type { Cluster } from './cluster.js';
import type { DelegationMap } from './delegation-map.js';
import type { Deliveries } from './deliveries.js';
import type { OrderedTable } from './ordered-table.js';
import { knowledgeOf, type SessionEntry, type SessionTable } from './session-table.js';
import type { StepScope } from './step-scope.js';

/** A range on its way to another host; bounds are key texts, null beyond every key. */
export interface Move {
  readonly administrator: EndPoint;
  readonly seqno: number;
  /** `[next, hi)` is not handed over yet. */
  next: string | null;
  readonly hi: string | null;
  /** The index of a host. */
  readonly recipient: number;
  /** The seqno of the last piece; null until it was sent. */
  last: number | null;
}

/** An administrator's highest order, and what came of it. */
export interface ShardOrder {
  readonly seqno: number;
  readonly verdict: 'accepted' | ShardRefusal;
}

/** A move of which something is left: its `next` is a key. */
type OpenMove = Move & { next: string };

const isOpen = (move: Move): move is OpenMove => move.last === null;

/** Bytes that count for a pair beside its key and value. */
const pairOverheadBytes = 16;

const boundOf = (text: string | null): Uint8Array | null => (text === null ? null : bytesOfKey(text));

/** What the mover works on. */
export interface Holdings {
  readonly table: OrderedTable;
  readonly map: DelegationMap;
  readonly sessions: SessionTable;
  readonly deliveries: Deliveries;
}

/** The moves from one host, in the order of acceptance. */
export class Mover {
  readonly moves: Move[] = [];
  readonly shards = new Map<EndPoint, ShardOrder>();
  readonly #cluster: Cluster;
  readonly #scope: StepScope;
  readonly #holdings: Holdings;
  /** Before this time no piece leaves. */
  #restsUntilMs = 0;
  /** The recipient that had the last piece. */
  #lastServed = -1;

  constructor(cluster: Cluster, scope: StepScope, holdings: Holdings) {
    this.#cluster = cluster;
    this.#scope = scope;
    this.#holdings = holdings;
  }

  /** An order to move a range: the answer, none to an order that its giver has overtaken. */
  order(source: EndPoint, shard: Message<'shard'>): ShardVerdict | undefined {
    if (!this.#cluster.indexOf.has(source) && !this.#cluster.administrators.has(source)) return 'NOT_ADMINISTRATOR';
    const last = this.shards.get(source);
    if (last === undefined || last.seqno < shard.seqno) return this.#decide(source, shard);
    if (last.seqno > shard.seqno) return undefined;
    if (last.verdict !== 'accepted') return last.verdict;
    const moving = this.moves.some((move) => move.administrator === source && move.seqno === shard.seqno);
    return moving ? 'moving' : 'done';
  }

  /**
   * Action, at most one: a piece, or what must be told before it, to the recipient whose turn it is, and then a rest. So a step
   * delays other requests little, and moves take a bounded part of the time, on this host and on each recipient.
   */
  handOver(): void {
    if (this.moves.length === 0 || this.#scope.now < this.#restsUntilMs) return;
    const position = this.#nextPosition();
    if (position === undefined) return;
    const move = this.moves[position] as OpenMove;
    this.#lastServed = move.recipient;
    this.#restsUntilMs = add(this.#scope.now, this.#cluster.parameters.delegateRestMs);
    this.#handOverPiece(position, move);
  }

  /** When `handOver` next has something to do; `Infinity` where it waits for acks, or nothing is to be moved. */
  wakeAtMs(): number {
    return this.moves.length > 0 && this.#nextPosition() !== undefined ? this.#restsUntilMs : Number.POSITIVE_INFINITY;
  }

  /** The peer at `index` has accepted its stream up to `seqno`: moves to it whose last piece is among that are done. */
  acknowledged(index: number, seqno: number): void {
    let kept = 0;
    for (const move of this.moves) {
      if (move.recipient === index && move.last !== null && move.last <= seqno) continue;
      this.moves[kept++] = move;
    }
    if (kept === this.moves.length) return;
    this.moves.length = kept;
    this.#scope.touch('moves');
  }

  /** The moves as a status tells them. */
  status(): MoveStatus[] {
    return this.moves.map(({ administrator, seqno, next, hi, recipient, last }) => ({
      administrator,
      seqno,
      next: last === null ? boundOf(next) : null,
      hi: boundOf(hi),
      recipient,
    }));
  }

  #decide(source: EndPoint, shard: Message<'shard'>): ShardVerdict {
    const lo = textOfKey(shard.lo);
    const hi = shard.hi === null ? null : textOfKey(shard.hi);
    const recipient = this.#cluster.indexOf.get(shard.recipient);
    const verdict = this.#verdict(lo, hi, recipient);
    this.shards.set(source, { seqno: shard.seqno, verdict });
    this.#scope.touchAt('shards', source);
    if (verdict !== 'accepted') return verdict;
    // `UNKNOWN_HOST` is the verdict where there is no recipient.
    const move = {
      administrator: source,
      seqno: shard.seqno,
      next: lo,
      hi,
      recipient: recipient as number,
      last: null,
    };
    this.moves.push(move);
    this.#scope.touch('moves');
    return 'moving';
  }

  #verdict(lo: string, hi: string | null, recipient: number | undefined): 'accepted' | ShardRefusal {
    const { keyBytesMax, movesMax } = this.#cluster.parameters;
    if (lo.length > keyBytesMax || (hi !== null && (hi.length > keyBytesMax || lo >= hi))) return 'BAD_RANGE';
    if (recipient === undefined) return 'UNKNOWN_HOST';
    if (recipient === this.#cluster.myIndex) return 'SAME_HOST';
    if (!this.#holdings.map.ownsAll(this.#cluster.myIndex, lo, hi)) return 'NOT_OWNER';
    const meets = (move: Move): boolean =>
      isOpen(move) && (move.hi === null || lo < move.hi) && (hi === null || move.next < hi);
    if (this.moves.some(meets)) return 'ALREADY_MOVING';
    return this.moves.length >= movesMax ? 'TOO_MANY_MOVES' : 'accepted';
  }

  /** The position of the oldest move to the recipient whose turn it is, of those with room: the next one by index. */
  #nextPosition(): number | undefined {
    let best: number | undefined;
    let bestTurn = Number.POSITIVE_INFINITY;
    const hosts = this.#cluster.hosts.length;
    for (let position = 0; position < this.moves.length; position++) {
      const move = this.moves[position] as Move;
      if (!isOpen(move) || !this.#holdings.deliveries.hasRoomForBytes(move.recipient)) continue;
      const turn = (move.recipient - this.#lastServed - 1 + hosts) % hosts;
      if (turn < bestTurn) [best, bestTurn] = [position, turn];
    }
    return best;
  }

  #handOverPiece(position: number, move: OpenMove): void {
    const { sessions, deliveries } = this.#holdings;
    const { sessionsPerMessageMax } = this.#cluster.parameters;
    const { told } = deliveries.peer(move.recipient);
    const news = sessions.changedAfter(told, sessionsPerMessageMax + 1);
    if (news.length > sessionsPerMessageMax) this.#inform(position, move, news.slice(0, sessionsPerMessageMax));
    else this.#delegate(position, move, news);
  }

  // More has changed than fits beside a piece.
  #inform(position: number, { recipient }: OpenMove, news: readonly SessionEntry[]): void {
    const { sessions, deliveries } = this.#holdings;
    this.#scope.record({ action: 'inform', move: position });
    deliveries.peer(recipient).told = (news.at(-1) as SessionEntry).stamp;
    const horizons = sessions.horizons.slice();
    deliveries.send(recipient, { tag: 'inform', horizons, sessions: news.map(knowledgeOf) });
  }

  #delegate(position: number, move: OpenMove, news: readonly SessionEntry[]): void {
    const { table, map, sessions, deliveries } = this.#holdings;
    const { recipient } = move;
    this.#scope.record({ action: 'delegate', move: position });
    const { pairs, texts, end } = this.#piece(move);
    const lo = move.next;
    const hi = end ?? move.hi;
    for (const text of texts) {
      table.delete(text);
      this.#scope.touchAt('table', text);
    }
    map.assign(lo, hi, recipient);
    this.#scope.touch('map');
    deliveries.peer(recipient).told = sessions.stamp;
    const seqno = deliveries.send(recipient, {
      tag: 'delegate',
      lo: bytesOfKey(lo),
      hi: boundOf(hi),
      pairs,
      horizons: sessions.horizons.slice(),
      sessions: news.map(knowledgeOf),
    });
    (move as Move).next = hi;
    if (end === undefined) move.last = seqno;
    this.#scope.touch('moves');
  }

  /** The pairs of the next piece, and the key that comes after them; `undefined` where the move has no more. */
  #piece({ next, hi }: OpenMove): {
    readonly pairs: Pair[];
    readonly texts: string[];
    readonly end: string | undefined;
  } {
    const { delegateBytesMax, delegateKeysMax } = this.#cluster.parameters;
    const pairs: Pair[] = [];
    const texts: string[] = [];
    let bytes = 0;
    for (const [text, value] of this.#holdings.table.from(next)) {
      if (hi !== null && text >= hi) break;
      bytes += text.length + value.length + pairOverheadBytes;
      if (pairs.length > 0 && (bytes > delegateBytesMax || pairs.length === delegateKeysMax)) {
        return { pairs, texts, end: text };
      }
      pairs.push({ key: bytesOfKey(text), value });
      texts.push(text);
    }
    return { pairs, texts, end: undefined };
  }
}
