/** Generators from schemas: every message that a codec can carry, and nothing else (fast-check). */
import * as fc from 'fast-check';
import { type IronSchemable1, interpret, isText, type Schema } from '../network/schema.js';
import { type EndPoint, endPoint } from '../spec/endpoint.js';
import { natMax } from '../spec/nat.js';

declare module 'fp-ts/HKT.js' {
  interface URItoKind<A> {
    readonly IronArbitrary: fc.Arbitrary<A>;
  }
}

/** Generated lists and byte strings stay shorter than this, whatever the schema allows: their bounds need no long examples. */
const generatedMax = 64;

const int = (min: number, max: number): fc.Arbitrary<number> => {
  // Where an encoding changes its width, and next to it.
  const edges = [0, -1, -32, -33, -128, -129, -32_768, -32_769, 127, 128, 255, 256, 65_535, 65_536]
    .concat([-(2 ** 31), -(2 ** 31) - 1, 2 ** 32 - 1, 2 ** 32, min, max])
    .filter((n) => n >= min && n <= max);
  return fc.oneof(fc.integer({ min, max }), fc.constantFrom(...edges));
};

const endPoints: fc.Arbitrary<EndPoint> = fc
  .tuple(fc.ipV4(), fc.integer({ min: 1, max: 65_535 }))
  .map(([address, port]) => endPoint(`${address}:${port}`));

const arbitraryWords: IronSchemable1<'IronArbitrary'> = {
  URI: 'IronArbitrary',
  literal: (...values) => fc.constantFrom(...values),
  boolean: fc.boolean(),
  nullable: (or) => fc.option(or, { nil: null }),
  sum: () => (members) => {
    type Member = fc.Arbitrary<never>;
    return fc.oneof(...(Object.values(members) as Member[]));
  },
  struct: (fields) => fc.record(fields, { noNullPrototype: true }),
  int,
  nat: int(0, natMax),
  bytes: (lengthMax) => fc.uint8Array({ maxLength: Math.min(lengthMax, generatedMax) }),
  text: (lengthMax) =>
    fc.string({ unit: 'binary', maxLength: Math.min(lengthMax, generatedMax) }).filter((s) => isText(s, lengthMax)),
  endPoint: endPoints,
  list: (item, lengthMax) => fc.array(item, { maxLength: Math.min(lengthMax, generatedMax) }),
};

/** The generator of a schema's values. */
export const arbitraryOf: <A>(schema: Schema<A>) => fc.Arbitrary<A> = interpret(arbitraryWords);
