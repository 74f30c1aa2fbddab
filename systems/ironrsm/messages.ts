/** The messages of IronRSM (README.md has the table), from one schema: codec, guard, equality and generator. */
import { codecOf } from '../../src/network/message-codec.js';
import { type IronSchemable, schema } from '../../src/network/schema.js';
import type { EndPoint } from '../../src/spec/endpoint.js';
import { Ord } from '../../src/spec/prelude.js';

/** A ballot: ordered by seqno, then by the proposer's index (IronFleet, SOSP 2015, section 5.1.1). */
export interface Ballot {
  readonly seqno: number;
  readonly proposer: number;
}

/** The total order of ballots. */
export const ballotOrd: Ord.Ord<Ballot> = Ord.fromCompare((a, b) => {
  if (a.seqno !== b.seqno) return a.seqno < b.seqno ? -1 : 1;
  if (a.proposer !== b.proposer) return a.proposer < b.proposer ? -1 : 1;
  return 0;
});

/** A client's request, as batches hold it. */
export interface Request {
  readonly client: EndPoint;
  readonly seqno: number;
  readonly value: Uint8Array;
}

/** The requests of one operation. Empty for a gap that a new leader fills. */
export type Batch = readonly Request[];

/** An acceptor's vote. */
export interface Vote {
  readonly ballot: Ballot;
  readonly batch: Batch;
}

/** The last executed request of a client, and its reply. */
export interface CachedReply {
  readonly client: EndPoint;
  readonly seqno: number;
  readonly value: Uint8Array;
}

/** Why a replica will not execute a request. */
export type Refusal = 'REQUEST_TOO_LARGE';

/** Every message of the system, in the order of README.md. */
export type RsmMessage =
  | { readonly tag: 'request'; readonly seqno: number; readonly value: Uint8Array }
  | { readonly tag: 'reply'; readonly seqno: number; readonly value: Uint8Array }
  | { readonly tag: 'refused'; readonly seqno: number; readonly reason: Refusal }
  | { readonly tag: '1a'; readonly ballot: Ballot }
  | {
      readonly tag: '1b';
      readonly ballot: Ballot;
      readonly truncationPoint: number;
      readonly votes: readonly ReportedVote[];
    }
  | { readonly tag: '2a'; readonly ballot: Ballot; readonly opn: number; readonly batch: Batch }
  | { readonly tag: '2b'; readonly ballot: Ballot; readonly opn: number; readonly batch: Batch }
  | { readonly tag: 'heartbeat'; readonly view: Ballot; readonly suspicious: boolean; readonly opsComplete: number }
  | { readonly tag: 'startingPhase2'; readonly ballot: Ballot; readonly truncationPoint: number }
  | { readonly tag: 'appStateRequest'; readonly opn: number }
  | {
      readonly tag: 'appStateSupply';
      readonly opn: number;
      readonly app: Uint8Array;
      readonly replies: readonly CachedReply[];
    }
  | { readonly tag: 'statusRequest'; readonly nonce: number }
  | {
      readonly tag: 'status';
      readonly nonce: number;
      readonly view: Ballot;
      readonly leading: boolean;
      readonly opsComplete: number;
      readonly truncationPoint: number;
    };

/** A vote as a 1b reports it. */
export interface ReportedVote {
  readonly opn: number;
  readonly ballot: Ballot;
  readonly batch: Batch;
}

/** One message of a kind. */
export type Message<T extends RsmMessage['tag']> = Extract<RsmMessage, { tag: T }>;

/** Upper bounds of the wire form; a cluster's parameters set lower ones. */
export const wireMax = {
  valueBytes: 1 << 24,
  batchRequests: 4096,
  votes: 65_536,
  snapshotBytes: 1 << 28,
  replies: 1 << 20,
} as const;

/** The largest index of a replica, exclusive. */
const replicasMax = 256;

const ballotFields = <S>(S: IronSchemable<S>) =>
  S.struct<Ballot>({ seqno: S.nat, proposer: S.int(0, replicasMax - 1) });

const batchList = <S>(S: IronSchemable<S>) =>
  S.list<Request>(
    S.struct<Request>({ client: S.endPoint, seqno: S.nat, value: S.bytes(wireMax.valueBytes) }),
    wireMax.batchRequests,
  );

/** The one description of every message. */
export const rsmSchema = schema<RsmMessage>((S) => {
  const ballot = ballotFields(S);
  const batch = batchList(S);
  const value = S.bytes(wireMax.valueBytes);
  const replies = S.list<CachedReply>(
    S.struct<CachedReply>({ client: S.endPoint, seqno: S.nat, value }),
    wireMax.replies,
  );
  const votes = S.list<ReportedVote>(S.struct<ReportedVote>({ opn: S.nat, ballot, batch }), wireMax.votes);
  return S.sum('tag')({
    request: S.struct({ tag: S.literal('request'), seqno: S.nat, value }),
    reply: S.struct({ tag: S.literal('reply'), seqno: S.nat, value }),
    refused: S.struct({ tag: S.literal('refused'), seqno: S.nat, reason: S.literal('REQUEST_TOO_LARGE') }),
    '1a': S.struct({ tag: S.literal('1a'), ballot }),
    '1b': S.struct({ tag: S.literal('1b'), ballot, truncationPoint: S.nat, votes }),
    '2a': S.struct({ tag: S.literal('2a'), ballot, opn: S.nat, batch }),
    '2b': S.struct({ tag: S.literal('2b'), ballot, opn: S.nat, batch }),
    heartbeat: S.struct({ tag: S.literal('heartbeat'), view: ballot, suspicious: S.boolean, opsComplete: S.nat }),
    startingPhase2: S.struct({ tag: S.literal('startingPhase2'), ballot, truncationPoint: S.nat }),
    appStateRequest: S.struct({ tag: S.literal('appStateRequest'), opn: S.nat }),
    appStateSupply: S.struct({
      tag: S.literal('appStateSupply'),
      opn: S.nat,
      app: S.bytes(wireMax.snapshotBytes),
      replies,
    }),
    statusRequest: S.struct({ tag: S.literal('statusRequest'), nonce: S.nat }),
    status: S.struct({
      tag: S.literal('status'),
      nonce: S.nat,
      view: ballot,
      leading: S.boolean,
      opsComplete: S.nat,
      truncationPoint: S.nat,
    }),
  });
});

/** Messages to bytes and back. */
export const rsmCodec = codecOf(rsmSchema);
