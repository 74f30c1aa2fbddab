/** The scheduler of a host's spontaneous actions: by name and in a fixed order, so that one step is a function of state, packets and clock. */

/** One action that a host may take by itself. */
export interface NamedAction {
  readonly name: string;
  /** Takes the action if its guard holds; says whether it did. Where it did not, the state is unchanged. */
  readonly run: () => boolean;
}

/**
 * Runs actions round by round until none is enabled. IronFleet takes one action a step, round robin (SOSP 2015, section
 * 4.3); a round here gives each action one chance in the same fixed order, and the step is the sequence of those taken.
 */
export class Scheduler {
  readonly #actions: readonly NamedAction[];
  readonly #roundsMax: number;
  readonly #afterAction: () => void;

  /**
   * `roundsMax`: rounds of one call to `run`, so that a step ends whatever the actions enable. `afterAction` is called after each
   * action that was taken. Throws where two actions have one name.
   */
  constructor(actions: readonly NamedAction[], roundsMax: number, afterAction: () => void) {
    if (new Set(actions.map((a) => a.name)).size !== actions.length) throw new Error('two actions have one name');
    this.#actions = actions;
    this.#roundsMax = roundsMax;
    this.#afterAction = afterAction;
  }

  /** Runs until no action is enabled (`true`) or the rounds are used up while some may still be (`false`). Passes on what an action throws. */
  run(): boolean {
    for (let round = 0; round < this.#roundsMax; round++) {
      if (!this.#runRound()) return true;
    }
    return false;
  }

  #runRound(): boolean {
    let acted = false;
    for (const action of this.#actions) {
      if (!action.run()) continue;
      acted = true;
      this.#afterAction();
    }
    return acted;
  }
}
