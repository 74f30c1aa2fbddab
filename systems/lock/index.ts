/** The lock: one lock that goes round between nodes. README.md says what it claims; each layer is a file. */
import type { SystemDefinition } from '../../src/refinement/system.js';
import { type LockConfiguration, lockConfiguration } from './configuration.js';
import { type LockAction, LockHost } from './host.js';
import type { LockMessage } from './messages.js';
import type { Node, NodeStep } from './protocol.js';
import { lockRefinement } from './refinement.js';

export * from './configuration.js';
export { type LockAction, LockHost } from './host.js';
export { type LockHistory, lockInvariants } from './invariants.js';
export { type LockMessage, lockCodec, lockSchema } from './messages.js';
export { lockProtocol, lockSteps, type Node, type NodeStep } from './protocol.js';
export { lockCluster, lockRefinement } from './refinement.js';
export { type Grant, type LockSpec, lockService } from './spec.js';

/** The lock, as the node, the simulator and the command line take it. */
export const lockSystem: SystemDefinition<LockConfiguration, LockHost, Node, LockMessage, NodeStep, LockAction> = {
  name: 'lock',
  refinement: lockRefinement,
  createHost: (configuration, me) => new LockHost(configuration, me),
  constants: ({ nodes, parameters }) =>
    lockConfiguration(
      nodes.map((node) => node.address),
      parameters,
    ),
};
