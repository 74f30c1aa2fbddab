/** The spec of IronKV: one table, each write at most once, each reply that of an execution (SOSP 2015, section 5.2.1). */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SentPackets } from '../../src/protocol/sent-packets.js';
import type { Check } from '../../src/spec/check.js';
import { endPoint } from '../../src/spec/endpoint.js';
import { natMax } from '../../src/spec/nat.js';
import { E, O } from '../../src/spec/prelude.js';
import type { SentSet } from '../../src/spec/service.js';
import { bytesOfKey, type Command, type Outcome, textOfKey } from '../../systems/ironkv/commands.js';
import { type Configuration, defaultParameters } from '../../systems/ironkv/configuration.js';
import { type KvMessage, kvCodec, type Session } from '../../systems/ironkv/messages.js';
import { applied, type ExecuteRequest, type KvSpec, kvService } from '../../systems/ironkv/spec.js';

const [host, otherHost, client] = ['10.0.0.1:7000', '10.0.0.2:7000', '10.0.0.9:9000'].map(endPoint) as [
  ReturnType<typeof endPoint>,
  ReturnType<typeof endPoint>,
  ReturnType<typeof endPoint>,
];
const configuration: Configuration = {
  hosts: [host, otherHost],
  administrators: [],
  parameters: { ...defaultParameters, keyBytesMax: 8, valueBytesMax: 32 },
};
const service = kvService(configuration);
const session: Session = { number: 256, nonce: 77 };

const bytes = (text: string): Uint8Array => bytesOfKey(text);
const get = (key: string): Command => ({ tag: 'get', key: bytes(key) });
const set = (key: string, value: string, when: 'always' | 'absent' | 'present' = 'always'): Command => ({
  tag: 'set',
  key: bytes(key),
  value: bytes(value),
  when,
});
const increment = (key: string, by = 1): Command => ({ tag: 'increment', key: bytes(key), by });

const step = (seqno: number, command: Command, of: Session = session): ExecuteRequest => ({
  packet: {
    source: client,
    target: host,
    message: { tag: 'request', session: of, seqno, floor: 0, ordered: false, command },
  },
});

const reached = (state: KvSpec, ...steps: readonly ExecuteRequest[]): KvSpec =>
  steps.reduce((s, e) => {
    const next = service.next(s, e);
    if (O.isNone(next)) throw new Error('refused');
    return next.value;
  }, state);

const reply = (seqno: number, outcome: Outcome, of: Session = session) => ({
  source: host,
  target: client,
  message: { tag: 'reply', session: of, seqno, outcome } as const,
});

const codeOf = (check: Check): string | undefined => (E.isLeft(check) ? check.left.code : undefined);

const textAt = (state: KvSpec, key: string): string | undefined => {
  const value = state.table.get(key);
  return value === undefined ? undefined : textOfKey(value);
};

/** The value as text, and the outcome, of commands in order on one key that starts as `value`. */
const run = (value: string | undefined, ...commands: readonly Command[]) => {
  let current = value === undefined ? undefined : bytes(value);
  const outcomes = commands.map((command) => {
    const { value: next, outcome } = applied(current, command, configuration.parameters);
    current = next;
    return outcome;
  });
  return { value: current === undefined ? undefined : textOfKey(current), outcomes };
};

const nothing: SentSet<KvMessage> = { has: () => false, packets: () => [], from: () => [] };

describe('the service', () => {
  it('keeps one table over all sessions', () => {
    const other = { number: 257, nonce: 77 };
    const state = reached(service.init, step(0, set('a', '1')), step(0, increment('a'), other));
    expect(textAt(state, 'a')).toBe('2');
    expect(codeOf(service.justifies(state, reply(0, { tag: 'number', number: 2 }, other), nothing))).toBeUndefined();
  });

  it('does not execute a write twice, whatever lies between', () => {
    const once = reached(service.init, step(0, increment('a')), step(1, set('b', 'x')));
    expect(O.isNone(service.next(once, step(0, increment('a'))))).toBe(true);
    expect(O.isNone(service.next(once, step(0, set('a', '9'))))).toBe(true);
    expect(textAt(once, 'a')).toBe('1');
  });

  it('counts a write that changed nothing as executed', () => {
    const failed = reached(service.init, step(0, set('a', 'x')), step(1, increment('a')));
    expect(O.isNone(service.next(reached(failed, step(2, set('a', '1'))), step(1, increment('a'))))).toBe(true);
  });

  it('tells sessions apart that share a number or a nonce', () => {
    const state = reached(service.init, step(0, increment('a')));
    for (const of of [
      { number: 256, nonce: 78 },
      { number: 257, nonce: 77 },
    ]) {
      expect(textAt(reached(state, step(0, increment('a'), of)), 'a')).toBe('2');
    }
  });

  it('executes a read as often as it is asked, and justifies each of its outcomes', () => {
    const state = reached(service.init, step(0, get('a')), step(1, set('a', 'x')), step(0, get('a')));
    for (const value of [null, bytes('x')]) {
      expect(codeOf(service.justifies(state, reply(0, { tag: 'value', value }), nothing))).toBeUndefined();
    }
    expect(codeOf(service.justifies(state, reply(0, { tag: 'value', value: bytes('y') }), nothing))).toBe(
      'REPLY_UNJUSTIFIED',
    );
  });

  it('justifies no reply before an execution, and none to another seqno or session', () => {
    const outcome: Outcome = { tag: 'number', number: 1 };
    const state = reached(service.init, step(0, increment('a')));
    expect(codeOf(service.justifies(service.init, reply(0, outcome), nothing))).toBe('REPLY_UNJUSTIFIED');
    expect(codeOf(service.justifies(state, reply(0, outcome), nothing))).toBeUndefined();
    expect(codeOf(service.justifies(state, reply(1, outcome), nothing))).toBe('REPLY_UNJUSTIFIED');
    expect(codeOf(service.justifies(state, reply(0, outcome, { number: 1, nonce: 77 }), nothing))).toBe(
      'REPLY_UNJUSTIFIED',
    );
    expect(codeOf(service.justifies(state, reply(0, { tag: 'number', number: 2 }), nothing))).toBe('REPLY_UNJUSTIFIED');
  });

  it('does not answer for a reply that no host sent, nor for other kinds', () => {
    const forged = { ...reply(0, { tag: 'done', done: true }), source: client };
    expect(codeOf(service.justifies(service.init, forged, nothing))).toBeUndefined();
    const refused: KvMessage = { tag: 'refused', session, seqno: 0, reason: 'SESSION_EXPIRED' };
    expect(
      codeOf(service.justifies(service.init, { ...reply(0, { tag: 'done', done: true }), message: refused }, nothing)),
    ).toBe(undefined);
  });

  it('executes only what a client sent to a host', () => {
    const sent = new SentPackets<KvMessage>(kvCodec.encode);
    const asked = step(0, increment('a'));
    expect(codeOf(service.asked(asked, sent))).toBe('EXECUTED_UNASKED');
    sent.add({ ...asked.packet, target: client });
    expect(codeOf(service.asked({ packet: { ...asked.packet, target: client } }, sent))).toBe('EXECUTED_UNASKED');
    sent.add(asked.packet);
    expect(codeOf(service.asked(asked, sent))).toBeUndefined();
    expect(codeOf(service.asked(step(0, increment('a', 2)), sent))).toBe('EXECUTED_UNASKED');
  });

  it('executes nothing above the limits, and everything at them', () => {
    const [key, value] = ['k'.repeat(8), 'v'.repeat(32)];
    const cas = (old: string): Command => ({
      tag: 'compareAndSet',
      key: bytes('a'),
      old: bytes(old),
      value: bytes(''),
    });
    const state = reached(service.init, step(0, set(key, value)), step(1, cas(value)), step(2, set('', '')));
    expect([textAt(state, key), textAt(state, '')]).toEqual([value, '']);
    for (const command of [get(`${key}k`), set('a', `${value}v`), cas(`${value}v`)]) {
      expect(O.isNone(service.next(state, step(3, command)))).toBe(true);
    }
  });
});

describe('a command', () => {
  it('sets always, only what is absent, or only what is present', () => {
    const yes: Outcome = { tag: 'done', done: true };
    const no: Outcome = { tag: 'done', done: false };
    expect(run(undefined, set('k', '1', 'present'), set('k', '2', 'absent'), set('k', '3', 'absent'))).toEqual({
      value: '2',
      outcomes: [no, yes, no],
    });
    expect(run('x', set('k', '1', 'present'), set('k', '2'))).toEqual({ value: '2', outcomes: [yes, yes] });
  });

  it('compares before it sets, where an absent key is not an empty value', () => {
    const cas = (old: string | null): Command => ({
      tag: 'compareAndSet',
      key: bytes('k'),
      old: old === null ? null : bytes(old),
      value: bytes('new'),
    });
    expect(run(undefined, cas(''), cas(null), cas(null), cas('old')).outcomes).toEqual(
      [false, true, false, false].map((done) => ({ tag: 'done', done })),
    );
    expect(run('old', cas('old')).value).toBe('new');
  });

  it('deletes, and says whether there was something', () => {
    const del: Command = { tag: 'delete', key: bytes('k') };
    expect(run('', del, del)).toEqual({
      value: undefined,
      outcomes: [true, false].map((done) => ({ tag: 'done', done })),
    });
  });

  it('tells values and lengths, null for an absent key', () => {
    const length: Command = { tag: 'length', key: bytes('k') };
    expect(run(undefined, get('k'), length).outcomes).toEqual([
      { tag: 'value', value: null },
      { tag: 'length', length: null },
    ]);
    expect(run('', length).outcomes).toEqual([{ tag: 'length', length: 0 }]);
  });

  it('appends up to the limit, and changes nothing beyond it', () => {
    const append = (value: string): Command => ({ tag: 'append', key: bytes('k'), value: bytes(value) });
    expect(run(undefined, append('ab'), append('c'.repeat(30)), append('d'))).toEqual({
      value: `ab${'c'.repeat(30)}`,
      outcomes: [
        { tag: 'number', number: 2 },
        { tag: 'number', number: 32 },
        { tag: 'failed', error: 'VALUE_TOO_LARGE' },
      ],
    });
  });

  it.each(['', ' 1', '1 ', '01', '-0', '+1', '1.0', '1e3', '0x1', 'a', '\u00b2', `${'9'.repeat(31)}a`])(
    'does not increment %j, which is no integer',
    (value) => {
      expect(run(value, increment('k'))).toEqual({
        value,
        outcomes: [{ tag: 'failed', error: 'NOT_AN_INTEGER' }],
      });
    },
  );

  it.each([
    [String(natMax), 1],
    [String(-natMax), -1],
    [String(natMax), natMax],
    [String(natMax + 1), -1],
    ['9'.repeat(32), 0],
  ])('does not increment %s by %d, beyond the safe integers', (value, by) => {
    expect(run(value, increment('k', by))).toEqual({ value, outcomes: [{ tag: 'failed', error: 'OUT_OF_RANGE' }] });
  });

  it('increments to the exact sum wherever it is safe', () => {
    const safe = fc.integer({ min: -natMax, max: natMax });
    fc.assert(
      fc.property(safe, safe, (start, by) => {
        const sum = BigInt(start) + BigInt(by);
        const fits = sum >= -BigInt(natMax) && sum <= BigInt(natMax);
        const result = run(String(start), increment('k', by));
        expect(result.value).toBe(fits ? String(sum) : String(start));
      }),
      { numRuns: 300 },
    );
    expect(run(undefined, increment('k', -5), increment('k', 5))).toMatchObject({ value: '0' });
  });
});
