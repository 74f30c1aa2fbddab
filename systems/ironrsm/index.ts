/** IronRSM's public doors. */
export * from './application.js';
export * from './applications/counter.js';
export * from './applications/kv.js';
export * from './client.js';
export * from './configuration.js';
export { ApplicationFailure, type ReplicaAction, ReplicaHost } from './host.js';
export { applications, ironrsm, ironrsmConstants, parameterRanges } from './main.js';
export * from './messages.js';
export { ironrsmProtocol, type Replica, type ReplicaStep } from './protocol.js';
export { ironrsmCluster, ironrsmRefinement } from './refinement.js';
export { rsmService } from './spec.js';
