/** IronKV as the command line and the simulator take it: host and refinement together, and the constants from a cluster's configuration. */
import type { ClusterDescription, SystemDefinition } from '../../src/refinement/system.js';
import type { E } from '../../src/spec/prelude.js';
import { type Configuration, kvConfiguration } from './configuration.js';
import { type KvAction, KvHost } from './host.js';
import type { KvMessage } from './messages.js';
import type { HostState, KvStep } from './protocol.js';
import { ironkvRefinement } from './refinement.js';

/** The constants of a cluster: defaults, and what its configuration says. `Left`: one sentence for each mistake. */
export const ironkvConstants = (cluster: ClusterDescription): E.Either<readonly string[], Configuration> =>
  kvConfiguration(
    cluster.nodes.map((n) => n.address),
    cluster.administrators ?? [],
    cluster.parameters,
  );

/** The system. */
export const ironkv: SystemDefinition<Configuration, KvHost, HostState, KvMessage, KvStep, KvAction> = {
  name: 'ironkv',
  refinement: ironkvRefinement,
  createHost: (constants, me) => new KvHost(constants, me),
  constants: ironkvConstants,
};
