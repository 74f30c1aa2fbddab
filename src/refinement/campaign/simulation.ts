/** A system's simulation with its types closed: what campaigns, tables and worker threads hold. */
import type { Host } from '../../host/host.js';
import type { Tagged } from '../cluster.js';
import { silentCanaries } from '../simulation/canary.js';
import type { RunOptions, RunResult } from '../simulation/run-result.js';
import type { Claims, SimulatedSystem } from '../simulation/simulated-system.js';
import { simulate } from '../simulator.js';

/** Runs seeds of one system. */
export interface Simulation {
  readonly run: (options: RunOptions) => Promise<RunResult>;
  /** Runs the canaries; one sentence for each that no check reported. */
  readonly silentCanaries: () => Promise<readonly string[]>;
  readonly claims: Claims;
}

/** The simulation of `system`. */
export const simulationOf = <C, H extends Host<M, W>, S, M extends Tagged, Step extends Tagged, W, G, Spec, SpecStep>(
  system: SimulatedSystem<C, H, S, M, Step, W, G, Spec, SpecStep>,
): Simulation => ({
  run: (options) => simulate(system, options),
  silentCanaries: () => silentCanaries(system, simulate),
  claims: system.claims,
});
