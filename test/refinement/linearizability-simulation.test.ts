/** What clients of a simulated cluster are told is judged at the end of each run. */
import { describe, expect, it } from 'vitest';
import { sessionExpired, timedOut } from '../../src/client/failure.js';
import { campaign, type Simulation, simulationOf } from '../../src/refinement/campaign.js';
import type { HistoryVerdict } from '../../src/refinement/linearizability.js';
import type { ClientHistory } from '../../src/refinement/simulation/simulated-system.js';
import { type RunOptions, simulate } from '../../src/refinement/simulator.js';
import { endPoint } from '../../src/spec/endpoint.js';
import { E } from '../../src/spec/prelude.js';
import { counter } from '../../systems/ironrsm/applications/counter.js';
import { encodeCommand, kv } from '../../systems/ironrsm/applications/kv.js';
import { failed, type Outcome, seqnoReused, tooLarge } from '../../systems/ironrsm/client/outcome.js';
import { joined, type RsmMessage } from '../../systems/ironrsm/messages.js';
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
      encodeCommand({ tag: 'length', key }),
      encodeCommand({ tag: 'append', key, value: a }),
      encodeCommand({ tag: 'setIf', key, value: a, when: 'absent' }),
      encodeCommand({ tag: 'setIf', key, value: a, when: 'present' }),
      encodeCommand({ tag: 'add', key, by: -9 }),
      encodeCommand({ tag: 'swap', key, value: b }),
      encodeCommand({
        tag: 'all',
        commands: [
          { tag: 'swap', key, value: a },
          { tag: 'get', key },
        ],
      }),
    ];
    const replies = answers(requests);
    const record = (upTo: number, lastReply: Uint8Array): HistoryVerdict => {
      const history = new RsmClientHistory(recordingOf(kv));
      for (let i = 0; i <= upTo; i++) {
        const done = history.asked(alice, requests[i] as Uint8Array, i);
        const value = i === upTo ? lastReply : (replies[i] as Uint8Array);
        done.settled({ tag: 'reply', value }, i);
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

  const count = (n: number): Uint8Array => Uint8Array.from([0, 0, 0, 0, 0, 0, 0, n]);

  it('knows that requests without a known outcome may have been executed, each once', () => {
    const verdict = (counted: number, outcome: Outcome): string => {
      const history = new RsmClientHistory(recordingOf(counter));
      history.asked(alice, new Uint8Array(), 1).settled(outcome, 2);
      history.asked(bob, new Uint8Array(), 3).settled({ tag: 'reply', value: count(counted) }, 4);
      return history.judge().answer;
    };
    expect([1, 2, 3].map((n) => verdict(n, failed(sessionExpired)))).toEqual(['linearizable', 'linearizable', 'not']);
    // What was refused or never sent was not executed.
    for (const error of [seqnoReused, tooLarge(9), timedOut(1, false)])
      expect([1, 2].map((n) => verdict(n, failed(error)))).toEqual(['linearizable', 'not']);
  });

  it('knows that somebody who ignores replies may have been served', () => {
    const verdict = (value: Uint8Array, counted: number): string => {
      const history = new RsmClientHistory(recordingOf(counter));
      history.mayAsk(alice, value, 0);
      history.asked(bob, new Uint8Array(), 1).settled({ tag: 'reply', value: count(counted) }, 2);
      return history.judge().answer;
    };
    const once = new Uint8Array();
    const verdicts = (value: Uint8Array): string[] => [1, 2, 3, 4].map((counted) => verdict(value, counted));
    expect(verdicts(joined([once]))).toEqual(['linearizable', 'linearizable', 'not', 'not']);
    // Each operation of a request counts; a value that is no list has none.
    expect(verdicts(joined([once, once]))).toEqual(['linearizable', 'linearizable', 'linearizable', 'not']);
    expect(verdicts(Uint8Array.of(1))).toEqual(['linearizable', 'not', 'not', 'not']);
  });

  it('holds a counter to what was acknowledged, and to that plus what is unknown', () => {
    const history = new RsmClientHistory(recordingOf(counter));
    for (const n of [1, 2]) history.asked(alice, new Uint8Array(), n).settled({ tag: 'reply', value: count(n) }, n);
    history.asked(bob, new Uint8Array(), 3).settled(failed(timedOut(1, true)), 4);
    history.asked(bob, new Uint8Array(), 3).settled(failed(tooLarge(9)), 4);
    const code = (n: number): unknown => {
      const check = history.counted(n);
      return E.isLeft(check) ? check.left.code : undefined;
    };
    expect([1, 2, 3, 4].map(code)).toEqual(['COUNT_NOT_EXACT', undefined, undefined, 'COUNT_NOT_EXACT']);
    // One number for two increments.
    history.asked(bob, new Uint8Array(), 5).settled({ tag: 'reply', value: count(2) }, 6);
    expect(code(3)).toBe('COUNT_NOT_EXACT');
  });
});
