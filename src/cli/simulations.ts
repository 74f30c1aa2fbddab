/** The simulations of every system, loaded when asked for: part of the table of systems. */
import { type RunOptions, type RunResult, simulate } from '../refinement/simulator.js';

/** Runs one seed of a system. */
export type Simulation = (options: RunOptions) => Promise<RunResult>;

/** By system. */
export const simulations: Readonly<Record<string, () => Promise<Simulation>>> = {
  lock: async () => {
    const { lockSimulation } = await import('../../systems/lock/simulation.js');
    return (options) => simulate(lockSimulation, options);
  },
  ironrsm: async () => {
    const { ironrsmSimulation } = await import('../../systems/ironrsm/simulation.js');
    return (options) => simulate(ironrsmSimulation, options);
  },
};
