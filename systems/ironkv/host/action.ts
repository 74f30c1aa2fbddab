/** The host's ghost record of what it did: hints from which the judge makes protocol steps. A wrong one can only cause an alarm. */
import type { Observed } from '../messages.js';

/** One packet was consumed. `index`: among the packets that the step received, or delivered to itself. */
export interface ProcessAction {
  readonly action: 'process';
  /** A host sends to its own address as to any other, so that it records `receive` alone. */
  readonly from: 'receive' | 'self';
  readonly index: number;
  /** Of a `statusRequest`: what it is answered with besides the state. Null for any other packet. */
  readonly observed: Observed | null;
}

/** One action of a host, in the order in which it happened. `move` is a position in the moves, `peer` a host's index. */
export type KvAction =
  | ProcessAction
  | { readonly action: 'delegate' | 'inform'; readonly move: number }
  | { readonly action: 'announce' | 'resend'; readonly peer: number }
  | { readonly action: 'expire' };

/** The action that carries nothing. */
export const expireAction: KvAction = { action: 'expire' };

/** The records of processing without anything observed, by index, each made once: they cost no allocation. */
export class ProcessActions {
  readonly #made: ProcessAction[] = [];

  /** The record that the received packet at `index` was processed. */
  at(index: number): ProcessAction {
    let action = this.#made[index];
    if (action === undefined) {
      action = { action: 'process', from: 'receive', index, observed: null };
      this.#made[index] = action;
    }
    return action;
  }
}
