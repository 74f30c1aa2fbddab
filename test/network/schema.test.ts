import * as fc from 'fast-check';
import { Packr } from 'msgpackr';
import { describe, expect, test } from 'vitest';
import { codecOf } from '../../src/network/message-codec.js';
import { eqOf, guardOf, schema } from '../../src/network/schema.js';
import { WireError, wireOf } from '../../src/network/wire.js';
import { arbitraryOf } from '../../src/refinement/arbitrary.js';
import { E } from '../../src/spec/prelude.js';
import { type SampleMessage, sampleSchema } from './sample-messages.js';

const guard = guardOf(sampleSchema);
const eq = eqOf(sampleSchema);
const wire = wireOf(sampleSchema);
const codec = codecOf(sampleSchema);
const packr = new Packr({ useRecords: false, variableMapSize: true, int64AsType: 'bigint' });
const messages = arbitraryOf(sampleSchema);

/** Any value as msgpackr writes it; nothing where it cannot. */
const packed = (form: unknown): Uint8Array => {
  try {
    return packr.pack(form);
  } catch {
    return new Uint8Array();
  }
};

/** Values near a message: a message in which some values are replaced, removed or added. */
const nearly = (values: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc
    .tuple(values, fc.nat(), fc.constantFrom('replace', 'remove', 'add'), fc.anything())
    .map(([value, where, how, odd]) => {
      const copy = structuredClone(value);
      const holders: object[] = [];
      const collect = (v: unknown): void => {
        if (typeof v !== 'object' || v === null || v instanceof Uint8Array) return;
        holders.push(v);
        Object.values(v).forEach(collect);
      };
      collect(copy);
      const holder = holders[where % Math.max(1, holders.length)];
      if (holder === undefined) return odd;
      const keys = Object.keys(holder);
      const key = keys[where % Math.max(1, keys.length)] ?? '0';
      if (Array.isArray(holder)) {
        if (how === 'remove') holder.splice(Number(key), 1);
        else holder.splice(Number(key), how === 'add' ? 0 : 1, odd);
      } else if (how === 'remove') Reflect.deleteProperty(holder, key);
      else Reflect.set(holder, how === 'add' ? `${key}2` : key, odd);
      return copy;
    });

const writes = (value: unknown): boolean => {
  try {
    wire.toWire(value);
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(WireError);
    return false;
  }
};

describe('a schema', () => {
  test('generates messages that its guard accepts and that survive the wire form', () => {
    fc.assert(
      fc.property(messages, (message) => {
        expect(guard.is(message)).toBe(true);
        const back = codec.decode(codec.encode(message));
        expect(back).toEqual(E.right(message));
        expect(E.isRight(back) && eq.equals(message, back.right)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test('gives its guard and its writer one opinion on values that are nearly messages', () => {
    let accepted = 0;
    fc.assert(
      fc.property(fc.oneof(nearly(messages), fc.anything()), (value) => {
        expect(writes(value)).toBe(guard.is(value));
        if (guard.is(value)) accepted++;
      }),
      { numRuns: 5_000 },
    );
    expect(accepted).toBeGreaterThan(0);
  });

  test('gives its guard and its reader one opinion on wire forms that are nearly right', () => {
    let accepted = 0;
    fc.assert(
      fc.property(nearly(messages.map(wire.toWire)), (form) => {
        const bytes = packed(form);
        const value = codec.decode(bytes);
        if (E.isLeft(value)) return;
        accepted++;
        expect(guard.is(value.right)).toBe(true);
        expect(Buffer.compare(codec.encode(value.right), bytes)).toBe(0);
      }),
      { numRuns: 5_000 },
    );
    expect(accepted).toBeGreaterThan(0);
  });

  test('tells two messages apart exactly where their wire forms differ', () => {
    fc.assert(
      fc.property(messages, messages, (a, b) => {
        const same = JSON.stringify(wire.toWire(a)) === JSON.stringify(wire.toWire(b));
        expect(eq.equals(a, b)).toBe(same);
      }),
    );
  });
});

describe('a guard', () => {
  const ping: SampleMessage = { tag: 'ping', epoch: 3 };
  const status = { tag: 'status', text: 'x', mode: 'idle', low: 0, last: null };
  const client = '127.0.0.1:80';
  const request = (change: object): unknown => ({
    tag: 'request',
    request: { client, seqno: 1, operation: new Uint8Array(1), ...change },
  });

  test.each([
    ['a message', true, ping],
    ['a key that is not declared', false, { ...ping, extra: 1 }],
    ['a missing field', false, { tag: 'ping' }],
    ['an unknown tag', false, { tag: 'toString' }],
    ['a fraction', false, { tag: 'ping', epoch: 0.5 }],
    ['minus zero', false, { tag: 'ping', epoch: -0 }],
    ['a negative natural', false, { tag: 'ping', epoch: -1 }],
    ['a bigint', false, { tag: 'ping', epoch: 1n }],
    ['a number beyond the safe integers', false, { tag: 'ping', epoch: 2 ** 53 }],
    ['text', true, status],
    ['a lone surrogate', false, { ...status, text: '\ud800' }],
    ['text that is too long', false, { ...status, text: 'x'.repeat(41) }],
    ['a literal that is not listed', false, { ...status, mode: 4 }],
    ['a list', true, { ...status, last: [true, false, true] }],
    ['a list that is too long', false, { ...status, last: [true, false, true, true] }],
    ['a list with a hole', false, { ...status, last: new Array(1) }],
    ['a request', true, request({})],
    ['an end point that is not canonical', false, request({ client: '127.0.0.01:80' })],
    ['an end point without a port', false, request({ client: '127.0.0.1' })],
    ['too many bytes', false, request({ operation: new Uint8Array(200_001) })],
    ['bytes that are an array', false, request({ operation: [1] })],
  ])('judges %s: %s', (_, verdict, value) => {
    expect(guard.is(value)).toBe(verdict);
    expect(writes(value)).toBe(verdict);
  });
});

describe('a sum', () => {
  test('must carry its tags', () => {
    const wrong = schema((S) => S.sum('tag')({ a: S.struct({ tag: S.literal('a', 'a'), n: S.nat }) }));
    expect(() => wireOf(wrong)).toThrow(/must be a struct whose tag is the literal "a"/);
  });
});
