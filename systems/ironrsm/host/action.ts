/** The host's ghost record of what it did: hints from which the judge makes protocol steps. A wrong one can only cause an alarm. */

/** What one packet's processing is named by: its index among the packets that the step received, or delivered to itself. */
export interface ProcessAction {
  readonly action: 'process';
  readonly from: 'receive' | 'self';
  readonly index: number;
}

/**
 * One action of a replica, in the order in which it happened. `count` is how many requests a nomination took from the queue; `fetchFrom`
 * and `askFrom` are the indices of the replicas that a progress check asked for a batch and for what was decided.
 */
export type ReplicaAction =
  | ProcessAction
  | { readonly action: 'nominate'; readonly count: number }
  | { readonly action: 'enterNewView' }
  | { readonly action: 'enterPhase2' }
  | { readonly action: 'truncate' }
  | { readonly action: 'decide' }
  | { readonly action: 'execute' }
  | { readonly action: 'catchUp' }
  | { readonly action: 'checkViewTimeout' }
  | { readonly action: 'checkSuspicions' }
  | { readonly action: 'heartbeat' }
  | { readonly action: 'checkProgress'; readonly fetchFrom: number | null; readonly askFrom: number | null };

/** The actions that carry nothing, made once: records cost no allocation. */
export const actions = {
  enterNewView: { action: 'enterNewView' },
  enterPhase2: { action: 'enterPhase2' },
  truncate: { action: 'truncate' },
  decide: { action: 'decide' },
  execute: { action: 'execute' },
  catchUp: { action: 'catchUp' },
  checkViewTimeout: { action: 'checkViewTimeout' },
  checkSuspicions: { action: 'checkSuspicions' },
  heartbeat: { action: 'heartbeat' },
} as const satisfies Record<string, ReplicaAction>;

/** The records of processing by index, each made once. */
export class ProcessActions {
  readonly #from: 'receive' | 'self';
  readonly #made: ProcessAction[] = [];

  constructor(from: 'receive' | 'self') {
    this.#from = from;
  }

  /** The record that the packet at `index` was processed. */
  at(index: number): ProcessAction {
    let action = this.#made[index];
    if (action === undefined) {
      action = { action: 'process', from: this.#from, index };
      this.#made[index] = action;
    }
    return action;
  }
}
