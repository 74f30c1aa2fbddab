/** The constants of a cluster in a form that a file can hold and a search can make smaller. */
import type { E } from '../../spec/prelude.js';
import type { ClusterDescription } from '../system.js';

/** How a system writes down the constants of a simulated cluster. */
export interface PlainConstants<C> {
  readonly describe: (constants: C) => ClusterDescription;
  /** The constants again; unlike a configuration file's they need not make sense to an operator. `Left`: why they cannot be. */
  readonly restore: (cluster: ClusterDescription) => E.Either<readonly string[], C>;
}
