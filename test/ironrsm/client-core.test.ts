import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RsmMessage } from '../../systems/ironrsm/messages.js';
import { type Faults, ModelRun, operationsOf, requestBytesMax } from './client-model.js';

type Event =
  | { readonly tag: 'request'; readonly count: number; readonly timeoutMs: number }
  | { readonly tag: 'wait'; readonly ms: number }
  | { readonly tag: 'leader' }
  | { readonly tag: 'expire' }
  | { readonly tag: 'large' };

const events: fc.Arbitrary<readonly Event[]> = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        tag: fc.constant('request' as const),
        count: fc.integer({ min: 1, max: 12 }),
        timeoutMs: fc.constantFrom(50, 500, 5000, 60_000),
      }),
    },
    { weight: 5, arbitrary: fc.record({ tag: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 400 }) }) },
    { weight: 2, arbitrary: fc.constant({ tag: 'leader' as const }) },
    { weight: 3, arbitrary: fc.constant({ tag: 'expire' as const }) },
    { weight: 1, arbitrary: fc.constant({ tag: 'large' as const }) },
  ),
  { maxLength: 25 },
);

const lossy: Faults = { loss: 0.15, duplicates: 0.15, delayMsMax: 60 };

const window = 8;

/** The most operations that may share a request. */
const operationsMax = 64;

/** Watches what a client sends: seqnos of a session, their floors, and what their requests hold. */
class Watch {
  /** The operations of each request, by session and seqno. */
  readonly #operations = new Map<string, readonly string[]>();
  readonly #unsettled: () => ReadonlySet<string>;
  /** What the floors of this turn passed. */
  #passed: { readonly floor: number; readonly seqno: number; readonly operations: readonly string[] }[] = [];
  readonly faults: string[] = [];
  /** The most operations that a request held. */
  largest = 0;

  /** `unsettled`: the operations without an outcome. */
  constructor(unsettled: () => ReadonlySet<string>) {
    this.#unsettled = unsettled;
  }

  readonly sent = (message: RsmMessage): void => {
    if (message.tag !== 'request') return;
    const { session, seqno, floor } = message;
    const operations = operationsOf(message);
    const count = operations.length;
    const before = this.#operations.get(`${session} ${seqno}`);
    if (before !== undefined && before.join() !== operations.join())
      this.faults.push(`${session} ${seqno} is ${before} and ${operations}`);
    this.#operations.set(`${session} ${seqno}`, operations);
    this.largest = Math.max(this.largest, count);
    if (count < 1 || count > operationsMax) this.faults.push(`a request of ${count} operations`);
    if (count > 1 && message.value.length > requestBytesMax) this.faults.push(`${count} operations are too large`);
    if (seqno < floor || seqno >= floor + window) this.faults.push(`${seqno} is outside the window at ${floor}`);
    for (const [key, others] of this.#operations) {
      const [otherSession, otherSeqno] = key.split(' ').map(Number) as [number, number];
      if (otherSession === session && otherSeqno < floor && others.some((other) => this.#unsettled().has(other))) {
        this.#passed.push({ floor, seqno: otherSeqno, operations: others });
      }
    }
  };

  /** The client is done for now. What it gives up it may tell after it has sent, under the floor without it, what is asked again. */
  readonly turned = (): void => {
    const passed = this.#passed;
    if (passed.length === 0) return;
    this.#passed = [];
    const unsettled = this.#unsettled();
    for (const { floor, seqno, operations } of passed) {
      if (operations.some((operation) => unsettled.has(operation)))
        this.faults.push(`the floor ${floor} passes ${seqno}, which is unsettled`);
    }
  };
}

/** Drives a client through `list`; what came of it. */
const drive = (seed: number, list: readonly Event[], ordered: boolean) => {
  const run = new ModelRun(seed, lossy, { ordered, window }, seed % 2 === 0);
  const texts = new Map<number, string>();
  const deadlines = new Map<number, number>();
  const settledAt = new Map<number, number>();
  const watch = new Watch(() => new Set([...texts].filter(([id]) => !run.outcomes.has(id)).map(([, value]) => value)));
  run.onSent = watch.sent;
  run.onTurn = watch.turned;
  run.onSettled = (id) => settledAt.set(id, run.nowMs);
  let next = 0;
  const request = (text: string, timeoutMs: number): void => {
    const id = run.request(text, timeoutMs);
    texts.set(id, text);
    deadlines.set(id, run.nowMs + timeoutMs);
  };
  for (const event of list) {
    switch (event.tag) {
      case 'request':
        for (let i = 0; i < event.count; i++) request(`v${next++}`, event.timeoutMs);
        break;
      case 'wait':
        run.run(run.nowMs + event.ms);
        break;
      case 'leader':
        run.service.moveLeader();
        break;
      case 'expire':
        run.service.expire();
        break;
      case 'large':
        request(`v${next++}`.padEnd(2000, '.'), 5000);
        break;
    }
  }
  run.run(run.nowMs + 70_000);
  return { run, texts, deadlines, settledAt, watch };
};

/** Whether of one request some operations have a reply and others were given up. */
const isPartlyGivenUp = (run: ModelRun, texts: ReadonlyMap<number, string>): boolean => {
  const requests = new Map(run.service.executed.map((e) => [e.value, `${e.session} ${e.seqno}`]));
  const ended = (tag: 'reply' | 'failed'): readonly (string | undefined)[] =>
    [...run.outcomes].flatMap(([id, outcome]) => (outcome.tag === tag ? [requests.get(texts.get(id) ?? '')] : []));
  const answered = new Set(ended('reply'));
  return ended('failed').some((request) => request !== undefined && answered.has(request));
};

const goals = [
  ...['reply', 'second session', 'Timeout, executed', 'Timeout, unknown', 'Timeout, not executed'],
  ...['SessionExpired, unknown', 'SessionExpired, executed', 'TooLarge, not executed'],
  ...['several operations in a request', 'some operations of a request given up'],
];

/** Cases in which a retry was due in the millisecond in which the client gave up what came before it. */
const found: [seed: number, list: readonly Event[]][] = [
  [
    1_558_539_603,
    [
      { tag: 'large' },
      { tag: 'request', count: 1, timeoutMs: 500 },
      { tag: 'wait', ms: 389 },
      { tag: 'request', count: 1, timeoutMs: 500 },
    ],
  ],
  [
    3,
    [
      { tag: 'request', count: 1, timeoutMs: 50 },
      { tag: 'wait', ms: 103 },
      { tag: 'request', count: 5, timeoutMs: 500 },
      { tag: 'request', count: 3, timeoutMs: 5000 },
      { tag: 'request', count: 1, timeoutMs: 500 },
    ],
  ],
];

const firstSeed = fc.readConfigureGlobal().seed ?? 1;

describe('a client in front of a lossy service', () => {
  for (const ordered of [false, true]) {
    it(`settles every operation once and in time, and keeps to the window of its session (${ordered ? 'ordered' : 'unordered'})`, () => {
      const reached = new Set<string>();
      const property = fc.property(fc.nat(), events, (seed, list) => {
        const { run, texts, deadlines, settledAt, watch } = drive(seed, list, ordered);
        expect(run.core.busy).toBe(false);
        expect(run.core.wakeAtMs).toBe(Infinity);
        expect(run.settledTwice).toEqual([]);
        expect([...run.outcomes.keys()].sort((a, b) => a - b)).toEqual([...texts.keys()]);
        expect(watch.faults).toEqual([]);
        for (const [id, atMs] of settledAt) expect(atMs).toBeLessThanOrEqual(deadlines.get(id) as number);
        const executed = new Map<string, number>();
        for (const { value } of run.service.executed) executed.set(value, (executed.get(value) ?? 0) + 1);
        for (const [id, outcome] of run.outcomes) {
          const text = texts.get(id) as string;
          const times = executed.get(text) ?? 0;
          // At most once; exactly once with a reply, which is that of this request; never where the client was told so.
          expect(times).toBeLessThanOrEqual(1);
          if (outcome.tag === 'reply') {
            expect(Buffer.from(outcome.value).toString()).toBe(`reply to ${text}`);
            expect(times).toBe(1);
            reached.add('reply');
          } else {
            if (outcome.error.known === 'not executed') expect(times).toBe(0);
            // What fits alone is not refused for the company that it was sent in.
            if (outcome.error.tag === 'TooLarge') expect(text.length).toBeGreaterThan(requestBytesMax);
            reached.add(`${outcome.error.tag}, ${times === 1 ? 'executed' : outcome.error.known}`);
          }
        }
        if (new Set(run.service.executed.map((e) => e.session)).size > 1) reached.add('second session');
        if (watch.largest > 1) reached.add('several operations in a request');
        if (isPartlyGivenUp(run, texts)) reached.add('some operations of a request given up');
      });
      // The rarest comes about once in two hundred runs.
      for (let batch = 0; batch === 0 || (batch < 8 && goals.some((goal) => !reached.has(goal))); batch++) {
        fc.assert(property, { numRuns: 500, seed: firstSeed + batch, examples: found });
      }
      expect([...reached]).toEqual(expect.arrayContaining([...goals]));
    });
  }

  it('has the operations of an ordered session executed in the order in which they were asked for', () => {
    const numbersOf = (values: readonly string[]): number[] => values.map((v) => Number(/^v(\d+)/.exec(v)?.[1]));
    let long = 0;
    fc.assert(
      fc.property(fc.nat(), events, (seed, list) => {
        const { run } = drive(seed, list, true);
        const order = numbersOf(run.service.executed.map((e) => e.value));
        expect(order).toEqual([...order].sort((a, b) => a - b));
        if (order.length > 20) long++;
      }),
      { numRuns: 300 },
    );
    expect(long).toBeGreaterThan(10);
  });

  it('promises no order in another session, and does not keep it', () => {
    let unordered = 0;
    for (let seed = 0; seed < 20; seed++) {
      const run = new ModelRun(seed, lossy, { window });
      // With a session open each gets a request of its own.
      run.request('first', 60_000);
      run.run(30_000);
      for (let i = 0; i < 8; i++) run.request(`${i}`, 60_000);
      run.run(90_000);
      const order = run.service.executed.slice(1).map((e) => Number(e.value));
      expect(order).toHaveLength(8);
      if (order.some((n, i) => i > 0 && n < (order[i - 1] as number))) unordered++;
    }
    expect(unordered).toBeGreaterThan(0);
  });
});
