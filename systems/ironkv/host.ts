/**
 * A host of IronKV as a machine runs it: imperative, over native state (IronFleet, SOSP 2015, section 5.2). It is written
 * from README.md alone; `refinement.ts` ties it to the protocol, step by step.
 */
import type { Host } from '../../src/host/host.js';
import type { EndPoint } from '../../src/spec/endpoint.js';
import { bytesOfKey, type Outcome, textOfKey } from './commands.js';
import type { Configuration } from './configuration.js';
import { type KvAction, ProcessActions } from './host/action.js';
import { Announcer } from './host/announcer.js';
import { isAcceptable } from './host/body-check.js';
import { type Cluster, clusterOf } from './host/cluster.js';
import { noCounts } from './host/counters.js';
import { DelegationMap } from './host/delegation-map.js';
import { Deliveries, type Peer } from './host/deliveries.js';
import { carriesLonger, Executor, isRead } from './host/executor.js';
import { Intake } from './host/intake.js';
import { LoadSample } from './host/load-sample.js';
import { type Move, Mover, type ShardOrder } from './host/mover.js';
import { OrderedTable } from './host/ordered-table.js';
import { outcomeOf } from './host/records.js';
import { type SessionEntry, SessionTable } from './host/session-table.js';
import { type KvIo, StepScope } from './host/step-scope.js';
import { ValueStore } from './host/value-store.js';
import {
  type Body,
  type KvCounters,
  type KvMessage,
  type Load,
  type Message,
  type RangeStatus,
  type Refusal,
  textOfSession,
} from './messages.js';

export type { KvAction, ProcessAction } from './host/action.js';
export type { MapEntry } from './host/delegation-map.js';
export type { Peer } from './host/deliveries.js';
export type { Move, ShardOrder } from './host/mover.js';
export type { SessionEntry } from './host/session-table.js';
export type { KvCounters } from './messages.js';

/** The host of some keys. Others may look at its state, and must not change it. */
export class KvHost implements Host<KvMessage, KvAction> {
  /** The value of each key that this host owns and that is present, by key text. */
  readonly table: ReadonlyMap<string, Uint8Array>;
  readonly map: Pick<DelegationMap, 'entries' | 'positionOf' | 'hostAt'>;
  /** By `textOfSession`. */
  readonly sessions: ReadonlyMap<string, Readonly<SessionEntry>>;
  /** By opener's index. */
  readonly horizons: readonly number[];
  /** By opener's index. */
  readonly bounds: readonly number[];
  /** By index, all hosts but this one. */
  readonly peers: ReadonlyMap<number, Readonly<Peer>>;
  readonly moves: readonly Readonly<Move>[];
  readonly shards: ReadonlyMap<EndPoint, ShardOrder>;
  readonly counters: KvCounters;
  readonly #counters = noCounts();
  readonly #cluster: Cluster;
  readonly #scope = new StepScope();
  readonly #table = new OrderedTable();
  readonly #values = new ValueStore();
  // The first host owns everything at the start.
  readonly #map = new DelegationMap(0);
  readonly #sessions: SessionTable;
  readonly #deliveries: Deliveries;
  readonly #announcer: Announcer;
  readonly #mover: Mover;
  readonly #executor: Executor;
  readonly #intake: Intake;
  readonly #loads: LoadSample;
  readonly #processed = new ProcessActions();

  /** The host at `me` as it starts; throws where the configuration does not name it. */
  constructor(configuration: Configuration, me: EndPoint) {
    const cluster = clusterOf(configuration, me);
    const scope = this.#scope;
    this.#cluster = cluster;
    this.#sessions = new SessionTable(cluster, scope);
    this.#deliveries = new Deliveries(cluster, scope);
    this.#announcer = new Announcer(cluster, scope, this.#sessions, this.#deliveries);
    const holdings = { table: this.#table, map: this.#map, sessions: this.#sessions, deliveries: this.#deliveries };
    this.#mover = new Mover(cluster, scope, holdings);
    this.#executor = new Executor(this.#table, this.#values, cluster.parameters.valueBytesMax, scope);
    this.#intake = new Intake(cluster.parameters, this.#table);
    this.#loads = new LoadSample(cluster.parameters.loadPeriodMs);
    this.table = this.#table;
    this.map = this.#map;
    this.sessions = this.#sessions.entries;
    this.horizons = this.#sessions.horizons;
    this.bounds = this.#sessions.bounds;
    this.peers = this.#deliveries.peers;
    this.moves = this.#mover.moves;
    this.shards = this.#mover.shards;
    this.counters = this.#counters;
  }

  /** The highest stamp given to a session. */
  get stamp(): number {
    return this.#sessions.stamp;
  }

  /** The counts below were given out by this host, or skipped. */
  get opened(): number {
    return this.#sessions.opened;
  }

  /** One macro step: take what came, forget what is too much, hand over a little, and send again what is due. */
  next(io: KvIo): void {
    const packets = this.#intake.take(io);
    this.#scope.begin(io, io.clock());
    this.#loads.begin(this.#scope.now);
    for (let i = 0; i < packets.length; i++) {
      const { source, message } = packets[i] as (typeof packets)[number];
      if (message.tag === 'statusRequest') this.#onStatusRequest(source, message, i);
      else {
        this.#scope.record(this.#processed.at(i));
        this.#process(source, message);
      }
    }
    while (this.#sessions.expire());
    this.#announcer.announce();
    this.#mover.handOver();
    this.#deliveries.resend();
  }

  /** The earliest time to hand over the next piece, or to send something again: an idle host sleeps. */
  wakeAtMs(): number {
    return Math.min(this.#mover.wakeAtMs(), this.#deliveries.wakeAtMs());
  }

  /** Consumes one packet; what is out of place has no effect. */
  #process(source: EndPoint, message: Exclude<KvMessage, { tag: 'statusRequest' }>): void {
    switch (message.tag) {
      case 'request':
        this.#onRequest(source, message);
        break;
      case 'open':
        this.#onOpen(source, message);
        break;
      case 'shard':
        this.#onShard(source, message);
        break;
      default:
        this.#processOfHost(source, message);
    }
  }

  #processOfHost(source: EndPoint, message: KvMessage): void {
    const sender = this.#cluster.indexOf.get(source);
    if (sender === undefined) {
      this.#counters.strangers++;
      return;
    }
    if (sender === this.#cluster.myIndex) {
      if (message.tag === 'deliver') this.#counters.delegatesRefused++;
      return;
    }
    if (message.tag === 'deliver') {
      const body = this.#deliveries.receive(sender, message, this.#isRight);
      if (body !== undefined) this.#accept(sender, body);
    } else if (message.tag === 'ack' && this.#deliveries.acknowledge(sender, message.seqno)) {
      this.#mover.acknowledged(sender, message.seqno);
    }
  }

  #onRequest(client: EndPoint, request: Message<'request'>): void {
    const { seqno, floor, ordered, command } = request;
    const { keyBytesMax, valueBytesMax, sessionWindowMax } = this.#cluster.parameters;
    if (command.key.length > keyBytesMax) {
      this.#refuse(client, request, 'KEY_TOO_LONG');
    } else if (carriesLonger(command, valueBytesMax)) {
      this.#refuse(client, request, 'VALUE_TOO_LARGE');
    } else if (seqno < floor || seqno - floor >= sessionWindowMax) {
      this.#refuse(client, request, 'OUT_OF_WINDOW');
    } else if (ordered || !isRead(command)) {
      this.#onSessionRequest(client, request);
    } else {
      // An unordered read leaves no trace: whoever owns the key answers, and the session does not matter.
      const key = textOfKey(command.key);
      if (this.#owns(client, request, key)) {
        this.#reply(client, request, this.#executor.read(command, key));
      }
    }
  }

  /** A write, or an ordered read. */
  #onSessionRequest(client: EndPoint, request: Message<'request'>): void {
    const { session, seqno, floor, ordered, command } = request;
    const name = textOfSession(session);
    const entry = this.#sessions.entries.get(name);
    if (entry !== undefined) {
      const outcome = isRead(command) ? undefined : outcomeOf(entry.records, seqno);
      if (outcome !== undefined) {
        this.#reply(client, request, outcome);
        return;
      }
      // The client has settled it, and no longer listens: executing an old copy again would break exactly-once.
      if (seqno < entry.floor) return;
    }
    const key = textOfKey(command.key);
    if (!this.#owns(client, request, key)) return;
    // Only the owner of the key may say so: only it knows every write to the key.
    if (this.#sessions.isExpired(session)) {
      this.#refuse(client, request, 'SESSION_EXPIRED');
    } else if (entry === undefined && !this.#sessions.isAnnounced(session)) {
      this.#counters.requestsUnannounced++;
    } else if (ordered && !isInTurn(request, entry?.next ?? 0)) {
      this.#refuse(client, request, 'OUT_OF_ORDER');
    } else {
      const next = ordered ? seqno + 1 : undefined;
      if (isRead(command)) {
        this.#reply(client, request, this.#executor.read(command, key));
        this.#sessions.executed(name, entry, { session, floor, next, record: undefined });
      } else {
        const outcome = this.#executor.write(command, key);
        this.#reply(client, request, outcome);
        this.#sessions.executed(name, entry, { session, floor, next, record: { seqno, outcome } });
      }
    }
  }

  /** Whether this host owns the key; sends the client on where it does not. */
  #owns(client: EndPoint, { session, seqno }: Message<'request'>, key: string): boolean {
    const position = this.#map.positionOf(key);
    const host = this.#map.hostAt(position);
    if (host === this.#cluster.myIndex) {
      this.#loads.count(key);
      return true;
    }
    this.#counters.requestsRedirected++;
    const lo = bytesOfKey(this.#map.loAt(position));
    this.#scope.send(client, { tag: 'redirect', session, seqno, lo, hi: this.#hiAt(position), host });
    return false;
  }

  #reply(client: EndPoint, { session, seqno }: Message<'request'>, outcome: Outcome): void {
    this.#scope.send(client, { tag: 'reply', session, seqno, outcome });
  }

  #refuse(client: EndPoint, { session, seqno }: Message<'request'>, reason: Refusal): void {
    this.#counters.requestsRefused++;
    this.#scope.send(client, { tag: 'refused', session, seqno, reason });
  }

  #onOpen(source: EndPoint, { nonce }: Message<'open'>): void {
    const session = this.#sessions.open(nonce);
    if (session !== undefined) this.#scope.send(source, { tag: 'opened', session });
  }

  #onShard(source: EndPoint, shard: Message<'shard'>): void {
    const last = this.shards.get(source);
    const verdict = this.#mover.order(source, shard);
    if (verdict === undefined) return;
    const refused = verdict !== 'moving' && verdict !== 'done';
    if (refused && last?.seqno !== shard.seqno) this.#counters.shardsRefused++;
    this.#scope.send(source, { tag: 'shardReply', seqno: shard.seqno, verdict });
  }

  #onStatusRequest(asker: EndPoint, { nonce, from }: Message<'statusRequest'>, index: number): void {
    const first = this.#map.positionOf(textOfKey(from));
    const end = Math.min(this.#map.length, first + this.#cluster.parameters.rangesPerStatusMax);
    const ranges: RangeStatus[] = [];
    const loads: Load[] = [];
    for (let position = first; position < end; position++) {
      const host = this.#map.hostAt(position);
      const load = host === this.#cluster.myIndex ? this.#loadAt(position) : null;
      if (load !== null) loads.push(load);
      ranges.push({ lo: bytesOfKey(this.#map.loAt(position)), hi: this.#hiAt(position), host, load });
    }
    const counters = { ...this.#counters };
    this.#scope.record({ action: 'process', from: 'receive', index, observed: { loads, counters } });
    const next = end < this.#map.length ? bytesOfKey(this.#map.loAt(end)) : null;
    const moves = this.#mover.status();
    const sizes = { keys: this.#table.size, sessions: this.sessions.size };
    this.#scope.send(asker, { tag: 'status', nonce, ranges, next, moves, ...sizes, counters });
  }

  #loadAt(position: number): Load {
    const lo = this.#map.loAt(position);
    const hi = this.#map.hiAt(position);
    const { requests, cuts } = this.#loads.of(lo, hi);
    const shown = cuts.map(({ key, below }) => ({ key: bytesOfKey(key), below }));
    return { requests, ...this.#table.weigh(lo, hi), cuts: shown };
  }

  #hiAt(position: number): Uint8Array | null {
    const hi = this.#map.hiAt(position);
    return hi === null ? null : bytesOfKey(hi);
  }

  readonly #isRight = (body: Body): boolean => {
    const right = isAcceptable(body, this.#cluster, this.#map);
    if (!right) this.#counters.delegatesRefused++;
    return right;
  };

  #accept(sender: number, body: Body): void {
    if (body.tag === 'announce') {
      this.#sessions.hear(sender, body.bound, body.horizon);
      return;
    }
    this.#sessions.learn(body.horizons, body.sessions);
    if (body.tag === 'inform') return;
    this.#map.assign(textOfKey(body.lo), body.hi === null ? null : textOfKey(body.hi), this.#cluster.myIndex);
    this.#scope.touch('map');
    for (const { key, value } of body.pairs) {
      const text = textOfKey(key);
      this.#table.set(text, this.#values.copy(value));
      this.#scope.touchAt('table', text);
    }
  }
}

/** Whether an ordered request comes after all that were executed, and after all that the client has not settled; or is the last one, a read, again. */
const isInTurn = ({ seqno, floor, command }: Message<'request'>, next: number): boolean =>
  (seqno >= next && (seqno === floor || seqno === next)) || (isRead(command) && seqno + 1 === next);
