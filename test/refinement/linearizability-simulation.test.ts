/** What clients of a simulated cluster are told is judged at the end of each run. */
import { describe, expect, it } from 'vitest';
import { campaign, type Simulation, simulationOf } from '../../src/refinement/campaign.js';
import type { HistoryVerdict } from '../../src/refinement/linearizability.js';
import type { ClientHistory } from '../../src/refinement/simulation/simulated-system.js';
import { type RunOptions, simulate } from '../../src/refinement/simulator.js';
import { endPoint } from '../../src/spec/endpoint.js';
import { counter } from '../../systems/ironrsm/applications/counter.js';
import { encodeCommand, kv } from '../../systems/ironrsm/applications/kv.js';
import type { RsmMessage } from '../../systems/ironrsm/messages.js';
import { RsmClientHistory, recordingOf } from '../../systems/ironrsm/simulation/history.js';
import { ironrsmSimulation } from '../../systems/ironrsm/simulation.js';

const options = (seed: number): RunOptions => ({ seed, steps: 200, faults: ['loss', 'stranger'], nodes: 3 });

/** IronRSM, with another judgement of the clients' history in the place of its own. */
const judgedBy = (judge: (own: ClientHistory<RsmMessage>) => HistoryVerdict): typeof ironrsmSimulation => ({
  ...ironrsmSimulation,
  draw: (random, draw) => {
    const cluster = ironrsmSimulation.draw(random, draw);
    const own = cluster.history;
    if (own === undefined) throw new Error('the clients of IronRSM record no history');
    return {
      ...cluster,
      history: {
        strangerSent: (packet) => own.strangerSent(packet),
        spoil: () => own.spoil(),
        judge: () => judge(own),
      },
    };
  },
});

describe('a simulated run', () => {
  it('judges the history of its clients at its end, and finds it linearizable', async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const verdicts: string[] = [];
      const system = judgedBy((own) => {
        const verdict = own.judge();
        verdicts.push(verdict.answer);
        return verdict;
      });
      const { found, inconclusive } = await simulate(system, options(seed));
      expect([found, inconclusive, verdicts]).toEqual([undefined, undefined, ['linearizable']]);
    }
  });

  it('reports a history that is not linearizable', async () => {
    const violation = { code: 'NOT_LINEARIZABLE', rule: 'a rule', evidence: {} };
    const { found } = await simulate(
      judgedBy(() => ({ answer: 'not', violation })),
      options(1),
    );
    expect(found).toMatchObject({ code: 'NOT_LINEARIZABLE', check: 'LIN', node: 'cluster' });
  });

  it('is inconclusive where the judgement ran into its limits, and so is its campaign', async () => {
    const own = simulationOf(ironrsmSimulation);
    const system = judgedBy(() => ({ answer: 'unknown', why: 'out of steps' }));
    const simulation: Simulation = { ...own, run: (run) => simulate(system, run) };
    const result = await campaign(simulation, { ...options(1), runs: 2 });
    expect(result).toMatchObject({
      found: [],
      undecided: [
        { seed: 1, why: 'out of steps' },
        { seed: 2, why: 'out of steps' },
      ],
    });
  });
});

const [alice, bob] = [endPoint('10.9.9.9:1'), endPoint('10.9.9.9:2')];
const replica = endPoint('10.0.0.1:7000');
const stranger = endPoint('10.66.6.6:6666');
const key = Buffer.from('k');

/** What the application answers, one request after the other. */
const answers = (requests: readonly Uint8Array[]): readonly Uint8Array[] => {
  let state = kv.initial;
  return requests.map((request) => {
    const applied = kv.apply(state, request);
    state = applied.state;
    return applied.reply;
  });
};

describe('the history of simulated clients', () => {
  it('holds every command and reply of the key-value application in the words of the model', () => {
    const [a, b] = [Buffer.from('7'), Buffer.from('word')];
    const requests = [
      encodeCommand({ tag: 'get', key }),
      encodeCommand({ tag: 'del', key }),
      encodeCommand({ tag: 'cas', key, old: null, new: a }),
      encodeCommand({ tag: 'cas', key, old: b, new: a }),
      encodeCommand({ tag: 'incr', key }),
      encodeCommand({ tag: 'get', key }),
      encodeCommand({ tag: 'set', key, value: b }),
      encodeCommand({ tag: 'incr', key }),
      encodeCommand({ tag: 'get', key }),
    ];
    const replies = answers(requests);
    const record = (upTo: number, lastReply: Uint8Array): HistoryVerdict => {
      const history = new RsmClientHistory(recordingOf(kv));
      for (let i = 0; i <= upTo; i++) {
        const done = history.asked(alice, requests[i] as Uint8Array, i);
        done(i === upTo ? lastReply : (replies[i] as Uint8Array), i);
      }
      return history.judge();
    };
    for (const [i, reply] of replies.entries()) {
      expect(record(i, reply)).toMatchObject({ answer: 'linearizable' });
      // A reply to another request is noticed, unless it would do as well.
      for (const other of replies) {
        if (Buffer.compare(other, reply) !== 0) expect(record(i, other)).toMatchObject({ answer: 'not' });
      }
    }
  });

  it('is no longer linearizable once it is spoiled, by operations that its model knows', () => {
    for (const [app, operation] of [
      [kv, 'get(canary) -> nil'],
      [counter, 'increment() -> 1000000'],
    ] as const) {
      const history = new RsmClientHistory(recordingOf(app));
      expect(history.judge()).toMatchObject({ answer: 'linearizable' });
      history.spoil();
      expect(history.judge()).toMatchObject({ answer: 'not', violation: { evidence: { operation } } });
    }
  });

  it('knows that requests of strangers may have been executed, each once', () => {
    const count = (n: number): Uint8Array => Uint8Array.from([0, 0, 0, 0, 0, 0, 0, n]);
    const verdict = (counted: number): string => {
      const history = new RsmClientHistory(recordingOf(counter));
      const message: RsmMessage = { tag: 'request', seqno: 5, value: Uint8Array.from([1, 2]) };
      for (let i = 0; i < 3; i++) history.strangerSent({ source: stranger, target: replica, message });
      history.asked(bob, new Uint8Array(), 1)(count(counted), 2);
      return history.judge().answer;
    };
    expect([1, 2, 3].map(verdict)).toEqual(['linearizable', 'linearizable', 'not']);
  });
});
