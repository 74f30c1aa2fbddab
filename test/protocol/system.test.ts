import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type BehaviorParts, behavior, type Choose } from '../../src/protocol/behavior.js';
import {
  async,
  busy,
  deliverable,
  flaky,
  type NetworkSemantics,
  networks,
  ordered,
} from '../../src/protocol/network.js';
import type { ProtocolHost } from '../../src/protocol/protocol.js';
import { packetKeyBy, systemInit, systemStep, withSent } from '../../src/protocol/system.js';
import { Random } from '../../src/refinement/random.js';
import { equalValues } from '../../src/refinement/values.js';
import { type EndPoint, endPoint } from '../../src/spec/endpoint.js';
import type { Packet } from '../../src/spec/packet.js';
import { O } from '../../src/spec/prelude.js';

const [left, right] = [endPoint('10.0.0.1:1'), endPoint('10.0.0.2:1')];
const hosts = [left, right];

/** Counts to the other side, who remembers what it heard, in order. */
interface Counter {
  readonly me: EndPoint;
  readonly said: number;
  readonly heard: readonly number[];
}
type CounterStep = { readonly tag: 'say' } | { readonly tag: 'hear'; readonly packet: Packet<number> };

const counter: ProtocolHost<null, Counter, number, CounterStep> = {
  name: 'counter',
  init: (_, me) => ({ me, said: 0, heard: [] }),
  step: (s, step) => {
    if (step.tag === 'hear') return O.some({ state: { ...s, heard: [...s.heard, step.packet.message] }, sends: [] });
    const target = s.me === left ? right : left;
    if (s.said === 20) return O.none;
    return O.some({ state: { ...s, said: s.said + 1 }, sends: [{ source: s.me, target, message: s.said }] });
  },
  consumes: (step) => (step.tag === 'hear' ? step.packet : undefined),
  reads: () => undefined,
};
const keyOf = packetKeyBy((n: number) => Uint8Array.of(n));

const parts = (network: NetworkSemantics): BehaviorParts<null, Counter, number, CounterStep> => ({
  protocol: counter,
  enabledSteps: (_, { inbox }) => [{ tag: 'say' }, ...inbox.map((packet) => ({ tag: 'hear', packet }) as const)],
  keyOf,
  constants: null,
  hosts,
  network,
  clientPackets: [],
  tickMsMax: 5,
});

const choices: fc.Arbitrary<Choose> = fc.gen().map((generate) => (count) => generate(fc.nat, { max: count - 1 }));

/** What each side heard from the other in a behavior. */
const heard = (network: NetworkSemantics, choose: Choose, moves = 150): readonly (readonly number[])[] => {
  const run = behavior(parts(network), choose, moves);
  let next = run.next();
  while (!next.done) next = run.next();
  const { hosts: states } = next.value;
  return hosts.map((host) => states.get(host)?.heard ?? []);
};

const seeds = [1, 2, 3, 4, 5];
const seeded = (seed: number): Choose => {
  const random = new Random(seed);
  return (count) => random.int(0, count - 1);
};

const isAscending = (numbers: readonly number[]): boolean =>
  numbers.every((n, i) => i === 0 || n > (numbers[i - 1] as number));
const isDistinct = (numbers: readonly number[]): boolean => new Set(numbers).size === numbers.length;

describe('a network', () => {
  const sent = [0, 1, 2].flatMap((message) => [
    { source: left, target: right, message },
    { source: right, target: left, message },
  ]);

  test('that is ordered delivers the oldest packet of each pair of hosts; the others deliver any', () => {
    expect(deliverable(ordered, sent)).toEqual([0, 1]);
    for (const network of [async, flaky, busy]) expect(deliverable(network, sent)).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test('keeps its promises in every behavior', () => {
    fc.assert(
      fc.property(choices, (choose) => {
        for (const numbers of heard(ordered, choose)) expect(numbers).toEqual([...numbers.keys()]);
        for (const network of [async, flaky])
          for (const numbers of heard(network, choose)) expect(numbers).toSatisfy(isDistinct);
      }),
      { numRuns: 30 },
    );
  });

  test('sometimes does each of the things that it may do', () => {
    const overtakes = (numbers: readonly number[]): boolean => !isAscending([...new Set(numbers)]);
    const repeats = (numbers: readonly number[]): boolean => !isDistinct(numbers);
    for (const network of networks) {
      const runs = seeds.flatMap((seed) => heard(network, seeded(seed)));
      expect(runs.some(overtakes), network.name).toBe(network.reorders);
      expect(runs.some(repeats), network.name).toBe(network.duplicates);
    }
  });

  test('loses packets only if it drops', () => {
    for (const network of networks) {
      // So long that everything is said, and heard if it is not lost.
      const runs = seeds.flatMap((seed) => heard(network, seeded(seed), 1_500));
      const complete = runs.every((numbers) => new Set(numbers).size === 20);
      expect(complete, network.name).toBe(!network.drops);
    }
  });
});

describe('a system', () => {
  const init = systemInit(counter, null, hosts);
  const hello: Packet<number> = { source: left, target: right, message: 7 };

  test('steps a host only on packets that were sent, and to it', () => {
    const hear = { tag: 'hear', packet: hello } as const;
    expect(systemStep(counter, keyOf, init, right, hear)).toEqual(O.none);
    const sent = withSent(init, [hello], keyOf);
    expect(O.isSome(systemStep(counter, keyOf, sent, right, hear))).toBe(true);
    expect(systemStep(counter, keyOf, sent, left, hear)).toEqual(O.none);
    expect(systemStep(counter, keyOf, sent, endPoint('10.0.0.3:1'), hear)).toEqual(O.none);
    expect(O.isSome(systemStep(counter, keyOf, sent, right, { tag: 'hear', packet: { ...hello } }))).toBe(true);
  });

  test('only adds to what was sent, and adds nothing twice', () => {
    const step = systemStep(counter, keyOf, init, left, { tag: 'say' });
    if (O.isNone(step)) throw new Error('a counter may speak');
    const { state, sends } = step.value;
    expect([...state.sent.values()]).toEqual(sends);
    expect(init.sent.size).toBe(0);
    expect(
      withSent(
        state,
        sends.map((p) => ({ ...p })),
        keyOf,
      ),
    ).toBe(state);
    const [one, other] = [
      [sends[0] as typeof hello, hello],
      [hello, sends[0] as typeof hello],
    ];
    expect(equalValues(withSent(init, one, keyOf), withSent(init, other, keyOf))).toBe(true);
  });
});
