/**
 * The invariants of IronRSM's acceptors and ballots as an inductive whole, for one operation: with them, at most one batch is ever
 * chosen (Lamport, Paxos Made Simple; the induction of IronFleet's RSL over ballots). Judged by one step of the protocol from
 * every state of a small domain that satisfies them, reachable or not. A proposer is what it sent: its promises are joined to
 * its proposal, as in docs/exploration.md, "Bounded IronRSM".
 */
import { type InductionResult, judgeInduction } from '../../src/refinement/explorer.js';
import { conjuncts, viewOf } from './induction/conjuncts.js';
import { acceptorDomain, Steps } from './induction/domain.js';
import type { AcceptorsState } from './induction/state.js';

/** Judges all conjuncts, or all but one, over `acceptors` acceptors, `ballots` ballots and two batches. */
export const acceptorInduction = (acceptors: number, ballots: number, without?: string): InductionResult => {
  const kept = conjuncts(acceptors).filter(({ name }) => name !== without);
  const steps = new Steps(acceptors, ballots);
  const view = viewOf(steps.replicas, steps.ballots);
  return judgeInduction<AcceptorsState, string>({
    model: {
      name: `acceptors of ironrsm (${acceptors}, ${ballots} ballots)`,
      init: () => [steps.initial()],
      successors: (state, emit) => steps.from(state, emit),
      properties: [],
      show: (state) => view(state),
    },
    invariants: kept.map(({ name, holds }) => ({ kind: 'always', name, holds: (state) => holds(view(state)) })),
    states: acceptorDomain(steps, view, kept),
  });
};

/** The names of the conjuncts. */
export const conjunctNames = (acceptors: number): readonly string[] => conjuncts(acceptors).map(({ name }) => name);
