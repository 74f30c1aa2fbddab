/** The messages of IronKV (README.md has the table), from one schema: codec, guard, equality and generator. */
import { codecOf } from '../../src/network/message-codec.js';
import { type Schema, schema } from '../../src/network/schema.js';
import type { EndPoint } from '../../src/spec/endpoint.js';
import { natMax } from '../../src/spec/nat.js';
import * as commands from './commands.js';

/** A client's session: identity for ever. The opener is the host with index `number mod 256`; `nonce` keeps others from guessing it. */
export interface Session {
  readonly number: number;
  readonly nonce: number;
}

/** A session as text, by which states know it: equal for equal sessions. */
export const textOfSession = ({ number, nonce }: Session): string => `${number}.${nonce}`;

/** The inverse of `textOfSession`. */
export const sessionOfText = (text: string): Session => {
  const [number = 0, nonce = 0] = text.split('.').map(Number);
  return { number, nonce };
};

/** The openers that a session's number can name; hosts of a cluster, at most. */
export const hostsMax = 256;

/** Sessions that a host can open: their counts, `number div 256`, lie below. */
export const opensMax = 2 ** 44;

/** Why a request is not executed by the host that says so. Only after `SESSION_EXPIRED` may it have been executed before. */
export type Refusal = 'KEY_TOO_LONG' | 'VALUE_TOO_LARGE' | 'OUT_OF_WINDOW' | 'OUT_OF_ORDER' | 'SESSION_EXPIRED';

/** The answers to a `shard`: it runs, it is complete, or why it was refused. */
export type ShardVerdict = 'moving' | 'done' | ShardRefusal;

/** Why nothing is moved. */
export type ShardRefusal =
  | 'NOT_ADMINISTRATOR'
  | 'BAD_RANGE'
  | 'UNKNOWN_HOST'
  | 'SAME_HOST'
  | 'NOT_OWNER'
  | 'ALREADY_MOVING'
  | 'TOO_MANY_MOVES';

/** An executed write of a session, and its outcome. */
export interface WriteRecord {
  readonly seqno: number;
  readonly outcome: commands.WriteOutcome;
}

/** What a host tells another about a session. */
export interface Knowledge {
  readonly session: Session;
  readonly floor: number;
  readonly next: number;
  readonly records: readonly WriteRecord[];
}

/** A key and its value. */
export interface Pair {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** What travels between hosts by single delivery. */
export type Body =
  /** The keys from `lo` up to `hi` (null: to the end) are yours now; `pairs` are all that are present, ascending. */
  | {
      readonly tag: 'delegate';
      readonly lo: Uint8Array;
      readonly hi: Uint8Array | null;
      readonly pairs: readonly Pair[];
      readonly horizons: readonly number[];
      readonly sessions: readonly Knowledge[];
    }
  /** What would not fit the next delegate. */
  | { readonly tag: 'inform'; readonly horizons: readonly number[]; readonly sessions: readonly Knowledge[] }
  /** My sessions with a count below `bound` may be used; of yours, those with a number below `horizon` are expired. */
  | { readonly tag: 'announce'; readonly bound: number; readonly horizon: number };

/** A key above the lowest one of a range, and how many of the range's requests were for keys below it. */
export interface Cut {
  readonly key: Uint8Array;
  readonly below: number;
}

/** What the host that answers knows about the load of a range of its own. */
export interface Load {
  readonly requests: number;
  readonly keys: number;
  readonly bytes: number;
  /** Ascending; between two of them lies a small part of the host's load, or a single busy key. Empty where the host has seen too little. */
  readonly cuts: readonly Cut[];
}

/** What a host refused or sent elsewhere since it started, for its operators: no part of the protocol's state. */
export interface KvCounters {
  /** Packets of hosts' kinds whose source is no host. */
  readonly strangers: number;
  /** Bodies of peers that no host sends which follows README.md, and all that seem to come from the host itself: they change nothing. */
  readonly delegatesRefused: number;
  /** Orders of others than administrators, and orders refused for what they ask. Repetitions of the latter do not count. */
  readonly shardsRefused: number;
  readonly requestsRefused: number;
  readonly requestsRedirected: number;
  /** Requests ignored, as their session is not announced: early ones, which their clients repeat, or invented ones. */
  readonly requestsUnannounced: number;
}

/** What a host says of itself in a `status` that does not follow from its state. Nothing rests on it. */
export interface Observed {
  /** Of the host's own ranges in the answer, in order. */
  readonly loads: readonly Load[];
  readonly counters: KvCounters;
}

/** A range of a delegation map; `load` is null for ranges of other hosts. */
export interface RangeStatus {
  readonly lo: Uint8Array;
  readonly hi: Uint8Array | null;
  readonly host: number;
  readonly load: Load | null;
}

/** A move under way; `next` is the lowest key not handed over, null once all are. */
export interface MoveStatus {
  readonly administrator: EndPoint;
  readonly seqno: number;
  readonly next: Uint8Array | null;
  readonly hi: Uint8Array | null;
  readonly recipient: number;
}

/** Every message of the system, in the order of README.md. */
export type KvMessage =
  | {
      readonly tag: 'request';
      readonly session: Session;
      readonly seqno: number;
      readonly floor: number;
      readonly ordered: boolean;
      readonly command: commands.Command;
    }
  | {
      readonly tag: 'reply';
      readonly session: Session;
      readonly seqno: number;
      readonly outcome: commands.Outcome;
    }
  | { readonly tag: 'refused'; readonly session: Session; readonly seqno: number; readonly reason: Refusal }
  | {
      readonly tag: 'redirect';
      readonly session: Session;
      readonly seqno: number;
      readonly lo: Uint8Array;
      readonly hi: Uint8Array | null;
      readonly host: number;
    }
  | { readonly tag: 'open'; readonly nonce: number }
  | { readonly tag: 'opened'; readonly session: Session }
  | {
      readonly tag: 'shard';
      readonly seqno: number;
      readonly lo: Uint8Array;
      readonly hi: Uint8Array | null;
      readonly recipient: EndPoint;
    }
  | { readonly tag: 'shardReply'; readonly seqno: number; readonly verdict: ShardVerdict }
  | { readonly tag: 'statusRequest'; readonly nonce: number; readonly from: Uint8Array }
  | {
      readonly tag: 'status';
      readonly nonce: number;
      readonly ranges: readonly RangeStatus[];
      readonly next: Uint8Array | null;
      readonly moves: readonly MoveStatus[];
      readonly keys: number;
      readonly sessions: number;
      readonly counters: KvCounters;
    }
  | { readonly tag: 'deliver'; readonly seqno: number; readonly body: Body }
  | { readonly tag: 'ack'; readonly seqno: number };

/** One message of a kind. */
export type Message<T extends KvMessage['tag']> = Extract<KvMessage, { tag: T }>;

/** The kinds that clients and administrators send; a packet of another kind whose source is no host was forged. */
export const clientKinds: readonly KvMessage['tag'][] = ['request', 'open', 'shard', 'statusRequest'];

/** Upper bounds of the wire form; a cluster's parameters set lower ones. */
export const wireMax = {
  ...commands.wireMax,
  /** The largest nonce, so that it takes five bytes. */
  nonce: 0xffff_ffff,
  pairs: 65_536,
  sessions: 65_536,
  records: 4096,
  ranges: 4096,
  cuts: 32,
  moves: 1024,
} as const;

/** The largest seqno and session number: its successor is a natural too, so that nobody can make a host count beyond. */
const countedMax = natMax - 1;

const sessionWords: Schema<Session> = schema((S) =>
  S.struct<Session>({ number: S.int(0, countedMax), nonce: S.int(0, wireMax.nonce) }),
);

const knowledge: Schema<Knowledge> = schema((S) =>
  S.struct<Knowledge>({
    session: sessionWords(S),
    floor: S.nat,
    next: S.nat,
    records: S.list<WriteRecord>(
      S.struct<WriteRecord>({ seqno: S.int(0, countedMax), outcome: commands.writeOutcomeSchema(S) }),
      wireMax.records,
    ),
  }),
);

const body: Schema<Body> = schema((S) => {
  const key = S.bytes(wireMax.keyBytes);
  const pairs = S.list<Pair>(S.struct<Pair>({ key, value: S.bytes(wireMax.valueBytes) }), wireMax.pairs);
  const horizons = S.list(S.nat, hostsMax);
  const sessions = S.list<Knowledge>(knowledge(S), wireMax.sessions);
  return S.sum('tag')({
    delegate: S.struct({ tag: S.literal('delegate'), lo: key, hi: S.nullable(key), pairs, horizons, sessions }),
    inform: S.struct({ tag: S.literal('inform'), horizons, sessions }),
    announce: S.struct({ tag: S.literal('announce'), bound: S.nat, horizon: S.nat }),
  });
});

const ranges: Schema<readonly RangeStatus[]> = schema((S) => {
  const key = S.bytes(wireMax.keyBytes);
  const cuts = S.list<Cut>(S.struct<Cut>({ key, below: S.nat }), wireMax.cuts);
  const load = S.nullable<Load>(S.struct<Load>({ requests: S.nat, keys: S.nat, bytes: S.nat, cuts }));
  const range = S.struct<RangeStatus>({ lo: key, hi: S.nullable(key), host: S.int(0, hostsMax - 1), load });
  return S.list<RangeStatus>(range, wireMax.ranges);
});

const moves: Schema<readonly MoveStatus[]> = schema((S) => {
  const key = S.nullable(S.bytes(wireMax.keyBytes));
  const recipient = S.int(0, hostsMax - 1);
  const move = S.struct<MoveStatus>({ administrator: S.endPoint, seqno: S.nat, next: key, hi: key, recipient });
  return S.list<MoveStatus>(move, wireMax.moves);
});

const counters: Schema<KvCounters> = schema((S) =>
  S.struct<KvCounters>({
    strangers: S.nat,
    delegatesRefused: S.nat,
    shardsRefused: S.nat,
    requestsRefused: S.nat,
    requestsRedirected: S.nat,
    requestsUnannounced: S.nat,
  }),
);

const refusals = ['KEY_TOO_LONG', 'VALUE_TOO_LARGE', 'OUT_OF_WINDOW', 'OUT_OF_ORDER', 'SESSION_EXPIRED'] as const;

const verdicts = [
  'moving',
  'done',
  'NOT_ADMINISTRATOR',
  'BAD_RANGE',
  'UNKNOWN_HOST',
  'SAME_HOST',
  'NOT_OWNER',
  'ALREADY_MOVING',
  'TOO_MANY_MOVES',
] as const;

/** The one description of every message. */
export const kvSchema: Schema<KvMessage> = schema((S) => {
  const key = S.bytes(wireMax.keyBytes);
  const hi = S.nullable(key);
  const host = S.int(0, hostsMax - 1);
  const nonce = S.int(0, wireMax.nonce);
  const session = sessionWords(S);
  const seqno = S.int(0, countedMax);
  return S.sum('tag')({
    request: S.struct({
      tag: S.literal('request'),
      session,
      seqno,
      floor: S.nat,
      ordered: S.boolean,
      command: commands.commandSchema(S),
    }),
    reply: S.struct({ tag: S.literal('reply'), session, seqno, outcome: commands.outcomeSchema(S) }),
    refused: S.struct({ tag: S.literal('refused'), session, seqno, reason: S.literal(...refusals) }),
    redirect: S.struct({ tag: S.literal('redirect'), session, seqno, lo: key, hi, host }),
    open: S.struct({ tag: S.literal('open'), nonce }),
    opened: S.struct({ tag: S.literal('opened'), session }),
    shard: S.struct({ tag: S.literal('shard'), seqno, lo: key, hi, recipient: S.endPoint }),
    shardReply: S.struct({ tag: S.literal('shardReply'), seqno, verdict: S.literal(...verdicts) }),
    statusRequest: S.struct({ tag: S.literal('statusRequest'), nonce: S.nat, from: key }),
    status: S.struct({
      tag: S.literal('status'),
      nonce: S.nat,
      ranges: ranges(S),
      next: hi,
      moves: moves(S),
      keys: S.nat,
      sessions: S.nat,
      counters: counters(S),
    }),
    deliver: S.struct({ tag: S.literal('deliver'), seqno, body: body(S) }),
    ack: S.struct({ tag: S.literal('ack'), seqno }),
  });
});

/** Messages to bytes and back. */
export const kvCodec = codecOf(kvSchema);
