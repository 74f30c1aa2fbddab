/** The messages of IronKV on the wire: what is sent is what is received, and bytes of strangers are messages or nothing. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eqOf } from '../../src/network/schema.js';
import { arbitraryOf } from '../../src/refinement/arbitrary.js';
import { endPoint } from '../../src/spec/endpoint.js';
import { natMax } from '../../src/spec/nat.js';
import { E } from '../../src/spec/prelude.js';
import { bytesOfKey, textOfKey } from '../../systems/ironkv/commands.js';
import {
  clientKinds,
  type KvMessage,
  kvCodec,
  kvSchema,
  type Message,
  textOfSession,
  wireMax,
} from '../../systems/ironkv/messages.js';

const messages = arbitraryOf(kvSchema);
const same = eqOf(kvSchema);
const keys = fc.uint8Array({ maxLength: 6 });

const get = (changes: Partial<Message<'request'>>): KvMessage => ({
  tag: 'request',
  session: { number: 0, nonce: 0 },
  seqno: 0,
  floor: 0,
  ordered: false,
  command: { tag: 'get', key: new Uint8Array() },
  ...changes,
});

describe('the codec', () => {
  it('gives back what it wrote, and different bytes for different messages', () => {
    fc.assert(
      fc.property(messages, messages, (a, b) => {
        const bytes = kvCodec.encode(a);
        const back = kvCodec.decode(bytes);
        expect(E.isRight(back) && same.equals(back.right, a)).toBe(true);
        expect(Buffer.compare(bytes, kvCodec.encode(b)) === 0).toBe(same.equals(a, b));
      }),
      { numRuns: 300 },
    );
  });

  it('answers damaged bytes with a message that has these bytes, or with none', () => {
    const seen = { accepted: 0, refused: 0 };
    fc.assert(
      fc.property(messages, fc.nat(), fc.nat(255), (message, where, by) => {
        const bytes = kvCodec.encode(message);
        bytes[where % bytes.length] = by;
        const back = kvCodec.decode(bytes);
        seen[E.isRight(back) ? 'accepted' : 'refused']++;
        if (E.isRight(back)) expect(Buffer.compare(kvCodec.encode(back.right), bytes)).toBe(0);
      }),
      { numRuns: 300 },
    );
    expect(Math.min(seen.accepted, seen.refused)).toBeGreaterThan(0);
  });

  it('refuses a message that was cut anywhere', () => {
    fc.assert(
      fc.property(messages, fc.nat(), (message, where) => {
        const bytes = kvCodec.encode(message);
        expect(E.isLeft(kvCodec.decode(bytes.subarray(0, where % bytes.length)))).toBe(true);
      }),
    );
  });

  it('has every kind of message, client kinds among them', () => {
    const tags = new Set(fc.sample(messages, 500).map((m) => m.tag));
    expect(tags.size).toBe(12);
    expect(clientKinds.filter((kind) => !tags.has(kind))).toEqual([]);
  });

  it('carries what is a little above the limits, so that a host can name it, and nothing far above', () => {
    const ofKey = (length: number): KvMessage => get({ command: { tag: 'get', key: new Uint8Array(length) } });
    expect(E.isRight(kvCodec.decode(kvCodec.encode(ofKey(4097))))).toBe(true);
    expect(() => kvCodec.encode(ofKey(wireMax.keyBytes + 1))).toThrow();
    const value = new Uint8Array((1 << 24) + 1);
    const set = get({ command: { tag: 'set', key: new Uint8Array(), value, when: 'always' } });
    expect(E.isRight(kvCodec.decode(kvCodec.encode(set)))).toBe(true);
  });

  it('carries no seqno and no session number without a successor', () => {
    expect(E.isRight(kvCodec.decode(kvCodec.encode(get({ seqno: natMax - 1 }))))).toBe(true);
    expect(() => kvCodec.encode(get({ seqno: natMax }))).toThrow();
    expect(() => kvCodec.encode(get({ session: { number: natMax, nonce: 0 } }))).toThrow();
  });

  it('writes a get of a short key in few bytes, since that is what most packets are', () => {
    const session = { number: 4096, nonce: 0xdeadbeef };
    const message = get({
      session,
      seqno: 100_000,
      floor: 99_990,
      command: { tag: 'get', key: bytesOfKey('key:000042') },
    });
    expect(kvCodec.encode(message).length).toBeLessThanOrEqual(40);
  });

  it('carries a shard to any end point, so that an unknown host can be refused by name', () => {
    const shard: KvMessage = {
      tag: 'shard',
      seqno: 1,
      lo: new Uint8Array(),
      hi: null,
      recipient: endPoint('203.0.113.9:1'),
    };
    expect(kvCodec.decode(kvCodec.encode(shard))).toEqual(E.right(shard));
  });
});

describe('the text of a key', () => {
  it('has every byte, is equal for equal keys only, and is ordered as bytes are', () => {
    const every = Uint8Array.from({ length: 256 }, (_, i) => i);
    expect(bytesOfKey(textOfKey(every))).toEqual(Buffer.from(every));
    fc.assert(
      fc.property(keys, keys, (a, b) => {
        const [x, y] = [textOfKey(a), textOfKey(b)];
        expect(x < y ? -1 : x > y ? 1 : 0).toBe(Buffer.compare(a, b));
        expect(Buffer.compare(bytesOfKey(x), a)).toBe(0);
      }),
    );
  });

  it('reads the bytes of a view, not of what it is a view of', () => {
    expect(textOfKey(Uint8Array.of(1, 65, 66, 2).subarray(1, 3))).toBe('AB');
  });
});

describe('the text of a session', () => {
  it('is equal for equal sessions only', () => {
    const sessions = fc.record({ number: fc.nat(1300), nonce: fc.nat(1300) });
    fc.assert(
      fc.property(sessions, sessions, (a, b) => {
        expect(textOfSession(a) === textOfSession(b)).toBe(a.number === b.number && a.nonce === b.nonce);
      }),
    );
    expect(textOfSession({ number: 1, nonce: 12 })).not.toBe(textOfSession({ number: 11, nonce: 2 }));
  });
});
