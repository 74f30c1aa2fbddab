import { describe, expect, it } from 'vitest';
import { underOtherClock } from '../../src/refinement/other-clock.js';
import { E } from '../../src/spec/prelude.js';
import { add, client, codeOf, me, TallyHost, TallyNode, tallyProtocol, tallyRefinement } from './tally.js';

const readings = (): readonly unknown[] => [
  Date.now(),
  new Date().toISOString(),
  Date(),
  performance.now(),
  Math.random(),
];

describe('the clock under which the judge runs the protocol', () => {
  it('is another one than the host has, for every way of reading it', () => {
    const before = readings();
    const inside = underOtherClock(readings);
    for (const [i, reading] of inside.entries()) expect(reading).not.toBe(before[i]);
    expect(inside[0]).toBeLessThan(Date.UTC(2010, 0, 1));
  });

  it('moves with each reading, so that two replicas in one process do not agree by chance', () => {
    const [a, b] = underOtherClock(() => [Date.now(), Date.now()]);
    expect(a).not.toBe(b);
    const [c, d] = underOtherClock(() => [Math.random(), Math.random()]);
    expect(c).not.toBe(d);
  });

  it('leaves dates of given times as they are', () => {
    const given = underOtherClock(() => new Date(0));
    expect(given.toISOString()).toBe('1970-01-01T00:00:00.000Z');
    expect(given).toBeInstanceOf(Date);
    expect(underOtherClock(() => new Date(2020, 1, 2).getDate())).toBe(2);
  });

  it('is put back after a result and after an exception alike', () => {
    const { Date: date } = globalThis;
    const { random } = Math;
    const { now } = performance;
    underOtherClock(() => undefined);
    expect(() =>
      underOtherClock(() => {
        throw new Error('the protocol failed');
      }),
    ).toThrow('the protocol failed');
    expect(globalThis.Date).toBe(date);
    expect(Math.random).toBe(random);
    expect(performance.now).toBe(now);
    expect(Math.abs(Date.now() - date.now())).toBeLessThan(1000);
  });
});

describe('a protocol that reads the clock', () => {
  const dated = (read: () => number): typeof tallyRefinement => ({
    ...tallyRefinement,
    protocol: {
      ...tallyProtocol,
      init: () => tallyProtocol.init(undefined, me),
      step: (state, step) => {
        const next = tallyProtocol.step(state, step);
        if (step.tag !== 'take' || next._tag === 'None') return next;
        return {
          ...next,
          value: { ...next.value, state: { ...next.value.state, total: next.value.state.total + read() } },
        };
      },
    },
  });

  class DatedHost extends TallyHost {
    readonly read: () => number;

    constructor(read: () => number) {
      super();
      this.read = read;
    }

    override take(...args: Parameters<TallyHost['take']>): void {
      super.take(...args);
      this.total += this.read();
    }

    override announce(): void {}
  }

  it.each([
    ['Date.now', () => Math.floor(Date.now() / 1e12)],
    ['Math.random', () => 1 + Math.floor(Math.random() * 1e9)],
  ])('is caught on the first step that does, although the host reads %s in the same millisecond', (_, read) => {
    const node = new TallyNode(new DatedHost(read), { refinement: dated(read) });
    const verdict = node.step([{ source: client, target: me, message: add(1) }]);
    expect(E.isLeft(verdict)).toBe(true);
    expect(codeOf(verdict)).toBe('STATE_MISMATCH');
  });

  it('would pass if it read nothing', () => {
    const node = new TallyNode(new DatedHost(() => 5), { refinement: dated(() => 5) });
    expect(codeOf(node.step([add(1)]))).not.toBe('STATE_MISMATCH');
  });
});
