/** A system as the shrinker sees it. */
import type * as fc from 'fast-check';
import type { Host } from '../../host/host.js';
import type { Codec } from '../../network/codec.js';
import type { EndPoint } from '../../spec/endpoint.js';
import { E } from '../../spec/prelude.js';
import type { Tagged } from '../cluster.js';
import type { SimulatedSystem } from '../simulation/simulated-system.js';
import type { PlainConstants } from './plain-constants.js';
import type { DrawnCluster } from './recorder.js';
import { execute } from './scheduled-run.js';
import type { Subject } from './search.js';

/** Hides a system's types. Without `plain` a cluster keeps its hosts. */
export const subjectOf = <C, H extends Host<M, W>, S, M extends Tagged, Step extends Tagged, W, G, Spec, SpecStep>(
  system: SimulatedSystem<C, H, S, M, Step, W, G, Spec, SpecStep>,
  plain: PlainConstants<C> | undefined,
): Subject<DrawnCluster<C>> => {
  const { codec } = system.definition.refinement;
  return {
    run: (cluster, schedule, judged, clients) => execute(system, cluster, schedule, { judged, clients }),
    hostsOf: ({ hosts }) => hosts,
    without: (cluster, host) => plain && withoutHost(plain, cluster, host),
    tagOf: (bytes) => {
      const message = codec.decode(bytes);
      return E.isRight(message) ? message.right.tag : '';
    },
    simpler: (bytes) => simplerMessages(system.strangers, codec, bytes),
  };
};

const withoutHost = <C>(
  plain: PlainConstants<C>,
  { constants, hosts }: DrawnCluster<C>,
  host: EndPoint,
): DrawnCluster<C> | undefined => {
  const described = plain.describe(constants);
  const restored = plain.restore({ ...described, nodes: described.nodes.filter(({ address }) => address !== host) });
  return E.isLeft(restored) ? undefined : { constants: restored.right, hosts: hosts.filter((h) => h !== host) };
};

/** The generator's own idea of simpler (fast-check's shrinking), for a message that it may not have generated. */
function* simplerMessages<M>(messages: fc.Arbitrary<M>, codec: Codec<M>, bytes: Uint8Array): Iterable<Uint8Array> {
  const message = codec.decode(bytes);
  if (E.isLeft(message) || !messages.canShrinkWithoutContext(message.right)) return;
  for (const simpler of messages.shrink(message.right, undefined)) yield codec.encode(simpler.value);
}
