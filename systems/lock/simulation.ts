/** The lock under simulation: rings of all small sizes; nobody asks for anything, since the lock goes round by itself. */
import { networks } from '../../src/protocol/network.js';
import { arbitraryOf } from '../../src/refinement/arbitrary.js';
import type { Healed, Progress } from '../../src/refinement/simulation/progress.js';
import type { SimulatedSystem } from '../../src/refinement/simulation/simulated-system.js';
import { type EndPoint, endPoint } from '../../src/spec/endpoint.js';
import type { LockConfiguration } from './configuration.js';
import type { LockAction, LockHost } from './host.js';
import { lockSystem } from './index.js';
import type { LockHistory } from './invariants.js';
import { type LockMessage, lockSchema } from './messages.js';
import type { Node, NodeStep } from './protocol.js';
import { lockCluster } from './refinement.js';
import type { Grant, LockSpec } from './spec.js';

/**
 * The lock goes round the whole ring: every node holds it once more. A handover takes `holdMs`, a few milliseconds on the way, and
 * `resendMs` where the grant that was under way at the heal got lost; ten times that leaves room for scheduling. A node takes
 * about five steps a handover.
 */
const onceRound = ({ nodes, parameters }: LockConfiguration, { running, stateOf }: Healed<Node>): Progress => {
  const epochsBefore = running.map((host) => stateOf(host).epoch);
  const heldAgain = (host: EndPoint, i: number): boolean => stateOf(host).epoch > (epochsBefore[i] as number);
  return {
    withinSteps: 200 * (nodes.length + 1),
    withinMs: 10 * (nodes.length + 1) * (parameters.holdMs + parameters.resendMs),
    reached: () => running.every(heldAgain),
    waitingFor: () => running.filter((host, i) => !heldAgain(host, i)).map((host) => `${host} to hold the lock again`),
  };
};

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
    const constants: LockConfiguration = { nodes: hosts, parameters };
    return { constants, hosts, clients: [], progress: (healed) => onceRound(constants, healed) };
  },
  // Nobody can say that a node which stopped no longer holds the lock, so the ring ends there.
  claims: { safeUnder: networks, liveUnder: networks.filter((network) => !network.crashes) },
  model: lockCluster,
  strangers: arbitraryOf(lockSchema),
  goals: ['grant', 'resend', 'accept', 'answerAgain', 'settle', 'answerStatus', 'ignore'],
  reached: ({ step }) => step.tag,
};
