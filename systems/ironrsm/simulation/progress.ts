/** What is demanded of IronRSM once the faults have healed (IronFleet, SOSP 2015, section 5.1.4; Cloudflare's election storm of 2020). */
import type { Healed, Progress } from '../../../src/refinement/simulation/progress.js';
import { holds, violated } from '../../../src/spec/check.js';
import { counter } from '../applications/counter.js';
import type { Configuration } from '../configuration.js';
import type { Replica } from '../protocol.js';
import type { SimulatedClient } from './client.js';
import type { RsmClientHistory } from './history.js';

/**
 * The bounds. The slowest way to go on: every replica has just begun an epoch of the longest length drawn (2,000 ms), a request is
 * owed from one epoch to the next before it raises suspicion, and of five replicas two that lead next have crashed: three views of
 * two epochs each, 12 s. A request that only strangers sent may depose a few leaders more before one executes it, so it is 30 s,
 * which the busiest cluster drawn fills with fewer than 50,000 steps. Measured: docs/simulation.md.
 */
const withinMs = 30_000;
const withinSteps = 50_000;

/** Five replicas may each have to be deposed once, and epochs double meanwhile; twice that is no storm. */
const viewChangesMax = 20;

/** Views in the order in which they follow each other. */
const viewNumber = ({ seqno, proposer }: Replica['election']['view'], replicas: number): number =>
  seqno * replicas + proposer;

/**
 * Every session has the outcomes of its outstanding requests and gets the reply to a new one, and all running replicas come to the same
 * number of executed operations; on the way there are not more than `viewChangesMax` view changes, and a counter is exact at the end.
 */
export const answersAndAgreement = (
  { replicas, app }: Configuration,
  clients: readonly SimulatedClient[],
  history: RsmClientHistory,
  { running, stateOf }: Healed<Replica>,
): Progress => {
  for (const client of clients) client.comeToRest();
  const executed = (): readonly number[] => running.map((host) => stateOf(host).executor.opsComplete);
  const agree = (): boolean => new Set(executed()).size === 1;
  const latestView = (): number =>
    Math.max(...running.map((host) => viewNumber(stateOf(host).election.view, replicas.length)));
  const viewAtHeal = latestView();
  return {
    withinSteps,
    withinMs,
    reached: () => clients.every((client) => client.rests) && agree(),
    waitingFor: () => [
      ...clients.flatMap((client) => client.waiting),
      ...(agree()
        ? []
        : [`the running replicas to have executed the same operations, and not ${executed().join(', ')}`]),
    ],
    check: () => {
      const viewChanges = latestView() - viewAtHeal;
      const [one] = running;
      if (viewChanges <= viewChangesMax)
        return app === counter && one !== undefined
          ? history.counted(stateOf(one).executor.machine.app as number)
          : holds;
      return violated('ELECTION_STORM', 'after the faults heal, replicas settle on a view', {
        viewChanges,
        viewChangesMax,
      });
    },
  };
};
