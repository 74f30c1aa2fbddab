/** The judge of a cluster: invariants, and the refinement of the service (IronFleet, SOSP 2015, section 3.3). */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PersistentMap } from '../../src/protocol/persistent-map.js';
import {
  type ClusterInvariant,
  type ClusterModel,
  everyEntry,
  everyHost,
  everyPacket,
  everyStep,
  ofHistory,
} from '../../src/refinement/cluster.js';
import { ClusterJudge } from '../../src/refinement/cluster-judge.js';
import { type Check, holds, violated } from '../../src/spec/check.js';
import type { EndPoint } from '../../src/spec/endpoint.js';
import type { Packet } from '../../src/spec/packet.js';
import { O } from '../../src/spec/prelude.js';
import type { Service } from '../../src/spec/service.js';
import {
  add,
  client,
  codeOf,
  me,
  peer,
  type Tally,
  type TallyMessage,
  type TallyStep,
  tallyCodec,
  tallyProtocol,
} from './tally.js';

/** The service: one total, which grows by what clients asked for. */
interface Total {
  readonly total: number;
}

interface Grow {
  readonly amount: number;
}

/** Ghost: how often each total was announced. */
interface Announced {
  readonly totals: number[];
}

type Invariant = ClusterInvariant<Tally, TallyMessage, Announced>;
type Model = ClusterModel<Tally, TallyMessage, Announced, Total, Grow>;

const service: Service<Total, Grow, TallyMessage> = {
  name: 'tally',
  init: { total: 0 },
  next: ({ total }, { amount }) => (amount <= 100 ? O.some({ total: total + amount }) : O.none),
  justifies: ({ total }, { message }) =>
    message.tag !== 'sum' || message.total <= total
      ? holds
      : violated('REPLY_UNJUSTIFIED', 'a sum is at most the total', { sum: message.total, total }),
  asked: ({ amount }, sent) => {
    for (const { message } of sent.packets()) if (message.tag === 'add' && message.amount === amount) return holds;
    return violated('EXECUTED_UNASKED', 'only what clients asked for is added', { amount });
  },
};

const totalOf = (hosts: ReadonlyMap<EndPoint, Tally>): number => hosts.get(me)?.total ?? 0;

const model: Model = {
  history: () => ({ totals: [] }),
  remember: ({ totals }, { sends }) => {
    for (const { message, target } of sends) if (message.tag === 'note' && target === peer) totals.push(message.total);
  },
  invariants: [],
  refinement: {
    service,
    steps: (_, { before, after }) =>
      before === undefined || after === undefined || before.total === after.total
        ? []
        : [{ amount: after.total - before.total }],
    abstract: ({ hosts }) => ({ total: totalOf(hosts) }),
  },
};

const source = 'this test';

/** A cluster of one host, stepped by hand. */
class Judged {
  readonly judge: ClusterJudge<undefined, Tally, TallyMessage, TallyStep, Announced, Total, Grow>;
  #state: Tally;

  constructor(changed: Partial<Model> = {}) {
    this.judge = new ClusterJudge({ ...model, ...changed }, tallyProtocol, undefined, [me], tallyCodec.encode);
    this.#state = tallyProtocol.init(undefined, me);
  }

  /** One protocol step of the host; throws where it is not enabled. `lie` changes what the judge is told. */
  step(step: TallyStep, lie: (after: Tally) => Tally = (s) => s): Check {
    const next = tallyProtocol.step(this.#state, step);
    if (O.isNone(next)) throw new Error(`${step.tag} is not enabled`);
    const before = this.#state;
    this.#state = lie(next.value.state);
    return this.judge.observe({ host: me, before, step, after: this.#state, sends: next.value.sends });
  }

  /** A client asks, and the host takes it. */
  add(amount: number): Check {
    const packet = request(amount);
    this.judge.environmentSends(packet);
    return this.step({ tag: 'take', packet });
  }
}

const request = (amount: number): Packet<TallyMessage> => ({ source: client, target: me, message: add(amount) });

const withInvariant = (invariant: Invariant): Judged => new Judged({ invariants: [invariant] });

describe('the judge of a cluster', () => {
  it('passes a host that keeps its protocol, and follows with the service', () => {
    const run = new Judged();
    for (const amount of [1, 2, 3]) expect(run.add(amount)).toEqual(holds);
    expect(run.step({ tag: 'announce' })).toEqual(holds);
    expect(run.judge.spec).toEqual({ total: 6 });
    expect(run.judge.specSteps).toBe(3);
    expect(run.judge.full()).toEqual(holds);
  });

  it('reports a packet that is received and was never sent', () => {
    expect(codeOf(new Judged().step({ tag: 'take', packet: request(1) }))).toBe('RECEIVED_UNSENT');
    const run = new Judged();
    run.judge.environmentSends(request(1));
    expect(codeOf(run.step({ tag: 'take', packet: request(2) }))).toBe('RECEIVED_UNSENT');
  });

  it('lets a packet be received again', () => {
    const run = new Judged();
    expect(codeOf(run.add(1))).toBeUndefined();
    expect(codeOf(run.step({ tag: 'take', packet: request(1) }))).toBeUndefined();
  });

  it('reports a step that the service may not take', () => {
    expect(codeOf(new Judged().add(101))).toBe('SPEC_STEP_REFUSED');
  });

  it('reports a step of the service that nobody asked for', () => {
    const run = new Judged();
    run.judge.environmentSends(request(1));
    const check = run.step({ tag: 'take', packet: request(1) }, (s) => ({ ...s, total: s.total + 1 }));
    expect(codeOf(check)).toBe('EXECUTED_UNASKED');
  });

  it('reports a reply that the service does not justify, when it is sent and from scratch', () => {
    const stutters: Model['refinement'] = { ...model.refinement, steps: () => [], abstract: () => ({ total: 0 }) };
    const run = new Judged({ refinement: stutters });
    expect(codeOf(run.add(1))).toBe('REPLY_UNJUSTIFIED');
    expect(codeOf(run.judge.full())).toBe('REPLY_UNJUSTIFIED');
  });

  it('reports from scratch a cluster that abstracts to another state than the service reached', () => {
    const forgets: Model['refinement'] = { ...model.refinement, steps: () => [] };
    const run = new Judged({ refinement: forgets });
    run.judge.environmentSends(request(1));
    run.step({ tag: 'take', packet: request(1) });
    expect(codeOf(run.judge.full())).toBe('SPEC_MISMATCH');
  });
});

/** Invariants that turn false with the third addition of 1 (and its announcement), one by each way of stating one. */
const untilThree: readonly (readonly [string, Invariant])[] = [
  [
    'every packet of a kind',
    everyPacket('sums stay low', source, 'sum', ({ message }) =>
      message.total < 3 ? undefined : { sum: message.total },
    ),
  ],
  ['every host', everyHost('totals stay low', source, ({ total }) => (total < 3 ? undefined : { total }))],
  [
    'every entry of a table',
    everyEntry(
      'the sums of clients stay low',
      source,
      (s) => s.byClient as PersistentMap<EndPoint, number>,
      (sum, key) => (sum < 3 ? undefined : { key, sum }),
    ),
  ],
  [
    'the history',
    ofHistory('few totals are announced', source, ({ history }) =>
      history.totals.length < 3 ? undefined : { ...history },
    ),
  ],
];

describe('an invariant', () => {
  it.each(untilThree)(
    'of %s is judged by the change and from scratch with one verdict, and names itself',
    (_, invariant) => {
      const run = withInvariant(invariant);
      const verdicts: (string | undefined)[] = [];
      for (let i = 0; i < 3; i++) {
        for (const check of [run.add(1), run.step({ tag: 'announce' })]) verdicts.push(codeOf(check));
        const scratch = run.judge.full();
        expect(codeOf(scratch) === undefined).toBe(!verdicts.includes('INVARIANT'));
        if ('left' in scratch) expect(scratch.left.rule).toBe(invariant.name);
      }
      expect(verdicts.slice(0, 4)).toEqual([undefined, undefined, undefined, undefined]);
      expect(verdicts.slice(4)).toContain('INVARIANT');
    },
  );

  it('of every step is judged on the step', () => {
    const run = withInvariant(
      everyStep('totals grow slowly', source, (before, after) =>
        after.total - before.total < 3 ? undefined : { before: before.total, after: after.total },
      ),
    );
    expect(codeOf(run.add(2))).toBeUndefined();
    expect(codeOf(run.add(3))).toBe('INVARIANT');
  });

  it('of packets is judged on those of clients and strangers too', () => {
    const run = withInvariant(
      everyPacket('small requests', source, 'add', ({ message }) => (message.amount < 3 ? undefined : {})),
    );
    expect(codeOf(run.judge.environmentSends(request(2)))).toBeUndefined();
    expect(codeOf(run.judge.environmentSends(request(3)))).toBe('INVARIANT');
  });

  it('of packets of one kind is not asked about others', () => {
    const kinds: string[] = [];
    const run = withInvariant(
      everyPacket('sums', source, 'sum', ({ message }) => {
        kinds.push(message.tag);
        return undefined;
      }),
    );
    run.add(1);
    run.step({ tag: 'announce' });
    run.judge.full();
    expect(kinds).toEqual(['sum', 'sum']);
  });

  it('judged by the change agrees with itself from scratch on random behaviors', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 2 }), { maxLength: 12 }), (amounts) => {
        for (const [, invariant] of untilThree) {
          const run = withInvariant(invariant);
          let broken = false;
          for (const amount of amounts) {
            const checks = [run.add(amount)];
            if (amount > 0) checks.push(run.step({ tag: 'announce' }));
            broken ||= checks.some((check) => codeOf(check) === 'INVARIANT');
            expect(codeOf(run.judge.full()) === 'INVARIANT').toBe(broken);
          }
        }
      }),
    );
  });
});
