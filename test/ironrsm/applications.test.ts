import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { arbitraryOf } from '../../src/refinement/arbitrary.js';
import { natMax } from '../../src/spec/nat.js';
import { E } from '../../src/spec/prelude.js';
import { counter, decodeCount } from '../../systems/ironrsm/applications/counter.js';
import {
  decodeReply,
  encodeCommand,
  type KvCommand,
  type KvReply,
  type KvState,
  keyBytesMax,
  kv,
  kvCommand,
  stateKey,
} from '../../systems/ironrsm/applications/kv.js';

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');

const right = <A>(result: E.Either<unknown, A>): A => {
  if (E.isLeft(result)) throw new Error(String(result.left));
  return result.right;
};

describe('the counter', () => {
  test('adds one for each request, whatever its bytes, and answers with the count', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array()), (requests) => {
        let state = counter.initial;
        requests.forEach((request, i) => {
          const applied = counter.apply(state, request);
          state = applied.state;
          expect(decodeCount(applied.reply)).toEqual(E.right(i + 1));
        });
        expect(state).toBe(requests.length);
      }),
    );
  });

  test('comes back from its snapshot', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: natMax }), (count) => {
        expect(counter.restore(counter.snapshot(count))).toEqual(E.right(count));
      }),
    );
  });

  test('takes nothing else for a snapshot', () => {
    expect(E.isLeft(counter.restore(new Uint8Array(7)))).toBe(true);
    expect(E.isLeft(counter.restore(new Uint8Array(8).fill(255)))).toBe(true);
  });

  test('does not count beyond the safe integers', () => {
    expect(() => counter.apply(natMax, new Uint8Array())).toThrow('safe integers');
  });
});

/** A few keys and values, so that commands meet; some of the values are integers or nearly so. */
const keys = fc.constantFrom('', 'a', 'b', '\u00ff', '\u0000').map(bytes);
const values = fc
  .oneof(
    fc.constantFrom(
      '0',
      '-1',
      '41',
      '-0',
      '007',
      '1.5',
      ' 1',
      '',
      `${natMax}`,
      `${natMax}0`,
      `-${natMax}`,
      `${natMax - 1}`,
    ),
    fc.string({ unit: 'binary-ascii', maxLength: 3 }),
  )
  .map(bytes);
const commands: fc.Arbitrary<KvCommand> = fc.oneof(
  fc.record({ tag: fc.constant('get' as const), key: keys }),
  fc.record({ tag: fc.constant('set' as const), key: keys, value: values }),
  fc.record({ tag: fc.constant('del' as const), key: keys }),
  fc.record({ tag: fc.constant('cas' as const), key: keys, old: fc.option(values), new: values }),
  fc.record({ tag: fc.constant('incr' as const), key: keys }),
);

/** What a command does to a plain map of texts, the obvious way. */
const naive = (model: Map<string, string>, command: KvCommand): KvReply => {
  const key = Buffer.from(command.key).toString('latin1');
  const text = (value: Uint8Array): string => Buffer.from(value).toString('latin1');
  const current = model.get(key);
  switch (command.tag) {
    case 'get':
      return { tag: 'value', value: current === undefined ? null : bytes(current) };
    case 'set':
      model.set(key, text(command.value));
      return { tag: 'ok' };
    case 'del':
      return { tag: 'done', done: model.delete(key) };
    case 'cas': {
      const expected = command.old === null ? undefined : text(command.old);
      if (expected === current) model.set(key, text(command.new));
      return { tag: 'done', done: expected === current };
    }
    case 'incr': {
      let next: bigint;
      try {
        next = BigInt(current ?? '0') + 1n;
      } catch {
        return { tag: 'error', error: 'NOT_AN_INTEGER' };
      }
      if (String(next - 1n) !== (current ?? '0')) return { tag: 'error', error: 'NOT_AN_INTEGER' };
      const fits = (n: bigint): boolean => n <= BigInt(natMax) && n >= BigInt(-natMax);
      if (!fits(next) || !fits(next - 1n)) return { tag: 'error', error: 'OUT_OF_RANGE' };
      model.set(key, String(next));
      return { tag: 'number', number: Number(next) };
    }
  }
};

/** The state after commands, and the replies. */
const run = (list: readonly KvCommand[]): { readonly state: KvState; readonly replies: readonly KvReply[] } => {
  let state = kv.initial;
  const replies = list.map((command) => {
    const applied = kv.apply(state, encodeCommand(command));
    state = applied.state;
    return right(decodeReply(applied.reply));
  });
  return { state, replies };
};

const contents = (state: KvState): Map<string, string> =>
  new Map([...state].map(([key, value]) => [key, Buffer.from(value).toString('latin1')]));

/** Replies with their bytes as text, so that a Buffer equals a Uint8Array. */
const plain = (reply: KvReply): unknown =>
  reply.tag === 'value' && reply.value !== null
    ? { tag: 'value', value: Buffer.from(reply.value).toString('latin1') }
    : reply;

describe('the key-value application', () => {
  test('does what a plain map would do', () => {
    const reached = new Set<string>();
    fc.assert(
      fc.property(fc.array(commands, { maxLength: 40 }), (list) => {
        const model = new Map<string, string>();
        const expected = list.map((command) => naive(model, command));
        const { state, replies } = run(list);
        expect(replies.map(plain)).toEqual(expected.map(plain));
        expect(contents(state)).toEqual(model);
        for (const reply of replies) {
          reached.add(reply.tag === 'error' ? reply.error : reply.tag === 'done' ? `done ${reply.done}` : reply.tag);
        }
      }),
      { numRuns: 500 },
    );
    for (const goal of ['NOT_AN_INTEGER', 'OUT_OF_RANGE', 'done true', 'done false', 'value', 'number', 'ok']) {
      expect(reached).toContain(goal);
    }
  });

  test('leaves the state before a command as it was, and the command too', () => {
    fc.assert(
      fc.property(fc.array(commands, { maxLength: 20 }), commands, (list, last) => {
        const { state } = run(list);
        const before = contents(state);
        const request = encodeCommand(last);
        const copy = new Uint8Array(request);
        const applied = kv.apply(state, request);
        expect(contents(state)).toEqual(before);
        expect(request).toEqual(copy);
        const after = contents(applied.state);
        request.fill(0);
        expect(contents(applied.state)).toEqual(after);
      }),
    );
  });

  test('gives equal bytes for equal states, however they came about', () => {
    fc.assert(
      fc.property(fc.array(commands, { maxLength: 30 }), fc.nat(), (list, seed) => {
        const { state } = run(list);
        const entries = [...state].sort(() => (seed % 2 === 0 ? 1 : -1));
        const again = run([
          { tag: 'set', key: bytes('gone'), value: bytes('x') },
          ...entries.map(([key, value]) => ({ tag: 'set', key: bytes(key), value }) as const),
          { tag: 'del', key: bytes('gone') },
        ]).state;
        expect(Buffer.from(kv.snapshot(again))).toEqual(Buffer.from(kv.snapshot(state)));
      }),
    );
  });

  test('comes back from its snapshot, and shares no memory with it', () => {
    fc.assert(
      fc.property(fc.array(commands, { maxLength: 30 }), (list) => {
        const { state } = run(list);
        const snapshot = kv.snapshot(state);
        const restored = right(kv.restore(snapshot));
        snapshot.fill(0);
        expect(contents(restored)).toEqual(contents(state));
      }),
    );
  });

  test('comes back from a snapshot of many keys', () => {
    const list = Array.from(
      { length: 5000 },
      (_, i) => ({ tag: 'set', key: bytes(`k${i}`), value: bytes(`${i}`) }) as const,
    );
    const { state } = run(list);
    expect(contents(right(kv.restore(kv.snapshot(state)))).size).toBe(5000);
  });

  test('takes no bytes for a snapshot that it would not have written', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (garbage) => {
        const restored = kv.restore(garbage);
        if (E.isRight(restored)) expect(Buffer.from(kv.snapshot(restored.right))).toEqual(Buffer.from(garbage));
      }),
    );
    // Entries [b, x], [a, y]: the keys must ascend. The same with the keys exchanged is a snapshot.
    const entries = (first: string, second: string): Uint8Array =>
      Uint8Array.from([0x92, ...[first, second].flatMap((key) => [0x92, 0xc4, 1, key.charCodeAt(0), 0xc4, 1, 120])]);
    expect(E.isLeft(kv.restore(entries('b', 'a')))).toBe(true);
    expect(E.isLeft(kv.restore(entries('a', 'a')))).toBe(true);
    expect(contents(right(kv.restore(entries('a', 'b')))).size).toBe(2);
  });

  test('answers whatever is no command with an error, and changes nothing', () => {
    const { state } = run([{ tag: 'set', key: bytes('a'), value: bytes('1') }]);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (garbage) => {
        const applied = kv.apply(state, Uint8Array.from([0xc1, ...garbage]));
        expect(right(decodeReply(applied.reply))).toEqual({ tag: 'error', error: 'MALFORMED' });
        expect(applied.state).toBe(state);
      }),
    );
  });

  test('never throws, on commands cut or changed anywhere', () => {
    fc.assert(
      fc.property(arbitraryOf(kvCommand), fc.nat(), fc.nat(255), (command, where, by) => {
        const request = encodeCommand(command);
        kv.apply(kv.initial, request.subarray(0, where % (request.length + 1)));
        const index = where % request.length;
        request[index] = (request[index] as number) ^ by;
        expect(E.isRight(decodeReply(kv.apply(kv.initial, request).reply))).toBe(true);
      }),
    );
  });

  test('takes keys up to their bound, and no longer ones', () => {
    const key = new Uint8Array(keyBytesMax).fill(200);
    expect(run([{ tag: 'set', key, value: key }]).state.get(stateKey(key))).toEqual(key);
    expect(() => encodeCommand({ tag: 'get', key: new Uint8Array(keyBytesMax + 1) })).toThrow();
  });
});
