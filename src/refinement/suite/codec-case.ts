/** What is asked of a codec: every message of the schema makes the way there and back, and no bytes make it throw. */
import * as fc from 'fast-check';
import type { Codec } from '../../network/codec.js';
import { equalBytes } from '../../spec/bytes.js';
import { E } from '../../spec/prelude.js';
import { equalValues } from '../values.js';
import type { SuiteBudget, SuiteCase } from './suite-case.js';

/** Bytes near a message, and any others: what a network may hand to a node. */
const hostileBytes = <M>(codec: Codec<M>, messages: fc.Arbitrary<M>): fc.Arbitrary<Uint8Array> => {
  const near = fc
    .tuple(messages, fc.nat(), fc.integer({ min: 0, max: 255 }), fc.boolean())
    .map(([message, where, byte, cut]) => {
      const bytes = codec.encode(message).slice();
      const at = where % Math.max(1, bytes.length);
      if (cut) return bytes.subarray(0, at);
      bytes[at] = byte;
      return bytes;
    });
  return fc.oneof(near, fc.uint8Array({ maxLength: 256 }));
};

/** The properties of `codec`, for `messages` drawn from its schema. */
export const codecCase = <M>(
  system: string,
  codec: Codec<M>,
  messages: fc.Arbitrary<M>,
  { seed, codecRuns }: SuiteBudget,
): readonly SuiteCase[] => {
  const given = { seed, numRuns: codecRuns, includeErrorInReport: true };
  const comesBack = (message: M, bytes: Uint8Array): boolean => {
    const decoded = codec.decode(bytes);
    return E.isRight(decoded) && equalValues(decoded.right, message);
  };
  return [
    {
      name: `every message of ${system} comes back from its bytes`,
      run: () =>
        fc.assert(
          fc.property(messages, (m) => comesBack(m, codec.encode(m))),
          given,
        ),
    },
    {
      name: `two messages of ${system} have the same bytes only if they are equal`,
      run: () =>
        fc.assert(
          fc.property(messages, messages, (a, b) => equalBytes(codec.encode(a), codec.encode(b)) === equalValues(a, b)),
          given,
        ),
    },
    {
      name: `bytes that are no message of ${system} are refused without an exception, and others have one form`,
      run: () =>
        fc.assert(
          fc.property(hostileBytes(codec, messages), (bytes) => {
            const decoded = codec.decode(bytes);
            return E.isLeft(decoded) || equalBytes(codec.encode(decoded.right), bytes);
          }),
          given,
        ),
    },
  ];
};
