/** The simulations of every system, loaded when asked for: part of the table of systems. */
import { type Simulation, simulationOf } from '../refinement/campaign/simulation.js';
import { type Counterexamples, counterexamplesOf } from '../refinement/schedule/counterexamples.js';

export type { Simulation } from '../refinement/campaign/simulation.js';

/** By system. */
export const simulations: Readonly<Record<string, () => Promise<Simulation>>> = {
  lock: async () => simulationOf((await import('../../systems/lock/simulation.js')).lockSimulation),
  ironrsm: async () => simulationOf((await import('../../systems/ironrsm/simulation.js')).ironrsmSimulation),
  ironkv: async () => simulationOf((await import('../../systems/ironkv/simulation.js')).ironkvSimulation),
};

/** The counterexamples of every system, loaded when asked for. */
export const counterexamples: Readonly<Record<string, () => Promise<Counterexamples>>> = {
  lock: async () => {
    const { lockSimulation } = await import('../../systems/lock/simulation.js');
    const { plainLock } = await import('../../systems/lock/counterexamples.js');
    return counterexamplesOf(lockSimulation, plainLock);
  },
  ironrsm: async () => {
    const { ironrsmSimulation } = await import('../../systems/ironrsm/simulation.js');
    const { plainIronrsm } = await import('../../systems/ironrsm/counterexamples.js');
    return counterexamplesOf(ironrsmSimulation, plainIronrsm);
  },
  ironkv: async () => {
    const { ironkvSimulation } = await import('../../systems/ironkv/simulation.js');
    const { plainIronkv } = await import('../../systems/ironkv/counterexamples.js');
    return counterexamplesOf(ironkvSimulation, plainIronkv);
  },
};
