/** Histories of IronKV's clients: what is recorded is what was asked and told, and a wrong answer to any command shows. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type Call,
  HistoryRecorder,
  jsonHistory,
  judgeByName,
  type Result,
  readHistory,
} from '../../src/refinement/linearizability.js';
import { E } from '../../src/spec/prelude.js';
import { RecordedKvStore } from '../../systems/ironkv/recorded.js';
import { LoopbackCluster } from './loopback-cluster.js';

let cluster: LoopbackCluster;
beforeEach(async () => {
  cluster = await LoopbackCluster.start(1, { valueBytesMax: 32 });
});
afterEach(() => cluster.stop());

type Recorded = HistoryRecorder<Call, Result>;

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');

/** Asks for everything, one request after the other. */
const session = async (recorder: Recorded): Promise<void> => {
  const client = await cluster.client({ valueBytesMax: 32 });
  const store = new RecordedKvStore(client, recorder, 'c');
  const [k, n] = [bytes('k'), bytes('n')];
  await store.get(k);
  await store.length(k);
  await store.set(k, bytes('1'), { when: 'present' });
  await store.set(k, bytes('\xff'), { when: 'absent' });
  await store.set(k, bytes('ab'));
  await store.compareAndSet(k, bytes('ab'), bytes('cd'));
  await store.compareAndSet(k, null, bytes('x'));
  await store.append(k, bytes('ef'));
  await store.append(k, bytes('1'.repeat(29)));
  await store.increment(k);
  await store.get(k);
  await store.length(k);
  await store.increment(n, 5);
  await store.increment(n, -7);
  await store.delete(n);
  await store.delete(n);
  // Never sent.
  await store.set(k, new Uint8Array(33));
};

const asked = (recorder: Recorded) =>
  recorder.recorded().map(({ op, outcome, output }) => [op.op, ...op.args, outcome, output] as const);

/** The answer of `ironkeel lincheck` to the recorded history with the line of operation `index` changed. */
const judged = (recorder: Recorded, index = -1, change: (line: string) => string = (line) => line) => {
  const lines = jsonHistory(recorder, 'table', { valueBytesMax: 32 }).split('\n');
  const text = lines.map((line, i) => (i === index + 1 ? change(line) : line)).join('\n');
  const history = readHistory(Buffer.from(text));
  if (E.isLeft(history)) throw new Error(history.left.why);
  expect(history.right).toMatchObject({ model: 'table', valueBytesMax: 32 });
  const answer = judgeByName('table', history.right, { stepsMax: 10_000 });
  return E.isLeft(answer) ? answer.left.why : answer.right.result.answer;
};

describe('a recorded client of IronKV', () => {
  it('records each command with what it was told', async () => {
    const recorder: Recorded = new HistoryRecorder(() => performance.now() * 1e6);
    await session(recorder);
    expect(asked(recorder)).toEqual([
      ['get', 'ok', null],
      ['length', 'ok', null],
      ['setIfPresent', '1', 'ok', false],
      ['setIfAbsent', '\xff', 'ok', true],
      ['set', 'ab', 'ok', true],
      ['compareAndSet', 'ab', 'cd', 'ok', true],
      ['compareAndSet', null, 'x', 'ok', false],
      ['append', 'ef', 'ok', 4],
      ['append', '1'.repeat(29), 'ok', { error: 'VALUE_TOO_LARGE' }],
      ['increment', 1, 'ok', { error: 'NOT_AN_INTEGER' }],
      ['get', 'ok', 'cdef'],
      ['length', 'ok', 4],
      ['increment', 5, 'ok', 5],
      ['increment', -7, 'ok', -2],
      ['delete', 'ok', true],
      ['delete', 'ok', false],
      ['set', '\0'.repeat(33), 'fail', undefined],
    ]);
    expect(judged(recorder)).toBe('linearizable');
  });

  it('shows a wrong answer to any of them', async () => {
    const recorder: Recorded = new HistoryRecorder(() => performance.now() * 1e6);
    await session(recorder);
    const wrong = new Map<unknown, string>([
      [null, '"x"'],
      [true, 'false'],
      [false, 'true'],
      ['cdef', '"cdeg"'],
    ]);
    recorder.recorded().forEach(({ output, outcome }, i) => {
      if (outcome !== 'ok') return;
      const other = wrong.get(output) ?? '77';
      const answer = judged(recorder, i, (line) =>
        line.replace(/"result":(?:\{.*?\}|".*?"|[^,}]+)/, `"result":${other}`),
      );
      // A length that is a text is no answer at all.
      expect([answer, i]).toEqual([expect.not.stringMatching(/^linearizable$/), i]);
    });
  });

  it('records many requests under way in lanes, and an outcome that nobody knows', async () => {
    const recorder: Recorded = new HistoryRecorder(() => performance.now() * 1e6);
    const client = await cluster.client();
    const store = new RecordedKvStore(client, recorder, 'c');
    await Promise.all(Array.from({ length: 20 }, () => store.increment(bytes('n'))));
    expect(new Set(recorder.recorded().map((r) => r.client)).size).toBe(20);
    expect(judged(recorder)).toBe('linearizable');
    await cluster.started[0]?.node.close();
    const unanswered = await store.increment(bytes('n'), 1, { timeoutMs: 100 });
    expect(E.isLeft(unanswered) && unanswered.left).toMatchObject({ tag: 'Timeout', known: 'unknown' });
    expect(asked(recorder).at(-1)).toEqual(['increment', 1, 'unknown', undefined]);
    expect(judged(recorder)).toBe('linearizable');
  });
});
