/** The lock under simulation: rings of all small sizes; nobody asks for anything, since the lock goes round by itself. */
import { arbitraryOf } from '../../src/refinement/arbitrary.js';
import type { SimulatedSystem } from '../../src/refinement/simulation/simulated-system.js';
import { endPoint } from '../../src/spec/endpoint.js';
import type { LockConfiguration } from './configuration.js';
import type { LockAction, LockHost } from './host.js';
import { lockSystem } from './index.js';
import type { LockHistory } from './invariants.js';
import { type LockMessage, lockSchema } from './messages.js';
import type { Node, NodeStep } from './protocol.js';
import { lockCluster } from './refinement.js';
import type { Grant, LockSpec } from './spec.js';

/** What `ironkeel simulate lock` runs. */
export const lockSimulation: SimulatedSystem<
  LockConfiguration,
  LockHost,
  Node,
  LockMessage,
  NodeStep,
  LockAction,
  LockHistory,
  LockSpec,
  Grant
> = {
  definition: lockSystem,
  draw: (random, options) => {
    const size = options.nodes ?? random.int(2, 5);
    const hosts = Array.from({ length: size }, (_, i) => endPoint(`10.0.0.${i + 1}:7000`));
    const parameters = {
      holdMs: random.int(1, 40),
      resendMs: random.int(5, 60),
      receiveMax: random.pick([1, 2, 64]),
    };
    return { constants: { nodes: hosts, parameters }, hosts, clients: [] };
  },
  model: lockCluster,
  strangers: arbitraryOf(lockSchema),
  goals: ['grant', 'resend', 'accept', 'answerAgain', 'settle', 'answerStatus', 'ignore'],
  reached: ({ step }) => step.tag,
};
