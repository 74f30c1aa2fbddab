import * as fc from 'fast-check';
import { Packr } from 'msgpackr';
import { describe, expect, test } from 'vitest';
import { codecOf } from '../../src/network/message-codec.js';
import { guardOf, schema } from '../../src/network/schema.js';
import { arbitraryOf } from '../../src/refinement/arbitrary.js';
import { E } from '../../src/spec/prelude.js';
import { type SampleMessage, sampleSchema } from './sample-messages.js';

const codec = codecOf(sampleSchema);
const guard = guardOf(sampleSchema);
const largeCodec = codecOf(schema((S) => S.bytes(3_000_000)));
const messages = arbitraryOf(sampleSchema);

const decoded = (bytes: Uint8Array): SampleMessage => {
  const result = codec.decode(bytes);
  if (E.isLeft(result)) throw new Error(result.left);
  return result.right;
};

const refused = (bytes: readonly number[]): boolean => E.isLeft(codec.decode(Uint8Array.from(bytes)));

/** Bytes near a message's: flipped, cut, spliced, or doubled. */
const mutated = fc
  .tuple(messages, messages, fc.nat(), fc.nat(), fc.constantFrom('flip', 'cut', 'splice', 'append'))
  .map(([a, b, where, what, how]) => {
    const bytes = codec.encode(a);
    const at = where % bytes.length;
    if (how === 'flip') bytes[at] = what;
    if (how === 'cut') return bytes.subarray(0, at);
    if (how === 'splice') return Buffer.concat([bytes.subarray(0, at), codec.encode(b).subarray(at)]);
    if (how === 'append') return Buffer.concat([bytes, Uint8Array.of(what)]);
    return bytes;
  });

describe('the codec', () => {
  test('gives back the message that it encoded', () => {
    fc.assert(
      fc.property(messages, (message) => {
        expect(decoded(codec.encode(message))).toEqual(message);
      }),
      { numRuns: 1_000 },
    );
  });

  test('gives back messages that outgrow its buffer, and small ones after them', () => {
    const big: SampleMessage = {
      tag: 'request',
      request: { client: '10.0.0.1:1' as never, seqno: 2 ** 40, operation: new Uint8Array(150_000).map((_, i) => i) },
    };
    const small: SampleMessage = { tag: 'ping', epoch: 1 };
    const bytes = [big, small, big, small].map(codec.encode);
    expect(bytes.map(decoded)).toEqual([big, small, big, small]);
  });

  test('gives back messages of megabytes', () => {
    for (const length of [2_000_000, 10, 3_000_000, 70_000]) {
      const bytes = Buffer.alloc(length, `${length}`);
      const back = largeCodec.decode(largeCodec.encode(bytes));
      expect(E.isRight(back) && bytes.equals(back.right)).toBe(true);
      expect(codec.decode(codec.encode({ tag: 'ping', epoch: length }))).toEqual(
        E.right({ tag: 'ping', epoch: length }),
      );
    }
  });

  test('accepts one encoding of a message only: what decodes is what encode writes', () => {
    let accepted = 0;
    fc.assert(
      fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 40 })), (bytes) => {
        const result = codec.decode(bytes);
        if (E.isLeft(result)) return;
        accepted++;
        expect(guard.is(result.right)).toBe(true);
        expect(Buffer.compare(codec.encode(result.right), bytes)).toBe(0);
      }),
      { numRuns: 10_000 },
    );
    expect(accepted).toBeGreaterThan(100);
  });

  test('refuses every encoding of a value but the one that msgpackr writes', () => {
    const numbers = codecOf(schema((S) => S.int(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)));
    const ints = arbitraryOf(schema((S) => S.int(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)));
    const forms = (n: number): Buffer[] => {
      const form = (token: number, size: number, write: (b: Buffer) => void): Buffer => {
        const b = Buffer.alloc(size + 1, token);
        write(b);
        return b;
      };
      const all = [form(0xcb, 8, (b) => b.writeDoubleBE(n, 1))];
      if (Math.fround(n) === n) all.push(form(0xca, 4, (b) => b.writeFloatBE(n, 1)));
      if (n >= 0) all.push(form(0xcf, 8, (b) => b.writeBigUInt64BE(BigInt(n), 1)));
      all.push(form(0xd3, 8, (b) => b.writeBigInt64BE(BigInt(n), 1)));
      if (n >= 0 && n < 2 ** 32) all.push(form(0xce, 4, (b) => b.writeUInt32BE(n, 1)));
      if (n >= 0 && n < 2 ** 16) all.push(form(0xcd, 2, (b) => b.writeUInt16BE(n, 1)));
      if (n >= 0 && n < 2 ** 8) all.push(form(0xcc, 1, (b) => b.writeUInt8(n, 1)));
      if (n >= -(2 ** 31) && n < 2 ** 31) all.push(form(0xd2, 4, (b) => b.writeInt32BE(n, 1)));
      if (n >= -(2 ** 15) && n < 2 ** 15) all.push(form(0xd1, 2, (b) => b.writeInt16BE(n, 1)));
      if (n >= -(2 ** 7) && n < 2 ** 7) all.push(form(0xd0, 1, (b) => b.writeInt8(n, 1)));
      if (n >= 0 && n < 128) all.push(Buffer.of(n));
      if (n < 0 && n >= -32) all.push(Buffer.of(256 + n));
      return all;
    };
    fc.assert(
      fc.property(ints, (n) => {
        const accepted = forms(n).filter((form) => E.isRight(numbers.decode(form)));
        expect(accepted.map((form) => form.toString('hex'))).toEqual([Buffer.from(numbers.encode(n)).toString('hex')]);
      }),
      { numRuns: 1_000 },
    );
    const fractions = [0.5, -0, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53].map((n) => {
      const b = Buffer.alloc(9, 0xcb);
      b.writeDoubleBE(n, 1);
      return b;
    });
    expect(fractions.filter((b) => E.isRight(numbers.decode(b)))).toEqual([]);
  });

  test('gives views of the bytes that it decodes, and shares no memory with the message that it encodes', () => {
    fc.assert(
      fc.property(messages, fc.nat(255), (message, filler) => {
        const bytes = codec.encode(message);
        const first = decoded(bytes);
        if (first.tag === 'request') expect(first.request.operation.buffer).toBe(bytes.buffer);
        const source: SampleMessage = structuredClone(message);
        const encoded = codec.encode(source);
        const before = Buffer.from(encoded);
        if (source.tag === 'request') source.request.operation.fill(filler);
        expect(Buffer.compare(encoded, before)).toBe(0);
      }),
    );
  });

  test('never writes again to bytes that it returned, and returns them exactly sized', () => {
    const made = fc
      .sample(messages, { numRuns: 3_000, seed: 7 })
      .map((message) => ({ message, bytes: codec.encode(message) }));
    for (const { message, bytes } of made) {
      expect(Object.keys(bytes).length).toBe(bytes.length);
      expect(Buffer.compare(codec.encode(message), bytes)).toBe(0);
    }
  });

  test('does not write to what others in the process get from msgpackr, whatever it encodes in between', () => {
    const others = new Packr({ useRecords: false });
    const request = { client: '10.0.0.1:1' as never, seqno: 1 };
    const made = Array.from({ length: 300 }, (_, i) => {
      const bytes = others.pack(['theirs', i, 'x'.repeat(i)]);
      const operation = new Uint8Array(i % 50 === 7 ? 190_000 : i).fill(0xaa);
      codec.encode({ tag: 'request', request: { ...request, operation } });
      return bytes;
    });
    for (const [i, bytes] of made.entries()) expect(others.unpack(bytes)).toEqual(['theirs', i, 'x'.repeat(i)]);
  });

  test('leaves the bytes that it decodes as they were, without a trace of the decoder', () => {
    for (const message of fc.sample(messages, { numRuns: 100, seed: 8 })) {
      const bytes = codec.encode(message);
      const before = Reflect.ownKeys(bytes);
      decoded(bytes);
      expect(Reflect.ownKeys(bytes)).toEqual(before);
    }
  });

  test('throws on a message that its schema does not allow', () => {
    expect(() => codec.encode({ tag: 'ping', epoch: -1 })).toThrow(/whole number/);
    expect(() => codec.encode({ tag: 'ping' } as never)).toThrow();
    expect(decoded(codec.encode({ tag: 'ping', epoch: 1 }))).toEqual({ tag: 'ping', epoch: 1 });
  });

  test('refuses what MessagePack can say beyond the wire form, without throwing', () => {
    const ping = [...codec.encode({ tag: 'ping', epoch: 1 })];
    expect(refused(ping)).toBe(false);
    expect(refused([])).toBe(true);
    expect(refused([...ping, 0])).toBe(true);
    expect(refused(Array.from({ length: 60_000 }, () => 0x91))).toBe(true);
    expect(refused([0xdd, 0xff, 0xff, 0xff, 0xff])).toBe(true);
    expect(refused([0xc6, 0xff, 0xff, 0xff, 0xff])).toBe(true);
    expect(refused([0x81, 0x00, 0x01])).toBe(true);
    expect(refused([0xd4, 0x72, 0x40, 0x91, 0xa1, 0x61, 0x01])).toBe(true);
    const everything = new Packr({ useRecords: false, moreTypes: true });
    for (const odd of [new Date(0), new Set([1]), /x/, new Error('x'), new Map([[1, 2]]), { a: 1 }, 'text', 1n, 0.5]) {
      expect(refused([...everything.pack(odd)])).toBe(true);
      expect(refused([0x92, 0x00, ...everything.pack(odd)])).toBe(true);
    }
  });

  test('refuses text that is not valid UTF-8, and keeps text with a byte order mark', () => {
    const texts = codecOf(schema((S) => S.text(300)));
    const text = `\ufeff${'é'.repeat(200)}\u0000\ufffd`;
    expect(texts.decode(texts.encode(text))).toEqual(E.right(text));
    for (const bad of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xe2, 0x82]]) {
      expect(E.isLeft(texts.decode(Uint8Array.of(0xc4, bad.length, ...bad)))).toBe(true);
    }
  });
});
