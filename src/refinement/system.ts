/** A system as the node, the simulator and the command line take it: host code together with what judges it. */
import type { Host } from '../host/host.js';
import type { EndPoint } from '../spec/endpoint.js';
import type { E } from '../spec/prelude.js';
import type { HostRefinement } from './host-refinement.js';

/** A cluster as its configuration file describes it, before a system has looked at its application and parameters. */
export interface ClusterDescription {
  readonly nodes: readonly { readonly id: string; readonly address: EndPoint }[];
  readonly application: string | undefined;
  /** Who may give the nodes orders; absent where the system knows no such role. */
  readonly administrators?: readonly EndPoint[];
  readonly parameters: Readonly<Record<string, number>>;
}

/** `C` constants, `H` host, `S` protocol state, `M` messages, `Step` protocol steps, `W` the host's action records. */
export interface SystemDefinition<C, H extends Host<M, W>, S, M, Step, W> {
  readonly name: string;
  readonly refinement: HostRefinement<C, H, S, M, Step, W>;
  readonly createHost: (constants: C, me: EndPoint) => H;
  /** `Left`: one sentence for each mistake, saying what to mend. */
  readonly constants: (cluster: ClusterDescription) => E.Either<readonly string[], C>;
}
