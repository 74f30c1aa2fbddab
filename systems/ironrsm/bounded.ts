/**
 * IronRSM as a model for the explorer, within bounds: two proposers, a few acceptors, one learner and executor, a few ballots and
 * operations. Every step is made of steps of the protocol itself, on the set of all packets sent. What is left out, what is
 * joined to one step, and why that is sound: docs/exploration.md, "Bounded IronRSM".
 */
import type { SuccessorModel } from '../../src/refinement/explorer.js';
import { type BoundedState, boundedClaims } from './bounded/claims.js';
import { Moves } from './bounded/moves.js';

export type { BoundedState } from './bounded/claims.js';

/** How far the model goes. */
export interface Bounds {
  readonly acceptors: number;
  readonly ballots: number;
  readonly operations: number;
}

/** The model within `bounds`; at least three acceptors, so that the learner is at a replica that does not propose. */
export const boundedIronrsm = ({ acceptors, ballots, operations }: Bounds): SuccessorModel<BoundedState, string> => {
  const moves = new Moves(acceptors, ballots, operations);
  return {
    name: `ironrsm with ${acceptors} acceptors, ${ballots} ballots and ${operations} operations`,
    init: () => [moves.initial()],
    successors: (state, emit) => moves.from(state, emit),
    properties: boundedClaims(acceptors, ballots, operations),
    within: (state) => moves.isWithin(state),
    key: (state) => moves.keyOf(state),
    canonical: (state) => moves.canonical(state),
    show: (state) => moves.shown(state),
  };
};
