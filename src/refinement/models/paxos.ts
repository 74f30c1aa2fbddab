/**
 * Single-decree Paxos after Lamport ("Paxos made simple", 2001; the module Paxos of "The Paxos algorithm, or how to win a
 * Turing award", 2019): proposers are not modelled, so that anyone may start a ballot or propose in it. Messages are a set
 * that grows. In one ballot an acceptor sends one promise and votes for one value, so the set is kept by ballot and acceptor.
 */

import { violated } from '../../spec/check.js';
import { type ActionModel, always, noDeadlock, sometimes } from '../explorer.js';

/** A vote of an acceptor; `null`: it has not voted. */
export type Vote = { readonly ballot: number; readonly value: string } | null;

/** What an acceptor did. */
export interface PaxosAcceptor {
  /** The highest ballot that it heard of; -1 before the first. */
  readonly ballot: number;
  readonly vote: Vote;
  /** By ballot: its promise (a 1b) with its last vote before, or `undefined`. */
  readonly promised: readonly (Vote | undefined)[];
  /** By ballot: whether it voted (a 2b). */
  readonly voted: readonly boolean[];
}

export interface PaxosState {
  /** By ballot: whether it was started (a 1a). */
  readonly started: readonly boolean[];
  /** By ballot: the value proposed (a 2a). */
  readonly proposed: readonly (string | null)[];
  readonly acceptors: readonly PaxosAcceptor[];
}

/** A field is a witness: `quorum` are those whose promises count, `highest` the one of them whose vote binds. */
export type PaxosAction =
  | { readonly tag: 'start'; readonly ballot: number }
  | { readonly tag: 'promise'; readonly acceptor: number; readonly ballot: number }
  | {
      readonly tag: 'propose';
      readonly ballot: number;
      readonly value: string;
      readonly quorum: readonly number[];
      readonly highest: number | null;
    }
  | { readonly tag: 'vote'; readonly acceptor: number; readonly ballot: number };

const values = ['a', 'b'] as const;

const replaced = <T>(list: readonly T[], at: number, item: T): readonly T[] =>
  list.map((old, i) => (i === at ? item : old));

/** All subsets of 0 to n - 1 with `size` members. */
const subsets = (n: number, size: number, from = 0): readonly (readonly number[])[] => {
  if (size === 0) return [[]];
  const found: (readonly number[])[] = [];
  for (let first = from; first <= n - size; first++) {
    for (const rest of subsets(n, size - 1, first + 1)) found.push([first, ...rest]);
  }
  return found;
};

/** The majorities of `acceptors` without a member too many. */
const quorumsOf = (acceptors: number): readonly (readonly number[])[] =>
  subsets(acceptors, Math.floor(acceptors / 2) + 1);

/** The ways in which `ballot` may propose on the word of `quorum`: any value, or that of the highest vote. */
function* proposals({ acceptors }: PaxosState, ballot: number, quorum: readonly number[]): Iterable<PaxosAction> {
  const promises = quorum.map((i) => ({ i, vote: acceptors[i]?.promised[ballot] }));
  if (promises.some(({ vote }) => vote === undefined)) return;
  const highest = Math.max(-1, ...promises.map(({ vote }) => vote?.ballot ?? -1));
  if (highest === -1) for (const value of values) yield { tag: 'propose', ballot, value, quorum, highest: null };
  for (const { i, vote } of promises) {
    if (vote?.ballot === highest) yield { tag: 'propose', ballot, value: vote.value, quorum, highest: i };
  }
}

const actionsIn = (quorums: readonly (readonly number[])[]) =>
  function* (s: PaxosState): Iterable<PaxosAction> {
    for (let ballot = 0; ballot < s.started.length; ballot++) {
      yield { tag: 'start', ballot };
      if (s.proposed[ballot] === null) for (const quorum of quorums) yield* proposals(s, ballot, quorum);
      for (let acceptor = 0; acceptor < s.acceptors.length; acceptor++) {
        yield { tag: 'promise', acceptor, ballot };
        yield { tag: 'vote', acceptor, ballot };
      }
    }
  };

const next = (s: PaxosState, action: PaxosAction): PaxosState | undefined => {
  const { ballot } = action;
  if (action.tag === 'start') return { ...s, started: replaced(s.started, ballot, true) };
  if (action.tag === 'propose') return { ...s, proposed: replaced(s.proposed, ballot, action.value) };
  const acceptor = s.acceptors[action.acceptor] as PaxosAcceptor;
  if (action.tag === 'promise') {
    // A second promise in a ballot, after a vote, would hide that vote.
    if (s.started[ballot] !== true || ballot <= acceptor.ballot) return undefined;
    const promised = replaced(acceptor.promised, ballot, acceptor.vote);
    return { ...s, acceptors: replaced(s.acceptors, action.acceptor, { ...acceptor, ballot, promised }) };
  }
  const value = s.proposed[ballot];
  if (value === null || value === undefined || ballot < acceptor.ballot) return undefined;
  const voted = replaced(acceptor.voted, ballot, true);
  const after: PaxosAcceptor = { ...acceptor, ballot, vote: { ballot, value }, voted };
  return { ...s, acceptors: replaced(s.acceptors, action.acceptor, after) };
};

/** The values for which a quorum voted in one ballot. */
const chosenIn = (s: PaxosState): readonly string[] => {
  const majority = Math.floor(s.acceptors.length / 2) + 1;
  const chosen = s.proposed.filter((_, ballot) => s.acceptors.filter((a) => a.voted[ballot]).length >= majority);
  return [...new Set(chosen.filter((value) => value !== null))];
};

const agreement = always<PaxosState>('at most one value is chosen', (s) => {
  const chosen = chosenIn(s);
  return chosen.length <= 1 || violated('INVARIANT', 'at most one value is chosen', { chosen: chosen.join(', ') });
});

const isHeld = ({ acceptors }: PaxosState): boolean => acceptors.some(({ promised }) => promised.some((vote) => vote));

/** Single-decree Paxos with `size` interchangeable acceptors, ballots 0 to `ballots` - 1 and two values. */
export const paxos = (size: number, ballots = 2): ActionModel<PaxosState, PaxosAction> => {
  const none = Array.from({ length: ballots });
  const acceptor: PaxosAcceptor = {
    ballot: -1,
    vote: null,
    promised: none.map(() => undefined),
    voted: none.map(() => false),
  };
  const initial: PaxosState = {
    started: none.map(() => false),
    proposed: none.map(() => null),
    acceptors: Array.from({ length: size }, () => acceptor),
  };
  return {
    name: `paxos with ${size} acceptors and ${ballots} ballots`,
    init: () => [initial],
    actions: actionsIn(quorumsOf(size)),
    next,
    properties: [
      agreement,
      // Ballots run out by design: where one value is chosen or no ballot is left, nothing more need happen.
      noDeadlock((s) => s.started.every(Boolean)),
      sometimes('a value is chosen', (s) => chosenIn(s).length === 1),
      sometimes('a promise holds a vote', isHeld),
    ],
    canonical: (s) => {
      const keyed = s.acceptors.map((a) => ({ a, key: JSON.stringify(a) }));
      keyed.sort((x, y) => (x.key < y.key ? -1 : 1));
      return { ...s, acceptors: keyed.map(({ a }) => a) };
    },
    showAction: (action) => {
      const { tag, ...fields } = action;
      return `${tag}(${Object.entries(fields)
        .map(([name, value]) => `${name} ${value === null ? 'none' : String(value)}`)
        .join(', ')})`;
    },
  };
};
