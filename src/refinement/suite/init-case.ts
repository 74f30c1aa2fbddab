/** HostInit: every host of every drawn cluster starts in a state that abstracts to the protocol's (IronFleet, SOSP 2015, section 3.5). */
import type { Host } from '../../host/host.js';
import { E } from '../../spec/prelude.js';
import type { Tagged } from '../cluster.js';
import { HostJudge } from '../host-judge.js';
import { Random } from '../random.js';
import type { SimulatedSystem } from '../simulation/simulated-system.js';
import { showValue } from '../values.js';
import { type SuiteBudget, type SuiteCase, SuiteFailure } from './suite-case.js';

/** Judges the hosts of as many clusters as there are runs. */
export const initCase = <C, H extends Host<M, W>, S, M extends Tagged, Step extends Tagged, W, G, Spec, SpecStep>(
  { definition, draw }: SimulatedSystem<C, H, S, M, Step, W, G, Spec, SpecStep>,
  { seed, runs }: SuiteBudget,
): SuiteCase => ({
  name: "every host starts in the protocol's first state",
  run: () => {
    for (let i = 0; i < runs; i++) {
      const { constants, hosts } = draw(new Random(seed + i), { nodes: undefined });
      for (const me of hosts) {
        const check = new HostJudge(definition.refinement, constants, me).compareAll(
          definition.createHost(constants, me),
        );
        if (E.isLeft(check)) throw new SuiteFailure(`${me} of cluster ${seed + i}: ${showValue(check.left)}`);
      }
    }
  },
});
