/** The comparison of what the protocol sends with what a host released: as multisets, by value. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sendsDiffer } from '../../src/refinement/sends.js';
import { endPoint } from '../../src/spec/endpoint.js';
import type { Packet } from '../../src/spec/packet.js';

const ends = [1, 2].map((i) => endPoint(`10.0.0.${i}:7000`));

interface Word {
  readonly word: string;
  readonly bytes: Uint8Array;
}

const packet: fc.Arbitrary<Packet<Word>> = fc.record({
  source: fc.constantFrom(...ends),
  target: fc.constantFrom(...ends),
  message: fc.record({ word: fc.constantFrom('a', 'b'), bytes: fc.uint8Array({ maxLength: 1, max: 1 }) }),
});

/** A copy that shares nothing. */
const copy = ({ source, target, message }: Packet<Word>): Packet<Word> => ({
  source,
  target,
  message: { word: message.word, bytes: message.bytes.slice() },
});

const text = ({ source, target, message }: Packet<Word>): string =>
  [source, target, message.word, ...message.bytes].join(' ');

const sorted = (packets: readonly Packet<Word>[]): readonly string[] => packets.map(text).sort();

describe('two lists of packets', () => {
  it('do not differ where one is an arrangement of copies of the other', () => {
    const arranged = fc
      .array(packet)
      .chain((packets) => fc.tuple(fc.constant(packets), fc.shuffledSubarray(packets, { minLength: packets.length })));
    fc.assert(
      fc.property(arranged, ([one, other]) => {
        expect(sendsDiffer(one, other.map(copy))).toBeUndefined();
      }),
    );
  });

  it('differ exactly where their sorted texts do', () => {
    fc.assert(
      fc.property(fc.array(packet, { maxLength: 5 }), fc.array(packet, { maxLength: 5 }), (one, other) => {
        expect(sendsDiffer(one, other) === undefined).toBe(sorted(one).join() === sorted(other).join());
      }),
      { numRuns: 500 },
    );
  });

  it('differ where one packet is more often in one of them', () => {
    fc.assert(
      fc.property(fc.array(packet, { minLength: 1 }), (packets) => {
        expect(sendsDiffer(packets, packets.slice(1))).toBeDefined();
        expect(sendsDiffer(packets.slice(1), packets)).toBeDefined();
        expect(sendsDiffer(packets, [...packets, packets[0] as Packet<Word>])).toBeDefined();
      }),
    );
  });

  it('differ where one message went to another target, though the messages of a broadcast are one object', () => {
    const message = { word: 'a', bytes: Uint8Array.of(1) };
    const to = (target: (typeof ends)[number]): Packet<Word> => ({ source: ends[0] as typeof target, target, message });
    const [first, second] = ends as [(typeof ends)[number], (typeof ends)[number]];
    expect(sendsDiffer([to(first), to(second)], [to(first), to(first)])).toBeDefined();
    expect(sendsDiffer([to(first), to(second)], [to(second), to(first)])).toBeUndefined();
  });
});
