/** What is stated over a whole cluster of IronRSM: its ghost history, its invariants, and how it refines the service. */
import type { ClusterModel } from '../../src/refinement/cluster.js';
import type { Configuration } from './configuration.js';
import { RsmHistory, specOf } from './history.js';
import { ironrsmInvariants } from './invariants.js';
import type { RsmMessage } from './messages.js';
import type { Replica } from './protocol.js';
import { type RsmSpec, type RsmStep, rsmService } from './spec.js';

/** The model of a cluster, for its judge. */
export const ironrsmCluster = (
  configuration: Configuration,
): ClusterModel<Replica, RsmMessage, RsmHistory, RsmSpec, RsmStep> => ({
  history: () => new RsmHistory(configuration),
  remember: (history, change) => history.remember(change.sends),
  invariants: ironrsmInvariants,
  refinement: {
    service: rsmService(configuration),
    steps: ({ history }) => {
      if (history.appended === 0) return [];
      return history.steps.slice(-history.appended).flatMap((taken) => taken.map(({ step }) => step));
    },
    abstract: ({ sent }) => {
      // From scratch: votes and proposals in the set of sent packets say what was chosen, whatever the running history says.
      const history = new RsmHistory(configuration);
      history.remember([...sent.tagged('2a'), ...sent.tagged('2b')]);
      return specOf(history);
    },
  },
});
