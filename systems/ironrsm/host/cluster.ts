/** What a replica knows for good: who the replicas are, which of them it is, and how many make a quorum. */
import type { EndPoint } from '../../../src/spec/endpoint.js';
import { natMax } from '../../../src/spec/nat.js';
import type { Configuration, Parameters } from '../configuration.js';
import { sessionIdsMax } from '../messages.js';

/** The constants of a replica, prepared for quick use. */
export interface Cluster {
  readonly me: EndPoint;
  readonly myIndex: number;
  readonly replicas: readonly EndPoint[];
  /** Every replica but this one, ascending by index. */
  readonly others: readonly EndPoint[];
  readonly indexOf: ReadonlyMap<EndPoint, number>;
  readonly quorum: number;
  readonly parameters: Parameters;
}

/**
 * The constants of the replica at `me`; throws where the configuration does not name it, names one end point twice, or has a
 * window with which the keys of requests would leave the safe integers.
 */
export const clusterOf = (configuration: Configuration, me: EndPoint): Cluster => {
  const { replicas, parameters } = configuration;
  const indexOf = new Map(replicas.map((replica, index) => [replica, index]));
  if (indexOf.size !== replicas.length) throw new Error('the configuration names one replica twice');
  const myIndex = indexOf.get(me);
  if (myIndex === undefined) throw new Error(`${me} is no replica of the configuration`);
  const windowMax = Math.floor(natMax / sessionIdsMax);
  if (parameters.sessionWindow > windowMax) throw new Error(`a session's window is at most ${windowMax}`);
  const others = replicas.filter((replica) => replica !== me);
  return { me, myIndex, replicas, others, indexOf, quorum: Math.floor(replicas.length / 2) + 1, parameters };
};

/** Adds `index` to a list of indices that ascends, in place; says whether it was new. */
export const insertAscending = (list: number[], index: number): boolean => {
  let i = list.length;
  while (i > 0 && (list[i - 1] as number) > index) i--;
  if (i > 0 && list[i - 1] === index) return false;
  list.splice(i, 0, index);
  return true;
};
