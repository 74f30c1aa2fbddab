/**
 * Ghost history of an IronRSM cluster: what was proposed, promised, voted and chosen, read off the packets alone, and the
 * fold of the chosen operations. It shares no code with the protocol: quorums are counted here anew.
 */

import { PersistentMap } from '../../src/protocol/persistent-map.js';
import type { Change, Cluster } from '../../src/refinement/cluster.js';
import { equalValues } from '../../src/refinement/values.js';
import type { EndPoint } from '../../src/spec/endpoint.js';
import type { Packet } from '../../src/spec/packet.js';
import type { Configuration } from './configuration.js';
import type { Ballot, Batch, Message, Request, RsmMessage, Vote } from './messages.js';
import type { Answer, Replica } from './protocol.js';

/** The votes for one operation in one ballot; `senders` are replica indices. */
export interface Ballotted {
  readonly ballot: Ballot;
  readonly batch: Batch;
  readonly senders: Set<number>;
}

/** A 1b with its sender. */
export interface Promised {
  readonly sender: number;
  readonly message: Message<'1b'>;
}

/** The state machine after a number of chosen operations. */
export interface Fold {
  readonly app: unknown;
  readonly answers: PersistentMap<EndPoint, Answer>;
}

/** A request that was executed, and its reply. */
export interface Executed {
  readonly request: Request;
  readonly reply: Uint8Array;
}

/** Two different values where there may be one. */
export interface Conflict {
  readonly what: string;
  readonly opn: number;
  readonly one: unknown;
  readonly other: unknown;
}

export class RsmHistory {
  readonly configuration: Configuration;
  /** 2a's by operation. */
  readonly proposals = new Map<number, Vote[]>();
  /** 2b's by operation and ballot. */
  readonly votes = new Map<number, Ballotted[]>();
  /** 1b's by ballot, as `ballotText`. */
  readonly promises = new Map<string, Promised[]>();
  readonly chosen = new Map<number, Batch>();
  /** `folds[k]`: after the operations 0 to k - 1, as far as they are chosen without a gap. */
  readonly folds: Fold[];
  /** The requests that operation k executes, each for the first time, with their replies. */
  readonly executes: (readonly Executed[])[] = [];
  proposalConflict: Conflict | undefined;
  chosenConflict: Conflict | undefined;
  /** Operations that the last change added to the fold. */
  appended = 0;

  constructor(configuration: Configuration) {
    this.configuration = configuration;
    this.folds = [{ app: configuration.app.initial, answers: PersistentMap.empty() }];
  }

  /** Takes in the packets of one change. */
  remember(sends: readonly Packet<RsmMessage>[]): void {
    const foldsBefore = this.folds.length;
    for (const packet of sends) {
      const sender = this.configuration.replicas.indexOf(packet.source);
      if (sender >= 0) this.#rememberFrom(sender, packet.message);
    }
    this.appended = this.folds.length - foldsBefore;
  }

  #rememberFrom(sender: number, m: RsmMessage): void {
    if (m.tag === '1b') append(this.promises, ballotText(m.ballot), { sender, message: m });
    if (m.tag === '2a') this.#propose(m);
    if (m.tag === '2b') this.#vote(sender, m);
  }

  #propose(m: Message<'2a'>): void {
    const same = this.proposals.get(m.opn)?.find((p) => sameBallot(p.ballot, m.ballot));
    if (same === undefined) append(this.proposals, m.opn, { ballot: m.ballot, batch: m.batch });
    else if (!equalValues(same.batch, m.batch)) {
      this.proposalConflict ??= { what: ballotText(m.ballot), opn: m.opn, one: same.batch, other: m.batch };
    }
  }

  #vote(sender: number, m: Message<'2b'>): void {
    const isSame = (v: Ballotted): boolean => sameBallot(v.ballot, m.ballot) && equalValues(v.batch, m.batch);
    let entry = this.votes.get(m.opn)?.find(isSame);
    if (entry === undefined) {
      entry = { ballot: m.ballot, batch: m.batch, senders: new Set() };
      append(this.votes, m.opn, entry);
    }
    entry.senders.add(sender);
    if (2 * entry.senders.size > this.configuration.replicas.length) this.#choose(m.opn, entry.batch);
  }

  #choose(opn: number, batch: Batch): void {
    const before = this.chosen.get(opn);
    if (before !== undefined) {
      if (!equalValues(before, batch)) this.chosenConflict ??= { what: 'chosen', opn, one: before, other: batch };
      return;
    }
    this.chosen.set(opn, batch);
    for (
      let next = this.chosen.get(this.folds.length - 1);
      next !== undefined;
      next = this.chosen.get(this.folds.length - 1)
    ) {
      this.#fold(next);
    }
  }

  /** A client's requests execute in the order of their seqnos: what is not above the last one was executed or overtaken. */
  #fold(batch: Batch): void {
    const executed: Executed[] = [];
    let { app, answers } = this.folds.at(-1) as Fold;
    for (const r of batch) {
      if ((answers.get(r.client)?.seqno ?? -1) >= r.seqno) continue;
      const applied = this.configuration.app.apply(app, r.value);
      app = applied.state;
      answers = answers.set(r.client, { seqno: r.seqno, value: applied.reply });
      executed.push({ request: r, reply: applied.reply });
    }
    this.executes.push(executed);
    this.folds.push({ app, answers });
  }
}

const append = <K, V>(lists: Map<K, V[]>, key: K, value: V): void => {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
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
