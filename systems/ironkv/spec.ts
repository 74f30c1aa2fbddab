/**
 * What clients of IronKV may rely on: one hash table, each write executed at most once, each reply that of an
 * execution. Trusted: read it. (IronFleet, SOSP 2015, section 5.2.1; unlike there, exactly-once is part of the spec.)
 */
import { eqOf } from '../../src/network/schema.js';
import { PersistentMap } from '../../src/protocol/persistent-map.js';
import { equalBytes } from '../../src/spec/bytes.js';
import { holds, violated } from '../../src/spec/check.js';
import { natMax } from '../../src/spec/nat.js';
import type { Packet } from '../../src/spec/packet.js';
import { O, unreachable } from '../../src/spec/prelude.js';
import type { Service } from '../../src/spec/service.js';
import { type Command, type Outcome, outcomeSchema, textOfKey } from './commands.js';
import type { Configuration, Parameters } from './configuration.js';
import { type KvMessage, type Message, type Session, textOfSession } from './messages.js';

/** The table; which writes were executed; and the outcomes of every execution, by session and seqno. */
export interface KvSpec {
  readonly table: PersistentMap<string, Uint8Array>;
  readonly executed: PersistentMap<string, true>;
  readonly outcomes: PersistentMap<string, readonly Outcome[]>;
}

/** One atomic step: execute the request in this packet. */
export interface ExecuteRequest {
  readonly packet: Packet<Message<'request'>>;
}

/** Which request this is: a client uses a seqno of a session for one request only. */
export const requestKey = (session: Session, seqno: number): string => `${textOfSession(session)}#${seqno}`;

/**
 * Which write this is. A client that breaks the rule, and uses a seqno for two keys, has asked for two writes: the
 * owners of the keys need not know of each other.
 */
export const writeKey = (session: Session, seqno: number, key: string): string =>
  `${requestKey(session, seqno)} ${key}`;

/** Whether a command may change the table. */
export const isWrite = (command: Command): boolean => command.tag !== 'get' && command.tag !== 'length';

/** Whether key and values keep the cluster's limits; what does not is never executed. */
export const withinLimits = (command: Command, { keyBytesMax, valueBytesMax }: Parameters): boolean =>
  command.key.length <= keyBytesMax &&
  (!('value' in command) || command.value.length <= valueBytesMax) &&
  (!('old' in command) || command.old === null || command.old.length <= valueBytesMax);

/** What a command makes of the value at its key, `undefined` for an absent key, before and after. */
export interface Applied {
  readonly value: Uint8Array | undefined;
  readonly outcome: Outcome;
}

const decimal = /^(?:0|-?[1-9][0-9]*)$/;

const incremented = (value: Uint8Array | undefined, by: number): Applied => {
  const text = value === undefined ? '0' : textOfKey(value);
  // Longer than any safe integer: not worth converting.
  if (text.length > 20 || !decimal.test(text)) {
    return { value, outcome: { tag: 'failed', error: decimal.test(text) ? 'OUT_OF_RANGE' : 'NOT_AN_INTEGER' } };
  }
  const sum = Number(text) + by;
  const safe = Number.isSafeInteger(Number(text)) && sum >= -natMax && sum <= natMax;
  if (!safe) return { value, outcome: { tag: 'failed', error: 'OUT_OF_RANGE' } };
  return { value: new TextEncoder().encode(String(sum)), outcome: { tag: 'number', number: sum } };
};

const appended = (value: Uint8Array | undefined, more: Uint8Array, valueBytesMax: number): Applied => {
  const length = (value?.length ?? 0) + more.length;
  if (length > valueBytesMax) return { value, outcome: { tag: 'failed', error: 'VALUE_TOO_LARGE' } };
  return { value: Buffer.concat([value ?? new Uint8Array(), more]), outcome: { tag: 'number', number: length } };
};

const done = (took: boolean, value: Uint8Array | undefined): Applied => ({
  value,
  outcome: { tag: 'done', done: took },
});

/** Executes `command` on the value at its key. */
export const applied = (value: Uint8Array | undefined, command: Command, parameters: Parameters): Applied => {
  switch (command.tag) {
    case 'get':
      return { value, outcome: { tag: 'value', value: value ?? null } };
    case 'length':
      return { value, outcome: { tag: 'length', length: value?.length ?? null } };
    case 'set': {
      const takes = command.when === 'always' || (command.when === 'present') === (value !== undefined);
      return done(takes, takes ? command.value : value);
    }
    case 'delete':
      return done(value !== undefined, undefined);
    case 'compareAndSet': {
      const { old } = command;
      const takes = old === null ? value === undefined : value !== undefined && equalBytes(old, value);
      return done(takes, takes ? command.value : value);
    }
    case 'increment':
      return incremented(value, command.by);
    case 'append':
      return appended(value, command.value, parameters.valueBytesMax);
    default:
      return unreachable(command);
  }
};

const sameOutcome = eqOf(outcomeSchema);

const withOutcome = (known: readonly Outcome[], outcome: Outcome): readonly Outcome[] =>
  known.some((o) => sameOutcome.equals(o, outcome)) ? known : [...known, outcome];

const executed = (state: KvSpec, { session, seqno, command }: Message<'request'>, p: Parameters): O.Option<KvSpec> => {
  if (!withinLimits(command, p)) return O.none;
  const key = textOfKey(command.key);
  const write = writeKey(session, seqno, key);
  if (isWrite(command) && state.executed.has(write)) return O.none;
  const request = requestKey(session, seqno);
  const before = state.table.get(key);
  const { value, outcome } = applied(before, command, p);
  // A copy: a view would keep all of the packet that it came with.
  const own = value === undefined || value === before ? value : new Uint8Array(value);
  return O.some({
    table: own === undefined ? state.table.delete(key) : state.table.set(key, own),
    executed: isWrite(command) ? state.executed.set(write, true) : state.executed,
    outcomes: state.outcomes.set(request, withOutcome(state.outcomes.get(request) ?? [], outcome)),
  });
};

/** The service that a cluster with this configuration offers. */
export const kvService = ({ hosts, parameters }: Configuration): Service<KvSpec, ExecuteRequest, KvMessage> => ({
  name: 'ironkv',
  init: { table: PersistentMap.empty(), executed: PersistentMap.empty(), outcomes: PersistentMap.empty() },
  next: (state, { packet }) => executed(state, packet.message, parameters),
  justifies: (state, { source, target, message }) => {
    if (message.tag !== 'reply' || !hosts.includes(source)) return holds;
    const outcomes = state.outcomes.get(requestKey(message.session, message.seqno)) ?? [];
    if (outcomes.some((o) => sameOutcome.equals(o, message.outcome))) return holds;
    const why = outcomes.length === 0 ? 'the request was not executed' : 'the request was answered otherwise';
    return violated('REPLY_UNJUSTIFIED', 'every reply is that of an execution of its request', {
      host: source,
      client: target,
      session: message.session,
      seqno: message.seqno,
      why,
    });
  },
  asked: ({ packet }, sent) => {
    if (hosts.includes(packet.target) && sent.has(packet)) return holds;
    const { session, seqno } = packet.message;
    return violated('EXECUTED_UNASKED', 'only requests that clients sent are executed', { session, seqno });
  },
});
