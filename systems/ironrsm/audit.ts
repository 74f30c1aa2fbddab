/** IronRSM's journals under audit. */
import type { AuditedSystem } from '../../src/refinement/audit.js';
import type { Configuration } from './configuration.js';
import type { RsmHistory } from './history.js';
import type { ReplicaAction, ReplicaHost } from './host.js';
import { ironrsm } from './main.js';
import type { RsmMessage } from './messages.js';
import type { Replica, ReplicaStep } from './protocol.js';
import { ironrsmCluster } from './refinement.js';
import type { ExecuteBatch, RsmSpec } from './spec.js';

/** What `ironkeel audit` runs on journals of IronRSM. */
export const ironrsmAudit: AuditedSystem<
  Configuration,
  ReplicaHost,
  Replica,
  RsmMessage,
  ReplicaStep,
  ReplicaAction,
  RsmHistory,
  RsmSpec,
  ExecuteBatch
> = {
  definition: ironrsm,
  model: ironrsmCluster,
  clientMessages: ['request', 'statusRequest'],
  requestsIn: ({ batch }) => batch.length,
};
