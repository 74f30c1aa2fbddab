/**
 * Ghost history of an IronKV cluster: what was executed, sent by single delivery, opened and ordered. Read off the packets and
 * the changes; it shares no code with the protocol. Its values are immutable, so that a copy of the history is a shallow one.
 */
import { PersistentMap } from '../../src/protocol/persistent-map.js';
import type { Change, Cluster, Evidence } from '../../src/refinement/cluster.js';
import { equalValues } from '../../src/refinement/values.js';
import type { Packet } from '../../src/spec/packet.js';
import { textOfKey, type WriteOutcome } from './commands.js';
import type { Configuration } from './configuration.js';
import { type Order, orderDefect, withExecuted } from './history/order.js';
import { type Body, type KvMessage, type Message, textOfSession } from './messages.js';
import type { HostState } from './protocol.js';
import { applied, isWrite } from './spec.js';

/** A write that was executed; `session` as text, `key` as text. */
export interface Execution {
  readonly session: string;
  readonly number: number;
  readonly seqno: number;
  readonly key: string;
  readonly outcome: WriteOutcome;
}

/** What was executed and sent so far. Mutable: `remember` extends it. */
export interface KvHistory {
  /** Executed writes by session and seqno: one, unless its client broke the rules. */
  executions: PersistentMap<string, PersistentMap<number, readonly Execution[]>>;
  /** The same by key and `executionName`. */
  executionsOf: PersistentMap<string, PersistentMap<string, Execution>>;
  /** What was executed as ordered, by session. */
  orders: PersistentMap<string, Order>;
  /** An ordered request that was executed out of order. */
  orderConflict: Evidence | null;
  /** The first body sent under each seqno of each stream, by `bodyKey`. */
  bodies: PersistentMap<string, Body>;
  /** Two bodies under one seqno. */
  bodyConflict: Evidence | null;
  /** The highest floor of the requests of each session. */
  floors: PersistentMap<string, number>;
  /** The numbers that each host gave to sessions, by host and number. */
  opened: PersistentMap<string, true>;
  /** A number given twice. */
  openedConflict: Evidence | null;
  /** The shards sent, by `shardKey`. */
  shards: PersistentMap<string, readonly Message<'shard'>[]>;
}

/** An IronKV cluster with its history. */
export type KvCluster = Cluster<HostState, KvMessage, KvHistory>;

/** A change of such a cluster. */
export type KvChange = Change<HostState, KvMessage>;

/** The place of a body in the stream from one host to another, by their indices. */
export const bodyKey = (from: number, to: number, seqno: number): string => `${from}>${to}#${seqno}`;

/** Names an execution among those of its key. */
export const executionName = ({ session, seqno }: Execution): string => `${session}#${seqno}`;

/** Who ordered what of whom. */
export const shardKey = (source: string, target: string, seqno: number): string => `${source}>${target}#${seqno}`;

/** The history of a cluster that has done nothing. */
export const emptyHistory = (): KvHistory => ({
  executions: PersistentMap.empty(),
  executionsOf: PersistentMap.empty(),
  orders: PersistentMap.empty(),
  orderConflict: null,
  bodies: PersistentMap.empty(),
  bodyConflict: null,
  floors: PersistentMap.empty(),
  opened: PersistentMap.empty(),
  openedConflict: null,
  shards: PersistentMap.empty(),
});

/**
 * The request that a change executes: what changes the table or what is known of sessions is an execution, and so is what
 * is answered and is not a write whose record stands.
 */
export const executedIn = ({ before, after, consumed, sends }: KvChange): Packet<Message<'request'>> | undefined => {
  if (before === undefined || after === undefined || consumed?.message.tag !== 'request') return undefined;
  const packet = consumed as Packet<Message<'request'>>;
  if (before.table !== after.table || before.sessions !== after.sessions) return packet;
  const { session, seqno, command } = packet.message;
  if (!sends.some(({ message }) => message.tag === 'reply')) return undefined;
  const records = before.sessions.get(textOfSession(session))?.records ?? [];
  return isWrite(command) && records.some((r) => r.seqno === seqno) ? undefined : packet;
};

const appended = <K extends string | number, V>(
  lists: PersistentMap<K, readonly V[]>,
  key: K,
  value: V,
): PersistentMap<K, readonly V[]> => lists.set(key, [...(lists.get(key) ?? []), value]);

const rememberExecution = (h: KvHistory, before: HostState, { message: m }: Packet<Message<'request'>>): void => {
  if (!isWrite(m.command)) return;
  const key = textOfKey(m.command.key);
  const { outcome } = applied(before.table.get(key), m.command, before.constants.configuration.parameters);
  const session = textOfSession(m.session);
  const { number } = m.session;
  const execution: Execution = { session, number, seqno: m.seqno, key, outcome: outcome as WriteOutcome };
  const bySeqno = h.executions.get(session) ?? PersistentMap.empty<number, readonly Execution[]>();
  h.executions = h.executions.set(session, appended(bySeqno, m.seqno, execution));
  const byName = h.executionsOf.get(key) ?? PersistentMap.empty<string, Execution>();
  h.executionsOf = h.executionsOf.set(key, byName.set(executionName(execution), execution));
};

const rememberOrder = (h: KvHistory, { constants }: HostState, { message: m }: Packet<Message<'request'>>): void => {
  if (!m.ordered) return;
  const session = textOfSession(m.session);
  const order = h.orders.get(session);
  h.orderConflict ??= orderDefect(order, constants.index, m) ?? null;
  h.orders = h.orders.set(session, withExecuted(order, constants.index, m));
};

const rememberFromHost = (h: KvHistory, from: number, { target, message: m }: Packet<KvMessage>, c: Configuration) => {
  if (m.tag === 'deliver') {
    const key = bodyKey(from, c.hosts.indexOf(target), m.seqno);
    const known = h.bodies.get(key);
    if (known === undefined) h.bodies = h.bodies.set(key, m.body);
    else if (!equalValues(known, m.body)) h.bodyConflict ??= { stream: key, one: known, other: m.body };
  }
  if (m.tag === 'opened') {
    const key = `${from}#${m.session.number}`;
    if (h.opened.has(key)) h.openedConflict ??= { host: from, number: m.session.number };
    h.opened = h.opened.set(key, true);
  }
};

/** Extends the history by a change. */
export const remember = (h: KvHistory, change: KvChange, configuration: Configuration): void => {
  const executed = executedIn(change);
  if (executed !== undefined) {
    rememberExecution(h, change.before as HostState, executed);
    rememberOrder(h, change.before as HostState, executed);
  }
  for (const packet of change.sends) {
    const { source, target, message: m } = packet;
    const from = configuration.hosts.indexOf(source);
    if (from >= 0) rememberFromHost(h, from, packet, configuration);
    if (m.tag === 'request') {
      const session = textOfSession(m.session);
      if (m.floor > (h.floors.get(session) ?? -1)) h.floors = h.floors.set(session, m.floor);
    }
    if (m.tag === 'shard') {
      const key = shardKey(source, target, m.seqno);
      const known = h.shards.get(key) ?? [];
      if (!known.some((shard) => equalValues(shard, m))) h.shards = h.shards.set(key, [...known, m]);
    }
  }
};
