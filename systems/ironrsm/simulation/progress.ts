/** What is demanded of IronRSM once the faults have healed (IronFleet, SOSP 2015, section 5.1.4; Cloudflare's election storm of 2020). */
import type { Healed, Progress } from '../../../src/refinement/simulation/progress.js';
import { holds, violated } from '../../../src/spec/check.js';
import type { Configuration } from '../configuration.js';
import type { Replica } from '../protocol.js';
import type { SimulatedClient } from './client.js';

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
 * Every client gets the reply to its outstanding request and to a new one, and all running replicas come to the same number of
 * executed operations; on the way there are not more than `viewChangesMax` view changes.
 */
export const answersAndAgreement = (
  { replicas }: Configuration,
  clients: readonly SimulatedClient[],
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
      ...clients.filter((client) => !client.rests).map(String),
      ...(agree()
        ? []
        : [`the running replicas to have executed the same operations, and not ${executed().join(', ')}`]),
    ],
    check: () => {
      const viewChanges = latestView() - viewAtHeal;
      if (viewChanges <= viewChangesMax) return holds;
      return violated('ELECTION_STORM', 'after the faults heal, replicas settle on a view', {
        viewChanges,
        viewChangesMax,
      });
    },
  };
};
