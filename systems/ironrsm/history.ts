/**
 * Ghost history of an IronRSM cluster: what was proposed, promised, voted and chosen, read off the packets alone, and the
 * fold of the chosen operations. It shares no code with the protocol: quorums are counted here anew.
 */

import { PersistentMap } from '../../src/protocol/persistent-map.js';
import { listed } from '../../src/protocol/sent-packets.js';
import type { Change, Cluster } from '../../src/refinement/cluster.js';
import { equalBytes } from '../../src/spec/bytes.js';
import type { EndPoint } from '../../src/spec/endpoint.js';
import type { Packet } from '../../src/spec/packet.js';
import type { Configuration } from './configuration.js';
import { type Fold, folded, foldOfNothing, sessionsBytes, type Taken } from './history/fold.js';
import { type Ballot, digestOf, type Message, type RsmMessage } from './messages.js';
import type { Replica } from './protocol.js';
import { type Executed, type RsmSpec, requestName, type SpecSession } from './spec.js';

export type { Fold, FoldedSession, Taken } from './history/fold.js';

/** A 2a: a batch, its digest, and the ballot. */
export interface Proposed {
  readonly ballot: Ballot;
  readonly batch: Uint8Array;
  readonly digest: Uint8Array;
}

/** The votes for one digest of one operation in one ballot; `senders` are replica indices. */
export interface Ballotted {
  readonly ballot: Ballot;
  readonly digest: Uint8Array;
  readonly senders: Set<number>;
}

/** A 1b with its sender. */
export interface Promised {
  readonly sender: number;
  readonly message: Message<'1b'>;
}

/** Two different values where there may be one, or one where there is none. */
export interface Conflict {
  readonly what: string;
  readonly opn: number;
  readonly one: unknown;
  readonly other: unknown;
}

export class RsmHistory {
  readonly configuration: Configuration;
  /** 2a's by operation. */
  readonly proposals = new Map<number, Proposed[]>();
  /** 2b's by operation and ballot. */
  readonly votes = new Map<number, Ballotted[]>();
  /** 1b's by ballot, as `ballotText`. */
  readonly promises = new Map<string, Promised[]>();
  /** Digests for which a quorum voted in one ballot, by operation; more than one is a conflict. */
  readonly chosenDigests = new Map<number, Uint8Array>();
  /** The batches that these name, where a 2a had them. */
  readonly chosen = new Map<number, Uint8Array>();
  /** `folds[k]`: after the operations 0 to k - 1, as far as they are chosen without a gap. */
  readonly folds: Fold[];
  /** The steps of the service that operation k takes. */
  readonly steps: (readonly Taken[])[] = [];
  proposalConflict: Conflict | undefined;
  chosenConflict: Conflict | undefined;
  /** Operations that the last change added to the fold. */
  appended = 0;
  readonly #sessionsBytes = new Map<number, Uint8Array>();

  constructor(configuration: Configuration) {
    this.configuration = configuration;
    this.folds = [foldOfNothing(configuration)];
  }

  /** Takes in the packets of one change. */
  remember(sends: readonly Packet<RsmMessage>[]): void {
    const foldsBefore = this.folds.length;
    for (const packet of sends) {
      const { tag } = packet.message;
      if (tag !== '1b' && tag !== '2a' && tag !== '2b') continue;
      const sender = this.configuration.replicas.indexOf(packet.source);
      if (sender >= 0) this.#rememberFrom(sender, packet.message);
    }
    this.appended = this.folds.length - foldsBefore;
  }

  /** The 2a of a ballot and operation. */
  proposed(opn: number, ballot: Ballot): Proposed | undefined {
    return this.proposals.get(opn)?.find((p) => sameBallot(p.ballot, ballot));
  }

  /** The sessions after `opn` operations as a transfer carries them; undefined where these are not chosen. Kept: a transfer takes many pieces. */
  sessionsAt(opn: number): Uint8Array | undefined {
    const fold = this.folds[opn];
    if (fold === undefined) return undefined;
    let bytes = this.#sessionsBytes.get(opn);
    if (bytes === undefined) {
      bytes = sessionsBytes(fold);
      if (this.#sessionsBytes.size >= statesKept) this.#sessionsBytes.clear();
      this.#sessionsBytes.set(opn, bytes);
    }
    return bytes;
  }

  #rememberFrom(sender: number, m: Message<'1b' | '2a' | '2b'>): void {
    if (m.tag === '1b') listed(this.promises, ballotText(m.ballot), { sender, message: m });
    else if (m.tag === '2a') this.#propose(m);
    else this.#vote(sender, m);
  }

  #propose({ ballot, opn, batch }: Message<'2a'>): void {
    const same = this.proposed(opn, ballot);
    if (same === undefined) listed(this.proposals, opn, { ballot, batch, digest: digestOf(batch) });
    else if (!equalBytes(same.batch, batch))
      this.proposalConflict ??= { what: ballotText(ballot), opn, one: same.batch, other: batch };
  }

  #vote(sender: number, { ballot, opn, digest }: Message<'2b'>): void {
    const isSame = (v: Ballotted): boolean => sameBallot(v.ballot, ballot) && equalBytes(v.digest, digest);
    let entry = this.votes.get(opn)?.find(isSame);
    if (entry === undefined) {
      entry = { ballot, digest, senders: new Set() };
      listed(this.votes, opn, entry);
    }
    entry.senders.add(sender);
    if (2 * entry.senders.size > this.configuration.replicas.length) this.#choose(opn, digest);
  }

  #choose(opn: number, digest: Uint8Array): void {
    const before = this.chosenDigests.get(opn);
    if (before !== undefined) {
      if (!equalBytes(before, digest)) this.chosenConflict ??= { what: 'chosen', opn, one: before, other: digest };
      return;
    }
    this.chosenDigests.set(opn, digest);
    this.#resolve(opn, digest);
  }

  /** The batch that a chosen digest names: that of the 2a's that have it, which must be one. */
  #resolve(opn: number, digest: Uint8Array): void {
    const named = (this.proposals.get(opn) ?? []).filter((p) => equalBytes(p.digest, digest));
    const [first] = named;
    const other = named.find((p) => first !== undefined && !equalBytes(p.batch, first.batch));
    if (first === undefined || other !== undefined) {
      const what = first === undefined ? 'no batch has the chosen digest' : 'two batches have the chosen digest';
      this.chosenConflict ??= { what, opn, one: first?.batch, other: other?.batch };
      return;
    }
    this.chosen.set(opn, first.batch);
    let next = this.chosen.get(this.folds.length - 1);
    while (next !== undefined) {
      const { fold, taken } = folded(this.configuration, this.folds.at(-1) as Fold, next);
      this.folds.push(fold);
      this.steps.push(taken);
      next = this.chosen.get(this.folds.length - 1);
    }
  }
}

/** Sessions bytes of how many positions are kept. */
const statesKept = 8;

/** The spec's state after the operations that a history knows to be chosen without a gap. */
export const specOf = (history: RsmHistory): RsmSpec => {
  const { app, nextSession, sessions, done, replyBytes } = history.folds.at(-1) as Fold;
  const opened: [number, { client: EndPoint; nonce: number }][] = [];
  const executed = new Map<string, Executed>();
  for (const { step, reply } of history.steps.flat()) {
    if (step.tag === 'open') opened.push([opened.length, { client: step.client, nonce: step.nonce }]);
    if (step.tag === 'execute' && reply !== undefined)
      executed.set(requestName(step.session, step.seqno), { value: step.value, reply });
  }
  const live = new Map<number, [number, Executed][]>([...sessions.keys()].map((id) => [id, []]));
  for (const { session, seqno, reply } of done.values()) {
    const value = executed.get(requestName(session, seqno))?.value ?? new Uint8Array();
    live.get(session)?.push([seqno, { value, reply }]);
  }
  return {
    app,
    nextSession,
    sessions: PersistentMap.of(
      [...sessions].map(([id, { floor, high, ordered }]): [number, SpecSession] => [
        id,
        { floor, high, ordered, done: PersistentMap.of(live.get(id) ?? []) },
      ]),
    ),
    replyBytes,
    opened: PersistentMap.of(opened),
    executed: PersistentMap.of(executed),
  };
};

/** The order of ballots as the checks see it, written apart from the one that hosts and protocol share. */
export const ballotOrder = (a: Ballot, b: Ballot): number => a.seqno - b.seqno || a.proposer - b.proposer;

/** Whether both are one ballot, as the checks see it. */
export const sameBallot = (a: Ballot, b: Ballot): boolean => a.seqno === b.seqno && a.proposer === b.proposer;

/** A ballot as a key. */
export const ballotText = (b: Ballot): string => `${b.seqno}.${b.proposer}`;

/** An IronRSM cluster with its history. */
export type RsmCluster = Cluster<Replica, RsmMessage, RsmHistory>;

/** A change of such a cluster. */
export type RsmChange = Change<Replica, RsmMessage>;
