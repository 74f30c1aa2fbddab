/** Which bodies a host takes from a peer: what no host sends that follows README.md is refused before it changes anything. */
import { unreachable } from '../../../src/spec/prelude.js';
import { textOfKey } from '../commands.js';
import type { Body } from '../messages.js';
import type { Cluster } from './cluster.js';
import type { DelegationMap } from './delegation-map.js';

type Delegate = Extract<Body, { tag: 'delegate' }>;

const isBelow = (a: Uint8Array, b: Uint8Array | null): boolean => b === null || Buffer.compare(a, b) < 0;

/** Whether all lengths are within the limits, and the bytes in order: the lower bound, the keys, the upper bound. */
const isOrderly = ({ lo, hi, pairs }: Delegate, { parameters }: Cluster): boolean => {
  const { keyBytesMax, valueBytesMax } = parameters;
  if (lo.length > keyBytesMax || (hi !== null && hi.length > keyBytesMax) || !isBelow(lo, hi)) return false;
  const [first] = pairs;
  if (first === undefined) return true;
  if (isBelow(first.key, lo)) return false;
  return pairs.every(({ key, value }, at) => {
    const next = pairs[at + 1];
    return (
      key.length <= keyBytesMax && value.length <= valueBytesMax && isBelow(key, next === undefined ? hi : next.key)
    );
  });
};

/** Whether the next body of a peer's stream may be accepted by the host whose map it is. Costs what the body carries. */
export const isAcceptable = (body: Body, cluster: Cluster, map: DelegationMap): boolean => {
  switch (body.tag) {
    case 'announce':
      return true;
    case 'inform':
      return body.horizons.length === cluster.hosts.length;
    case 'delegate': {
      if (body.horizons.length !== cluster.hosts.length || !isOrderly(body, cluster)) return false;
      // What is mine nobody else can give me: taking it would overwrite my values.
      return !map.ownsAny(cluster.myIndex, textOfKey(body.lo), body.hi === null ? null : textOfKey(body.hi));
    }
    default:
      return unreachable(body);
  }
};
