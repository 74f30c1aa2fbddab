/** What is demanded of IronKV once the faults have healed (README.md, "Liveness"; IronFleet, SOSP 2015, section 5.2.4). */
import type { Healed, Progress } from '../../../src/refinement/simulation/progress.js';
import type { EndPoint } from '../../../src/spec/endpoint.js';
import type { HostState } from '../protocol.js';

/**
 * The bounds. The slowest way to go on: `resendMsMax` (400 ms drawn at most) passes before the first of several bodies is sent again, of
 * 200 pieces that travel one at a time; a client is redirected while a range travels. That is below 2 s, and 30 s a bound that
 * no run comes near (docs/simulation.md has the measured figures).
 */
const withinMs = 30_000;
const withinSteps = 50_000;

/** Who comes to rest: a client once it is answered, an administrator once its order is done. */
export interface Resting {
  comeToRest(): void;
  readonly rests: boolean;
}

/** The peers that do not hear the host's bound, or of their own horizon there. */
const unheard = ({ peers, bounds, horizons, constants: { index } }: HostState): readonly number[] =>
  [...peers]
    .filter(([i, { announced, warned }]) => announced < (bounds[index] ?? 0) || warned < (horizons[i] ?? 0))
    .map(([i]) => i);

/** Every client and administrator is answered, all is announced, every message given to single delivery is acked, every accepted move is done. */
export const answersAndDeliveries = (
  outside: readonly Resting[],
  { running, stateOf }: Healed<HostState>,
): Progress => {
  for (const program of outside) program.comeToRest();
  const owing = (): readonly EndPoint[] =>
    running.filter((host) => {
      const state = stateOf(host);
      return state.unacked.size > 0 || state.moves.length > 0 || unheard(state).length > 0;
    });
  return {
    withinSteps,
    withinMs,
    reached: () => outside.every((program) => program.rests) && owing().length === 0,
    waitingFor: () => [
      ...outside.filter((program) => !program.rests).map(String),
      ...owing().map((host) => {
        const { unacked, moves } = stateOf(host);
        const lacking = unheard(stateOf(host)).length;
        return `host ${host} with ${unacked.size} bodies unacked, ${moves.length} moves and ${lacking} peers to announce to`;
      }),
    ],
  };
};
