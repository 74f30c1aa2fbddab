/** What is true of acceptors and ballots: the conjuncts of one inductive invariant, over ballots by their rank, with 0 for none. */
import type { EndPoint } from '../../../src/spec/endpoint.js';
import type { Ballot } from '../messages.js';
import { type AcceptorsState, subsetsOf } from './state.js';

/** A batch in a ballot; the batch by its name in the domain. */
export interface Cast {
  readonly ballot: number;
  readonly batch: string;
}

/** An acceptor with what it sent. `promises`: 1b's, with the vote that each reports. */
export interface AcceptorView {
  readonly maxBal: number;
  readonly vote: Cast | null;
  readonly promises: readonly { readonly ballot: number; readonly report: Cast | null }[];
  readonly votes: readonly Cast[];
}

export interface View {
  readonly acceptors: readonly AcceptorView[];
  /** 1a's and 2a's. */
  readonly started: readonly number[];
  readonly proposals: readonly Cast[];
}

/** A part of the invariant. A local one speaks of one acceptor and the proposals: it is true of a state if it is of each acceptor alone. */
export interface Conjunct {
  readonly name: string;
  readonly local: boolean;
  readonly holds: (view: View) => boolean;
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex').slice(0, 32);

/** Reads a state; `names` of digests are learned from the proposals and votes with batches. */
export const viewOf =
  (replicas: readonly EndPoint[], ballots: readonly Ballot[]) =>
  ({ acceptors, sent, digests }: AcceptorsState): View => {
    const rank = (b: Ballot): number =>
      1 + ballots.findIndex(({ seqno, proposer }) => seqno === b.seqno && proposer === b.proposer);
    const named = (batch: Uint8Array): string => digests.batches.get(text(batch)) ?? 'another';
    const views = acceptors.map((role): { -readonly [K in keyof AcceptorView]: AcceptorView[K] } => {
      const vote = role.votes.get(0);
      return {
        maxBal: rank(role.maxBal),
        vote: vote === undefined ? null : { ballot: rank(vote.ballot), batch: named(vote.batch) },
        promises: [],
        votes: [],
      };
    });
    const started: number[] = [];
    const proposals: Cast[] = [];
    for (const { source, target, message: m } of sent) {
      const view = views[replicas.indexOf(source)];
      if (m.tag === '1a' && target === replicas[0]) started.push(rank(m.ballot));
      else if (m.tag === '2a' && target === replicas[0])
        proposals.push({ ballot: rank(m.ballot), batch: named(m.batch) });
      else if (m.tag === '2b' && view !== undefined)
        view.votes = [...view.votes, { ballot: rank(m.ballot), batch: digests.names.get(text(m.digest)) ?? 'another' }];
      else if (m.tag === '1b' && view !== undefined) {
        const [vote] = m.votes;
        const report = vote === undefined ? null : { ballot: rank(vote.ballot), batch: named(vote.batch) };
        view.promises = [...view.promises, { ballot: rank(m.ballot), report }];
      }
    }
    return { acceptors: views, started, proposals };
  };

const same = (a: Cast, b: Cast): boolean => a.ballot === b.ballot && a.batch === b.batch;

const local = (name: string, holds: (acceptor: AcceptorView, view: View) => boolean): Conjunct => ({
  name,
  local: true,
  holds: (view) => view.acceptors.every((acceptor) => holds(acceptor, view)),
});

const whole = (name: string, holds: (view: View) => boolean): Conjunct => ({ name, local: false, holds });

/** The vote that a proposal has to take over, as far as the promises of `quorum` report one; `undefined` where one of them is missing. */
const bound = (quorum: readonly AcceptorView[], ballot: number): Cast | null | undefined => {
  let highest: Cast | null = null;
  for (const { promises } of quorum) {
    const promise = promises.find((p) => p.ballot === ballot);
    if (promise === undefined) return undefined;
    if (promise.report !== null && promise.report.ballot > (highest?.ballot ?? 0)) highest = promise.report;
  }
  return highest;
};

/** All conjuncts, for `acceptors` acceptors. */
export const conjuncts = (acceptors: number): readonly Conjunct[] => [
  local('a vote is at or below the promise', ({ vote, maxBal }) => vote === null || vote.ballot <= maxBal),
  local('a vote was sent', ({ vote, votes }) => vote === null || votes.some((sent) => same(sent, vote))),
  local('the vote held is the highest that was sent', ({ vote, votes }) =>
    votes.every((sent) => vote !== null && sent.ballot <= vote.ballot),
  ),
  local('a vote that was sent has its proposal', ({ votes }, { proposals }) =>
    votes.every((sent) => proposals.some((proposal) => same(proposal, sent))),
  ),
  local('a promise that was sent is kept: maxBal is at or above it', ({ promises, maxBal }) =>
    promises.every(({ ballot }) => ballot <= maxBal),
  ),
  local('a promise reports the highest vote below its ballot, and one that was cast', ({ promises, votes }) =>
    promises.every(({ ballot, report }) => {
      if (report !== null && !(report.ballot < ballot && votes.some((vote) => same(vote, report)))) return false;
      return votes.every((vote) => vote.ballot >= ballot || vote.ballot <= (report?.ballot ?? 0));
    }),
  ),
  whole('a promise answers a ballot that was started', ({ acceptors: all, started }) =>
    all.every(({ promises }) => promises.every(({ ballot }) => started.includes(ballot))),
  ),
  whole('a ballot has one proposal', ({ proposals }) =>
    proposals.every((a, i) => proposals.every((b, j) => i === j || a.ballot !== b.ballot)),
  ),
  whole('a proposal is allowed by the promises of a quorum', ({ acceptors: all, proposals }) =>
    proposals.every(({ ballot, batch }) =>
      subsetsOf(all).some((quorum) => {
        if (2 * quorum.length <= acceptors) return false;
        const vote = bound(quorum, ballot);
        return vote !== undefined && (vote === null || vote.batch === batch);
      }),
    ),
  ),
  whole('at most one batch is chosen', ({ acceptors: all, proposals }) => {
    const chosen = proposals.filter(
      (proposal) => 2 * all.filter(({ votes }) => votes.some((vote) => same(vote, proposal))).length > acceptors,
    );
    return new Set(chosen.map(({ batch }) => batch)).size <= 1;
  }),
];
