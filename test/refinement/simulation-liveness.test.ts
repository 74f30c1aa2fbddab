/** The liveness phase: what must happen once the faults have healed, and hosts that never get there. */
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/refinement/random.js';
import { faultNames } from '../../src/refinement/simulation/faults.js';
import { noProgress } from '../../src/refinement/simulation/progress.js';
import { type RunOptions, type RunResult, simulate } from '../../src/refinement/simulator.js';
import { endPoint } from '../../src/spec/endpoint.js';
import { E } from '../../src/spec/prelude.js';
import { kv } from '../../systems/ironrsm/applications/kv.js';
import { parted, type RsmMessage } from '../../systems/ironrsm/messages.js';
import { ironrsmProtocol } from '../../systems/ironrsm/protocol.js';
import { SimulatedClient } from '../../systems/ironrsm/simulation/client.js';
import { RsmClientHistory, recordingOf } from '../../systems/ironrsm/simulation/history.js';
import { answersAndAgreement } from '../../systems/ironrsm/simulation/progress.js';
import { ironrsmSimulation } from '../../systems/ironrsm/simulation.js';
import type { LockConfiguration } from '../../systems/lock/configuration.js';
import { lockSimulation } from '../../systems/lock/simulation.js';

const options = (seed: number, more: Partial<RunOptions> = {}): RunOptions => ({
  seed,
  steps: 300,
  faults: faultNames,
  nodes: undefined,
  ...more,
});

/** A lock whose nodes never send a grant again: in the host and, so that the host refinement stays silent, in the protocol. */
const withoutRetransmission: typeof lockSimulation = {
  ...lockSimulation,
  draw: (random, drawOptions) => {
    const cluster = lockSimulation.draw(random, drawOptions);
    const parameters = { ...cluster.constants.parameters, resendMs: 1_000_000 };
    const constants: LockConfiguration = { ...cluster.constants, parameters };
    // The bound stays that of the lock as it should be.
    return { ...cluster, constants };
  },
};

describe('once the faults have healed', () => {
  it('the lock goes round the whole ring, and IronRSM answers and agrees, also without the minority that crashed', async () => {
    let crashed = 0;
    for (let seed = 1; seed <= 12; seed++) {
      const lock = await simulate(lockSimulation, options(seed));
      const rsm = await simulate(ironrsmSimulation, options(seed, { steps: 800, faults: ['loss', 'crash'] }));
      expect([lock.found, rsm.found]).toEqual([undefined, undefined]);
      expect(lock.livenessSteps > 0 || lock.faultsFired.crash > 0).toBe(true);
      expect(rsm.livenessMs).toBeGreaterThan(0);
      crashed += rsm.faultsFired.crash;
    }
    expect(crashed).toBeGreaterThan(0);
  });

  it('each client asks once more, also one that was allowed no request before, and no other', async () => {
    /** The operations that each session had answered, once or often, in whatever requests; who breaks the rules has no say. */
    const answered = async (requests: number, steps: number): Promise<readonly number[]> => {
      const received: RsmMessage[] = [];
      const watched: typeof ironrsmSimulation = {
        ...ironrsmSimulation,
        draw: (random, draw) => {
          const cluster = ironrsmSimulation.draw(random, draw);
          const clients = cluster.clients.map((client) => ({
            start: (io: Parameters<typeof client.start>[0]) => client.start(io),
            receive: (packet: Parameters<typeof client.receive>[0]) => {
              if (client instanceof SimulatedClient) received.push(packet.message);
              client.receive(packet);
            },
          }));
          return { ...cluster, clients };
        },
      };
      const { found } = await simulate(watched, options(3, { steps, faults: [], nodes: 3, clients: 1, requests }));
      expect(found).toBeUndefined();
      const sessions = new Map<number, Map<number, number>>();
      for (const m of received) {
        if (m.tag === 'opened') sessions.set(m.session, new Map());
        if (m.tag === 'reply') sessions.get(m.session)?.set(m.seqno, parted(m.value).length);
      }
      const counts = [...sessions.values()].map((bySeqno) => [...bySeqno.values()].reduce((sum, n) => sum + n, 0));
      // A retried open may leave a session that nobody uses.
      return counts.filter((count) => count > 0);
    };
    expect(await answered(0, 200)).toEqual([1, 1]);
    expect(await answered(0, 0)).toEqual([1, 1]);
    expect(await answered(2, 200)).toEqual([3, 3]);
  });

  it('a lock that does not send a lost grant again makes no progress', async () => {
    const results: RunResult[] = [];
    for (let seed = 1; seed <= 8; seed++)
      results.push(await simulate(withoutRetransmission, options(seed, { faults: ['loss'] })));
    const found = results.map((result) => result.found).find((violation) => violation !== undefined);
    expect(found).toMatchObject({ code: 'NO_PROGRESS', check: 'LIVE', node: 'cluster' });
    expect(found?.evidence.waitingFor).toContainEqual(expect.stringContaining('to hold the lock again'));
  });

  it('no progress is demanded of a ring of which a node has crashed', async () => {
    const runs = Array.from({ length: 20 }, (_, seed) =>
      simulate(lockSimulation, options(seed, { faults: ['crash'], nodes: 5 })),
    );
    const crashed = (await Promise.all(runs)).filter((run) => run.faultsFired.crash > 0);
    expect(crashed.length).toBeGreaterThan(0);
    for (const { found, livenessSteps } of crashed) expect([found, livenessSteps]).toEqual([undefined, 0]);
  });
});

describe('what IronRSM is asked for', () => {
  const replicas = [1, 2, 3].map((i) => endPoint(`10.0.0.${i}:7000`));

  it('names the replicas that lag, and counts the view changes', () => {
    const { constants } = ironrsmSimulation.draw(new Random(1), { nodes: 3 });
    const state = ironrsmProtocol.init(constants, replicas[0] as (typeof replicas)[number]);
    let view = state.election.view;
    let opsComplete = 0;
    const progress = answersAndAgreement(constants, [], new RsmClientHistory(recordingOf(kv)), {
      running: replicas,
      stateOf: (host) => ({
        ...state,
        election: { ...state.election, view },
        executor: { ...state.executor, opsComplete: host === replicas[0] ? opsComplete : 0 },
      }),
    });
    expect([progress.reached(), progress.waitingFor()]).toEqual([true, []]);
    opsComplete = 2;
    expect(progress.reached()).toBe(false);
    expect(noProgress(progress, 10, 20).evidence.waitingFor).toEqual([
      'the running replicas to have executed the same operations, and not 2, 0, 0',
    ]);
    expect(progress.check?.()).toEqual(E.right(undefined));
    view = { seqno: 100, proposer: 0 };
    expect(progress.check?.()).toMatchObject({ left: { code: 'ELECTION_STORM' } });
  });
});
