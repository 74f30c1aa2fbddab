/** The messages of IronRSM (README.md has the table), from one schema: codec, guard, equality and generator. */
import { codecOf } from '../../src/network/message-codec.js';
import { type IronSchemable, schema } from '../../src/network/schema.js';
import { Ord } from '../../src/spec/prelude.js';
import { digestBytes, type Request, replyFields, wireMax } from './requests.js';

export * from './requests.js';

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

/** A vote as a 1b reports it. `batch` is bytes of a list of requests (`batchCodec`). */
export interface ReportedVote {
  readonly opn: number;
  readonly ballot: Ballot;
  readonly batch: Uint8Array;
}

/** Why a replica will not execute a request (README.md, "Messages"). */
export type Refusal = 'REQUEST_TOO_LARGE' | 'SEQNO_REUSED' | 'SESSION_EXPIRED';

/** Where a piece of a replica's state begins (README.md, "The state on the wire"). */
export type Cursor =
  | { readonly tag: 'sessions'; readonly offset: number }
  | { readonly tag: 'app'; readonly after: Uint8Array | null };

/** Every message of the system, in the order of README.md. */
export type RsmMessage =
  | { readonly tag: 'open'; readonly nonce: number; readonly ordered: boolean }
  | { readonly tag: 'opened'; readonly nonce: number; readonly session: number }
  | {
      readonly tag: 'request';
      readonly session: number;
      readonly seqno: number;
      readonly floor: number;
      readonly value: Uint8Array;
    }
  | { readonly tag: 'reply'; readonly session: number; readonly seqno: number; readonly value: Uint8Array }
  | { readonly tag: 'refused'; readonly session: number; readonly seqno: number; readonly reason: Refusal }
  | { readonly tag: 'redirect'; readonly view: Ballot }
  | { readonly tag: '1a'; readonly ballot: Ballot }
  | {
      readonly tag: '1b';
      readonly ballot: Ballot;
      readonly truncationPoint: number;
      readonly votes: readonly ReportedVote[];
    }
  | { readonly tag: '2a'; readonly ballot: Ballot; readonly opn: number; readonly batch: Uint8Array }
  | { readonly tag: '2b'; readonly ballot: Ballot; readonly opn: number; readonly digest: Uint8Array }
  | { readonly tag: 'batchRequest'; readonly ballot: Ballot; readonly opn: number }
  | { readonly tag: 'batchSupply'; readonly ballot: Ballot; readonly opn: number; readonly batch: Uint8Array }
  | { readonly tag: 'heartbeat'; readonly view: Ballot; readonly suspicious: boolean; readonly opsComplete: number }
  | { readonly tag: 'catchUpRequest'; readonly opn: number }
  | {
      readonly tag: 'catchUpSupply';
      readonly opn: number;
      readonly batches: readonly Uint8Array[];
      readonly opsComplete: number;
    }
  | { readonly tag: 'stateRequest'; readonly opn: number; readonly at: Cursor }
  | {
      readonly tag: 'statePiece';
      readonly opn: number;
      readonly at: Cursor;
      readonly bytes: Uint8Array;
      readonly next: Cursor | null;
      readonly digest: Uint8Array;
    }
  | { readonly tag: 'statusRequest'; readonly nonce: number }
  | {
      readonly tag: 'status';
      readonly nonce: number;
      readonly view: Ballot;
      readonly leading: boolean;
      readonly opsComplete: number;
      readonly truncationPoint: number;
      readonly sessions: number;
    };

/** One message of a kind. */
export type Message<T extends RsmMessage['tag']> = Extract<RsmMessage, { tag: T }>;

/** The largest index of a replica, exclusive. */
const replicasMax = 256;

const ballotFields = <S>(S: IronSchemable<S>) =>
  S.struct<Ballot>({ seqno: S.nat, proposer: S.int(0, replicasMax - 1) });

const cursorOf = <S>(S: IronSchemable<S>) =>
  S.sum('tag')({
    sessions: S.struct({ tag: S.literal('sessions'), offset: S.nat }),
    app: S.struct({ tag: S.literal('app'), after: S.nullable(S.bytes(wireMax.cursorBytes)) }),
  });

/** The one description of every message. */
export const rsmSchema = schema<RsmMessage>((S) => {
  const ballot = ballotFields(S);
  const batch = S.bytes(wireMax.batchBytes);
  const { value } = replyFields(S);
  const at = cursorOf(S);
  const digest = S.bytes(digestBytes);
  const votes = S.list<ReportedVote>(S.struct<ReportedVote>({ opn: S.nat, ballot, batch }), wireMax.votes);
  return S.sum('tag')({
    open: S.struct({ tag: S.literal('open'), nonce: S.nat, ordered: S.boolean }),
    opened: S.struct({ tag: S.literal('opened'), nonce: S.nat, session: S.nat }),
    request: S.struct({ tag: S.literal('request'), session: S.nat, seqno: S.nat, floor: S.nat, value }),
    reply: S.struct({ tag: S.literal('reply'), session: S.nat, seqno: S.nat, value }),
    refused: S.struct({
      tag: S.literal('refused'),
      session: S.nat,
      seqno: S.nat,
      reason: S.literal('REQUEST_TOO_LARGE', 'SEQNO_REUSED', 'SESSION_EXPIRED'),
    }),
    redirect: S.struct({ tag: S.literal('redirect'), view: ballot }),
    '1a': S.struct({ tag: S.literal('1a'), ballot }),
    '1b': S.struct({ tag: S.literal('1b'), ballot, truncationPoint: S.nat, votes }),
    '2a': S.struct({ tag: S.literal('2a'), ballot, opn: S.nat, batch }),
    '2b': S.struct({ tag: S.literal('2b'), ballot, opn: S.nat, digest }),
    batchRequest: S.struct({ tag: S.literal('batchRequest'), ballot, opn: S.nat }),
    batchSupply: S.struct({ tag: S.literal('batchSupply'), ballot, opn: S.nat, batch }),
    heartbeat: S.struct({ tag: S.literal('heartbeat'), view: ballot, suspicious: S.boolean, opsComplete: S.nat }),
    catchUpRequest: S.struct({ tag: S.literal('catchUpRequest'), opn: S.nat }),
    catchUpSupply: S.struct({
      tag: S.literal('catchUpSupply'),
      opn: S.nat,
      batches: S.list(batch, wireMax.votes),
      opsComplete: S.nat,
    }),
    stateRequest: S.struct({ tag: S.literal('stateRequest'), opn: S.nat, at }),
    statePiece: S.struct({
      tag: S.literal('statePiece'),
      opn: S.nat,
      at,
      bytes: S.bytes(wireMax.pieceBytes),
      next: S.nullable(at),
      digest,
    }),
    statusRequest: S.struct({ tag: S.literal('statusRequest'), nonce: S.nat }),
    status: S.struct({
      tag: S.literal('status'),
      nonce: S.nat,
      view: ballot,
      leading: S.boolean,
      opsComplete: S.nat,
      truncationPoint: S.nat,
      sessions: S.nat,
    }),
  });
});

/** Messages to bytes and back. */
export const rsmCodec = codecOf(rsmSchema);
export type { Request };
