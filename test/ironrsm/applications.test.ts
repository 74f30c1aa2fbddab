import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PersistentMap } from '../../src/protocol/persistent-map.js';
import { arbitraryOf } from '../../src/refinement/arbitrary.js';
import { natMax } from '../../src/spec/nat.js';
import { E } from '../../src/spec/prelude.js';
import { counter, decodeCount } from '../../systems/ironrsm/applications/counter.js';
import {
  allValuesBytesMax,
  decodeReply,
  encodeCommand,
  type KvCommand,
  type KvKeyCommand,
  type KvKeyReply,
  type KvReply,
  type KvState,
  keyBytesMax,
  kv,
  kvCommand,
  stateKey,
  valueBytesMax,
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

  test('goes in one piece, and comes back from it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: natMax }), fc.uint8Array(), (count, cursor) => {
        const piece = counter.piece(count, null, 1);
        expect(piece?.next).toBeNull();
        expect(counter.join(counter.initial, piece?.bytes ?? new Uint8Array())).toEqual(E.right(count));
        expect(counter.piece(count, cursor, 1)).toBeUndefined();
      }),
    );
  });

  test('takes nothing else for a piece', () => {
    expect(E.isLeft(counter.join(0, new Uint8Array(7)))).toBe(true);
    expect(E.isLeft(counter.join(0, new Uint8Array(8).fill(255)))).toBe(true);
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
const keyCommands: fc.Arbitrary<KvKeyCommand> = fc.oneof(
  fc.record({ tag: fc.constant('get' as const), key: keys }),
  fc.record({ tag: fc.constant('set' as const), key: keys, value: values }),
  fc.record({ tag: fc.constant('del' as const), key: keys }),
  fc.record({ tag: fc.constant('cas' as const), key: keys, old: fc.option(values), new: values }),
  fc.record({ tag: fc.constant('incr' as const), key: keys }),
  fc.record({ tag: fc.constant('length' as const), key: keys }),
  fc.record({
    tag: fc.constant('setIf' as const),
    key: keys,
    value: values,
    when: fc.constantFrom('absent' as const, 'present' as const),
  }),
  fc.record({ tag: fc.constant('swap' as const), key: keys, value: values }),
  fc.record({
    tag: fc.constant('add' as const),
    key: keys,
    by: fc.constantFrom(0, 1, -1, 41, natMax, -natMax, natMax - 1),
  }),
  fc.record({ tag: fc.constant('append' as const), key: keys, value: values }),
);
const commands: fc.Arbitrary<KvCommand> = fc.oneof(
  { weight: 8, arbitrary: keyCommands },
  { weight: 2, arbitrary: fc.record({ tag: fc.constant('all' as const), commands: fc.array(keyCommands) }) },
  { weight: 1, arbitrary: fc.record({ tag: fc.constant('size' as const) }) },
);

const fitsNumber = (n: bigint): boolean => n <= BigInt(natMax) && n >= BigInt(-natMax);

/** What adding `by` does to a plain map, with large integers. */
const naiveAdd = (model: Map<string, string>, key: string, by: bigint): KvKeyReply => {
  const current = model.get(key) ?? '0';
  let before: bigint;
  try {
    before = BigInt(current);
  } catch {
    return { tag: 'error', error: 'NOT_AN_INTEGER' };
  }
  if (String(before) !== current) return { tag: 'error', error: 'NOT_AN_INTEGER' };
  if (!fitsNumber(before) || !fitsNumber(before + by)) return { tag: 'error', error: 'OUT_OF_RANGE' };
  model.set(key, String(before + by));
  return { tag: 'number', number: Number(before + by) };
};

/** What a command on one key does to a plain map of texts, the obvious way. */
const naiveAtKey = (model: Map<string, string>, command: KvKeyCommand): KvKeyReply => {
  const key = Buffer.from(command.key).toString('latin1');
  const text = (value: Uint8Array): string => Buffer.from(value).toString('latin1');
  const current = model.get(key);
  const value = current === undefined ? null : bytes(current);
  switch (command.tag) {
    case 'get':
      return { tag: 'value', value };
    case 'length':
      return { tag: 'length', length: current?.length ?? null };
    case 'set':
      model.set(key, text(command.value));
      return { tag: 'ok' };
    case 'swap':
      model.set(key, text(command.value));
      return { tag: 'value', value };
    case 'append':
      model.set(key, `${current ?? ''}${text(command.value)}`);
      return { tag: 'number', number: model.get(key)?.length ?? 0 };
    case 'del':
      return { tag: 'done', done: model.delete(key) };
    case 'setIf': {
      const done = command.when === 'absent' ? !model.has(key) : model.has(key);
      if (done) model.set(key, text(command.value));
      return { tag: 'done', done };
    }
    case 'cas': {
      const expected = command.old === null ? undefined : text(command.old);
      if (expected === current) model.set(key, text(command.new));
      return { tag: 'done', done: expected === current };
    }
    case 'incr':
      return naiveAdd(model, key, 1n);
    case 'add':
      return naiveAdd(model, key, BigInt(command.by));
  }
};

const naive = (model: Map<string, string>, command: KvCommand): KvReply => {
  if (command.tag === 'size') return { tag: 'number', number: model.size };
  if (command.tag !== 'all') return naiveAtKey(model, command);
  return { tag: 'all', replies: command.commands.map((one) => naiveAtKey(model, one)) };
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

/** The state's pieces of about `bytesMax` bytes, in order. */
const piecesOf = (state: KvState, bytesMax: number): Uint8Array[] => {
  const pieces: Uint8Array[] = [];
  for (let after: Uint8Array | null = null; ; ) {
    const piece = kv.piece(state, after, bytesMax);
    if (piece === undefined) throw new Error('no such piece');
    pieces.push(piece.bytes);
    if (piece.next === null) return pieces;
    after = piece.next;
  }
};

const hex = (piece: Uint8Array): string => Buffer.from(piece).toString('hex');

/** Replies with their bytes as text, so that a Buffer equals a Uint8Array. */
const plain = (reply: KvReply): unknown => {
  if (reply.tag === 'all') return { tag: 'all', replies: reply.replies.map(plain) };
  return reply.tag === 'value' && reply.value !== null
    ? { tag: 'value', value: Buffer.from(reply.value).toString('latin1') }
    : reply;
};

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
    const goals = [
      'NOT_AN_INTEGER',
      'OUT_OF_RANGE',
      'done true',
      'done false',
      'value',
      'number',
      'ok',
      'length',
      'all',
    ];
    for (const goal of goals) {
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

  test('gives equal pieces for equal states, however they came about', () => {
    fc.assert(
      fc.property(
        fc.array(commands, { maxLength: 30 }),
        fc.nat(),
        fc.integer({ min: 1, max: 60 }),
        (list, seed, size) => {
          const { state } = run(list);
          const entries = [...state].sort(() => (seed % 2 === 0 ? 1 : -1));
          const again = run([
            { tag: 'set', key: bytes('gone'), value: bytes('x') },
            ...entries.map(([key, value]) => ({ tag: 'set', key: bytes(key), value }) as const),
            { tag: 'del', key: bytes('gone') },
          ]).state;
          expect(piecesOf(again, size).map(hex)).toEqual(piecesOf(state, size).map(hex));
        },
      ),
    );
  });

  test('comes back from its pieces, of any size, and shares no memory with them', () => {
    let several = 0;
    fc.assert(
      fc.property(fc.array(commands, { maxLength: 30 }), fc.integer({ min: 1, max: 60 }), (list, size) => {
        const { state } = run(list);
        const pieces = piecesOf(state, size);
        several += pieces.length > 1 ? 1 : 0;
        expect(pieces.length).toBeLessThanOrEqual(Math.max(1, state.size));
        const joined = pieces.reduce((before, piece) => right(kv.join(before, piece)), kv.initial);
        for (const piece of pieces) piece.fill(0);
        expect(contents(joined)).toEqual(contents(state));
        expect([...joined.keys()]).toEqual([...state.keys()]);
      }),
    );
    expect(several).toBeGreaterThan(10);
  });

  test('goes in pieces of the size that is asked for, except that a large value goes whole', () => {
    const small = Array.from({ length: 5000 }, (_, i): [string, Uint8Array] => [`k${i}`, bytes(`${i}`)]);
    const state = PersistentMap.of([...small, ['large', new Uint8Array(10_000)]]);
    const pieces = piecesOf(state, 4096);
    expect(pieces.filter((piece) => piece.length > 4096)).toHaveLength(1);
    expect(pieces.length).toBeLessThan(40);
    const joined = pieces.reduce((before, piece) => right(kv.join(before, piece)), kv.initial);
    expect(joined.equals(state, (a, b) => Buffer.compare(a, b) === 0)).toBe(true);
  });

  test('has no piece behind a key that it does not hold', () => {
    const { state } = run([{ tag: 'set', key: bytes('a'), value: bytes('1') }]);
    expect(kv.piece(state, bytes('b'), 100)).toBeUndefined();
    expect(kv.piece(state, new Uint8Array(70_000), 100)).toBeUndefined();
    expect(kv.piece(state, bytes('a'), 100)).toEqual({ bytes: Uint8Array.of(0x90), next: null });
    expect(kv.piece(kv.initial, null, 100)).toEqual({ bytes: Uint8Array.of(0x90), next: null });
  });

  test('takes no bytes for a piece that it would not have written, nor a key twice', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (garbage) => {
        const joined = kv.join(kv.initial, garbage);
        if (E.isRight(joined)) expect(piecesOf(joined.right, 1_000_000).map(hex)).toEqual([hex(garbage)]);
      }),
    );
    // Entries of one key and the value x.
    const entries = (...keys: readonly string[]): Uint8Array =>
      Uint8Array.from([0x90 + keys.length, ...keys.flatMap((key) => [0x92, 0xc4, 1, key.charCodeAt(0), 0xc4, 1, 120])]);
    expect(contents(right(kv.join(kv.initial, entries('a', 'b')))).size).toBe(2);
    expect(E.isLeft(kv.join(kv.initial, entries('a', 'a')))).toBe(true);
    const { state } = run([{ tag: 'set', key: bytes('a'), value: bytes('1') }]);
    expect(E.isLeft(kv.join(state, entries('b', 'a')))).toBe(true);
    expect(contents(state)).toEqual(new Map([['a', '1']]));
  });

  test('never throws, on a piece cut or changed anywhere', () => {
    const { state } = run(
      ['a', 'b', 'c'].map((key) => ({ tag: 'set', key: bytes(key), value: bytes('value') }) as const),
    );
    const [piece] = piecesOf(state, 1000) as [Uint8Array];
    let refused = 0;
    for (let i = 0; i < piece.length; i++) {
      if (E.isLeft(kv.join(kv.initial, piece.subarray(0, i)))) refused++;
      for (let by = 1; by < 256; by *= 2) {
        const changed = Uint8Array.from(piece, (b, j) => (j === i ? b ^ by : b));
        kv.join(kv.initial, changed);
      }
    }
    expect(refused).toBe(piece.length);
  });

  test('holds no value as a view of a much larger buffer', () => {
    const large = new Uint8Array(100_000).fill(1);
    const small = bytes('small');
    const { state } = run([
      { tag: 'set', key: bytes('k'), value: large },
      { tag: 'cas', key: bytes('k'), old: large, new: small },
      { tag: 'set', key: bytes('l'), value: large },
      { tag: 'append', key: bytes('m'), value: small },
      { tag: 'append', key: bytes('m'), value: small },
      { tag: 'swap', key: bytes('n'), value: small },
      { tag: 'setIf', key: bytes('o'), value: small, when: 'absent' },
    ]);
    const [piece] = piecesOf(state, 1_000_000) as [Uint8Array];
    for (const held of [state, right(kv.join(kv.initial, piece))]) {
      expect(held.get('k')).toEqual(new Uint8Array(small));
      for (const value of held.values())
        expect(value.buffer.byteLength).toBeLessThanOrEqual(2 * value.length + keyBytesMax);
    }
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

  test('writes the commands of earlier builds as these did', () => {
    const old: readonly (readonly [KvCommand, string])[] = [
      [{ tag: 'get', key: bytes('k') }, '9200c4016b'],
      [{ tag: 'set', key: bytes('k'), value: bytes('v') }, '9301c4016bc40176'],
      [{ tag: 'del', key: bytes('k') }, '9202c4016b'],
      [{ tag: 'cas', key: bytes('k'), old: null, new: bytes('v') }, '9403c4016bc0c40176'],
      [{ tag: 'incr', key: bytes('k') }, '9204c4016b'],
    ];
    for (const [command, expected] of old) expect(hex(encodeCommand(command))).toBe(expected);
    const asked = old.map(([command]) => command);
    const told = ['9200c0', '9101', '9202c3', '9202c3', '920401'];
    let state = kv.initial;
    for (const [i, command] of asked.entries()) {
      const applied = kv.apply(state, encodeCommand(command));
      state = applied.state;
      expect(hex(applied.reply)).toBe(told[i]);
    }
  });

  test('appends up to the longest value, and no more', () => {
    const key = bytes('k');
    const { state, replies } = run([
      { tag: 'append', key, value: new Uint8Array(valueBytesMax - 1).fill(1) },
      { tag: 'append', key, value: new Uint8Array(2) },
      { tag: 'append', key, value: Uint8Array.of(2) },
      { tag: 'append', key, value: new Uint8Array() },
      { tag: 'append', key, value: Uint8Array.of(3) },
    ]);
    const tooLarge = { tag: 'error', error: 'VALUE_TOO_LARGE' };
    const full = { tag: 'number', number: valueBytesMax };
    expect(replies).toEqual([{ tag: 'number', number: valueBytesMax - 1 }, tooLarge, full, full, tooLarge]);
    expect(state.get('k')?.at(-1)).toBe(2);
  });

  test('executes nothing of several commands whose reply would be too large, and all of those whose reply just fits', () => {
    const key = bytes('k');
    const large = valueBytesMax / 2;
    const { state } = run([{ tag: 'set', key, value: new Uint8Array(large) }]);
    const fits = allValuesBytesMax / large;
    const all = (gets: number): Uint8Array =>
      encodeCommand({
        tag: 'all',
        commands: [
          { tag: 'incr', key: bytes('n') },
          ...Array.from({ length: gets }, () => ({ tag: 'get', key }) as const),
        ],
      });
    const whole = kv.apply(state, all(fits));
    expect(right(decodeReply(whole.reply)).tag).toBe('all');
    expect(whole.state.has('n')).toBe(true);
    const refused = kv.apply(state, all(fits + 1));
    expect(right(decodeReply(refused.reply))).toEqual({ tag: 'error', error: 'REPLY_TOO_LARGE' });
    expect(refused.state).toBe(state);
  });

  test('takes keys up to their bound, and no longer ones', () => {
    const key = new Uint8Array(keyBytesMax).fill(200);
    expect(run([{ tag: 'set', key, value: key }]).state.get(stateKey(key))).toEqual(key);
    expect(() => encodeCommand({ tag: 'get', key: new Uint8Array(keyBytesMax + 1) })).toThrow();
  });
});
