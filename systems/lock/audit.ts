/** The lock's journals under audit. */
import type { AuditedSystem } from '../../src/refinement/audit.js';
import type { LockConfiguration } from './configuration.js';
import type { LockAction, LockHost } from './host.js';
import { lockSystem } from './index.js';
import type { LockHistory } from './invariants.js';
import type { LockMessage } from './messages.js';
import type { Node, NodeStep } from './protocol.js';
import { lockCluster } from './refinement.js';
import type { Grant, LockSpec } from './spec.js';

/** What `ironkeel audit` runs on journals of the lock. Its history is a list of holders, which nothing can shorten. */
export const lockAudit: AuditedSystem<
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
  model: lockCluster,
  clientMessages: ['statusRequest'],
  requestsIn: () => 0,
};
