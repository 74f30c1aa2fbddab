import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { arbitraryOf } from '../../src/refinement/arbitrary.js';
import type { Command } from '../../systems/ironkv/commands.js';
import { slabBytes, slabValueBytesMax } from '../../systems/ironkv/host/value-store.js';
import { KvHost } from '../../systems/ironkv/host.js';
import { kvCodec, kvSchema } from '../../systems/ironkv/messages.js';
import {
  administrator,
  bytes,
  clientAt,
  get,
  HostCluster,
  hostAt,
  overTheWire,
  session,
  set,
  short,
  stateOf,
  textOf,
} from './host-cluster.js';

const increment = (key: string, by = 1): Command => ({ tag: 'increment', key: bytes(key), by });
const append = (key: string, value: string): Command => ({ tag: 'append', key: bytes(key), value: bytes(value) });
const remove = (key: string): Command => ({ tag: 'delete', key: bytes(key) });
const length = (key: string): Command => ({ tag: 'length', key: bytes(key) });
const when = (key: string, value: string, w: 'absent' | 'present'): Command => ({
  tag: 'set',
  key: bytes(key),
  value: bytes(value),
  when: w,
});
const swap = (key: string, old: string | null, value: string): Command => ({
  tag: 'compareAndSet',
  key: bytes(key),
  old: old === null ? null : bytes(old),
  value: bytes(value),
});

/** Runs commands one after the other with rising seqnos; their answers in short. */
const run = (cluster: HostCluster, ...commands: readonly Command[]): string[] =>
  commands.map((command, seqno) => short(cluster.request(command, { seqno, of: session(1) })));

describe('commands', () => {
  test('set, get, delete and length', () => {
    expect(
      run(new HostCluster(), get('k'), length('k'), set('k', 'v'), get('k'), length('k'), remove('k'), remove('k')),
    ).toEqual(['value null', 'length null', 'done true', 'value v', 'length 1', 'done true', 'done false']);
  });

  test('set only where the key is absent, or only where it is present', () => {
    const answers = run(
      new HostCluster(),
      when('k', 'a', 'present'),
      when('k', 'b', 'absent'),
      when('k', 'c', 'absent'),
      get('k'),
      when('k', 'd', 'present'),
      get('k'),
    );
    expect(answers).toEqual(['done false', 'done true', 'done false', 'value b', 'done true', 'value d']);
  });

  test('compare and set, where null is an absent key and not an empty value', () => {
    const commands = [swap('k', '', 'a'), swap('k', null, ''), swap('k', null, 'b'), swap('k', '', 'c'), get('k')];
    expect(run(new HostCluster(), ...commands)).toEqual([
      'done false',
      'done true',
      'done false',
      'done true',
      'value c',
    ]);
  });

  test('append tells the new length, and makes an absent key present', () => {
    expect(run(new HostCluster(), append('k', ''), get('k'), append('k', 'ab'), append('k', 'c'), get('k'))).toEqual([
      'number 0',
      'value ',
      'number 2',
      'number 3',
      'value abc',
    ]);
  });

  test('append fails above the longest value, and changes nothing', () => {
    const cluster = new HostCluster(1, { valueBytesMax: 32 });
    const answers = run(cluster, set('k', 'x'.repeat(30)), append('k', 'abc'), length('k'), append('k', 'ab'));
    expect(answers).toEqual(['done true', 'failed VALUE_TOO_LARGE', 'length 30', 'number 32']);
  });

  const max = Number.MAX_SAFE_INTEGER;
  test.each([
    [null, 5, 'number 5'],
    ['0', -1, 'number -1'],
    ['-1', 1, 'number 0'],
    ['41', 1, 'number 42'],
    [`${max}`, 0, `number ${max}`],
    [`${max}`, -max, 'number 0'],
    [`-${max}`, max, 'number 0'],
    [`${max}`, 1, 'failed OUT_OF_RANGE'],
    [`-${max}`, -1, 'failed OUT_OF_RANGE'],
    ['9007199254740992', -1, 'failed OUT_OF_RANGE'],
    ['-9007199254740992', 1, 'failed OUT_OF_RANGE'],
    ['9007199254740993', -5, 'failed OUT_OF_RANGE'],
    ['1'.repeat(400), 1, 'failed OUT_OF_RANGE'],
    [`${'1'.repeat(400)}x`, 1, 'failed NOT_AN_INTEGER'],
    ['', 1, 'failed NOT_AN_INTEGER'],
    ['-', 1, 'failed NOT_AN_INTEGER'],
    ['-0', 1, 'failed NOT_AN_INTEGER'],
    ['00', 1, 'failed NOT_AN_INTEGER'],
    ['01', 1, 'failed NOT_AN_INTEGER'],
    ['-01', 1, 'failed NOT_AN_INTEGER'],
    ['+1', 1, 'failed NOT_AN_INTEGER'],
    [' 1', 1, 'failed NOT_AN_INTEGER'],
    ['1\n', 1, 'failed NOT_AN_INTEGER'],
    ['1.0', 1, 'failed NOT_AN_INTEGER'],
    ['1e3', 1, 'failed NOT_AN_INTEGER'],
  ])('increment of %j by %j answers %j', (before, by, answer) => {
    const cluster = new HostCluster();
    if (before !== null) cluster.request(set('k', before));
    expect(short(cluster.request(increment('k', by), { seqno: 1 }))).toBe(answer);
    const kept = cluster.host().table.get('k');
    if (answer.startsWith('number')) expect(textOf(kept as Uint8Array)).toBe(answer.slice(7));
    else expect(kept === undefined ? null : textOf(kept)).toBe(before);
  });

  test('work on keys and values of any bytes, empty ones too', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), fc.uint8Array({ maxLength: 20 }), (key, value) => {
        const cluster = new HostCluster();
        cluster.request({ tag: 'set', key, value, when: 'always' });
        const answer = cluster.request({ tag: 'get', key });
        expect(answer?.tag === 'reply' && answer.outcome).toMatchObject({ tag: 'value', value });
        expect(cluster.host().table.size).toBe(1);
      }),
      { numRuns: 50 },
    );
  });

  test('keep no view of the message: small values share slabs, larger ones have bytes of their own', () => {
    const cluster = new HostCluster();
    const large = 'v'.repeat(slabValueBytesMax + 1);
    const commands = [set('k', 'v'), append('a', 'v'), swap('s', null, 'v'), set('l', large), swap('m', null, large)];
    run(cluster, ...commands);
    const kept = [...cluster.host().table].map(([key, value]) => [key, value.buffer.byteLength]);
    expect(kept).toEqual([
      ['a', 1],
      ['k', slabBytes],
      ['l', large.length],
      ['m', large.length],
      ['s', slabBytes],
    ]);
  });

  test('keep the values of others as they are, however many share a slab', () => {
    const cluster = new HostCluster();
    const value = (n: number): string => String(n).repeat((n * 37) % 200);
    for (let n = 0; n < 300; n++) cluster.request(set(String(n), value(n)), { seqno: n });
    for (let n = 0; n < 300; n++) {
      expect(textOf(cluster.host().table.get(String(n)) as Uint8Array)).toBe(value(n));
    }
  });
});

describe('a request', () => {
  test('with a key or value above the limit is refused by name, and nothing is stored', () => {
    const cluster = new HostCluster(1, { keyBytesMax: 4, valueBytesMax: 32 });
    const long = 'x'.repeat(33);
    expect(short(cluster.request(get('12345')))).toBe('refused KEY_TOO_LONG');
    expect(short(cluster.request(set('12345', long)))).toBe('refused KEY_TOO_LONG');
    expect(short(cluster.request(set('1234', long)))).toBe('refused VALUE_TOO_LARGE');
    expect(short(cluster.request(append('k', long)))).toBe('refused VALUE_TOO_LARGE');
    expect(short(cluster.request(swap('k', null, long)))).toBe('refused VALUE_TOO_LARGE');
    expect(short(cluster.request(swap('k', long, 'v')))).toBe('refused VALUE_TOO_LARGE');
    expect([cluster.host().table.size, cluster.host().sessions.size]).toEqual([0, 0]);
    expect(cluster.host().counters.requestsRefused).toBe(6);
    expect(short(cluster.request(set('1234', 'x'.repeat(32))))).toBe('done true');
  });

  test('outside its window is refused', () => {
    const cluster = new HostCluster(1, { sessionWindowMax: 4 });
    expect(short(cluster.request(set('k', 'v'), { seqno: 4, floor: 5 }))).toBe('refused OUT_OF_WINDOW');
    expect(short(cluster.request(get('k'), { seqno: 9, floor: 5 }))).toBe('refused OUT_OF_WINDOW');
    expect(short(cluster.request(set('k', 'v'), { seqno: 8, floor: 5 }))).toBe('done true');
    const last = Number.MAX_SAFE_INTEGER - 1;
    expect(short(cluster.request(set('k', 'v'), { seqno: last, floor: last - 3, ordered: true }))).toBe(
      'refused OUT_OF_ORDER',
    );
    expect(short(cluster.request(set('k', 'v'), { seqno: last, floor: last, ordered: true }))).toBe('done true');
  });

  test('that writes is executed once, and a copy is answered with the outcome of that time', () => {
    const cluster = new HostCluster();
    expect(short(cluster.request(increment('n')))).toBe('number 1');
    const stamp = cluster.host().stamp;
    expect(short(cluster.request(increment('n')))).toBe('number 1');
    expect(short(cluster.request(increment('n'), { source: clientAt(9) }))).toBe('number 1');
    expect([cluster.host().stamp, textOf(cluster.host().table.get('n') as Uint8Array)]).toEqual([stamp, '1']);
  });

  test('that failed is not executed again either', () => {
    const cluster = new HostCluster();
    cluster.request(set('n', 'x'), { seqno: 0 });
    expect(short(cluster.request(increment('n'), { seqno: 1 }))).toBe('failed NOT_AN_INTEGER');
    cluster.request(set('n', '1'), { seqno: 2, floor: 1 });
    expect(short(cluster.request(increment('n'), { seqno: 1 }))).toBe('failed NOT_AN_INTEGER');
  });

  test('is of the session that it names, nonce included, whatever its end point', () => {
    const cluster = new HostCluster();
    cluster.request(increment('n'));
    expect(short(cluster.request(increment('n'), { of: { number: 0, nonce: 8 } }))).toBe('number 2');
    expect(cluster.host().sessions.size).toBe(2);
  });

  test('below the floor that the client told is not executed: it is an old copy', () => {
    const cluster = new HostCluster();
    cluster.request(increment('n'), { seqno: 0 });
    cluster.request(increment('n'), { seqno: 2, floor: 2 });
    expect(cluster.host().sessions.get('0.7')).toMatchObject({ floor: 2, records: [{ seqno: 2 }] });
    expect(cluster.request(increment('n'), { seqno: 0 })).toBeUndefined();
    expect(cluster.request(increment('n'), { seqno: 1, floor: 0 })).toBeUndefined();
    expect(cluster.request(get('n'), { seqno: 1, ordered: true })).toBeUndefined();
    expect(short(cluster.request(get('n'), { seqno: 1 }))).toBe('value 2');
  });

  test('may come before its elders, whose records stand in order', () => {
    const cluster = new HostCluster();
    for (const seqno of [3, 1, 2, 0]) cluster.request(increment('n'), { seqno, floor: 0 });
    const records = cluster.host().sessions.get('0.7')?.records;
    expect(records?.map((r) => r.seqno)).toEqual([0, 1, 2, 3]);
    expect(short(cluster.request(increment('n'), { seqno: 1, floor: 0 }))).toBe('number 2');
    cluster.request(increment('n'), { seqno: 4, floor: 2 });
    expect(
      cluster
        .host()
        .sessions.get('0.7')
        ?.records.map((r) => r.seqno),
    ).toEqual([2, 3, 4]);
  });

  test('never lowers a floor', () => {
    const cluster = new HostCluster();
    cluster.request(increment('n'), { seqno: 5, floor: 5 });
    cluster.request(increment('n'), { seqno: 6, floor: 3 });
    expect(cluster.host().sessions.get('0.7')).toMatchObject({ floor: 5, stamp: 2 });
  });

  test('that reads out of order changes no state and keeps no session', () => {
    const cluster = new HostCluster();
    cluster.request(set('k', 'v'));
    const before = stateOf(cluster.host());
    const expired = { number: 255, nonce: 0 };
    expect(short(cluster.request(get('k'), { seqno: 3, of: expired }))).toBe('value v');
    expect(stateOf(cluster.host())).toEqual(before);
  });

  test('of a session whose opener is no host counts as expired', () => {
    const cluster = new HostCluster();
    const of = { number: 1, nonce: 0 };
    expect(short(cluster.request(set('k', 'v'), { of }))).toBe('refused SESSION_EXPIRED');
    expect(short(cluster.request(get('k'), { of, ordered: true }))).toBe('refused SESSION_EXPIRED');
    expect(cluster.host().table.size).toBe(0);
  });
});

describe('an ordered request', () => {
  const ordered = true;

  test('waits until all before it are settled or the one before it was executed', () => {
    const cluster = new HostCluster();
    expect(short(cluster.request(increment('n'), { seqno: 1, floor: 0, ordered }))).toBe('refused OUT_OF_ORDER');
    expect(short(cluster.request(increment('n'), { seqno: 0, floor: 0, ordered }))).toBe('number 1');
    expect(short(cluster.request(increment('n'), { seqno: 1, floor: 0, ordered }))).toBe('number 2');
    expect(short(cluster.request(increment('n'), { seqno: 5, floor: 0, ordered }))).toBe('refused OUT_OF_ORDER');
    expect(short(cluster.request(increment('n'), { seqno: 5, floor: 5, ordered }))).toBe('number 3');
    expect(cluster.host().sessions.get('0.7')?.next).toBe(6);
  });

  test('that reads can be asked again while it is the last one', () => {
    const cluster = new HostCluster();
    expect(short(cluster.request(get('k'), { seqno: 0, floor: 0, ordered }))).toBe('value null');
    cluster.request(set('k', 'v'), { of: session(1) });
    expect(short(cluster.request(get('k'), { seqno: 0, floor: 0, ordered }))).toBe('value v');
    expect(cluster.host().sessions.get('0.7')).toMatchObject({ next: 1, records: [], stamp: 3 });
    cluster.request(set('k', 'w'), { seqno: 1, floor: 0, ordered });
    expect(short(cluster.request(get('k'), { seqno: 0, floor: 0, ordered }))).toBe('refused OUT_OF_ORDER');
  });

  test('that writes is out of turn behind the next seqno even where its floor is its seqno', () => {
    const cluster = new HostCluster();
    cluster.request(get('k'), { seqno: 4, floor: 0, ordered });
    cluster.request(get('k'), { seqno: 4, floor: 4, ordered });
    cluster.request(get('k'), { seqno: 5, floor: 0, ordered });
    expect(cluster.host().sessions.get('0.7')).toMatchObject({ floor: 4, next: 6 });
    expect(short(cluster.request(set('k', 'v'), { seqno: 4, floor: 4, ordered }))).toBe('refused OUT_OF_ORDER');
    expect(short(cluster.request(set('k', 'v'), { seqno: 5, floor: 5, ordered }))).toBe('refused OUT_OF_ORDER');
  });

  test('leaves the place of unordered ones free', () => {
    const cluster = new HostCluster();
    cluster.request(set('k', 'v'), { seqno: 3, floor: 3, ordered });
    cluster.request(set('k', 'w'), { seqno: 9, floor: 3 });
    expect(cluster.host().sessions.get('0.7')).toMatchObject({ next: 4, floor: 3 });
  });
});

describe('open and status', () => {
  test('open gives each asker a session of its own, and keeps none', () => {
    const cluster = new HostCluster(3);
    const answers = [0, 1].flatMap((nonce) => cluster.ask({ tag: 'open', nonce }, { host: 2 }));
    expect(answers).toEqual([
      { tag: 'opened', session: { number: 2, nonce: 0 } },
      { tag: 'opened', session: { number: 258, nonce: 1 } },
    ]);
    expect([cluster.host(2).opened, cluster.host(2).sessions.size]).toEqual([2, 0]);
  });

  test('a status tells of each range its owner, and of the own ones the load, which the action records', () => {
    const cluster = new HostCluster(2);
    for (const [seqno, key] of ['a', 'm', 'z'].entries()) cluster.request(set(key, 'xyz'), { seqno });
    expect(cluster.shard(1, 'm', 'n', 1)).toBe('moving');
    cluster.settle();
    cluster.request(set('mm', ''), { seqno: 3 });
    cluster.request(set('a', ''), { seqno: 999, floor: 3 });
    expect(cluster.shard(2, 'x', 'b', 1)).toBe('BAD_RANGE');
    cluster.nowMs += 1000;
    cluster.put(0, clientAt(), { tag: 'statusRequest', nonce: 4, from: bytes('') });
    const io = cluster.step();
    const load = { requests: 1, keys: 1, bytes: 4, cuts: [] };
    const counters = {
      ...{
        strangers: 0,
        delegatesRefused: 0,
        shardsRefused: 1,
        requestsRefused: 1,
        requestsRedirected: 1,
        requestsUnannounced: 0,
      },
    };
    expect(io.sent[0]?.message).toEqual({
      tag: 'status',
      nonce: 4,
      ranges: [
        { lo: bytes(''), hi: bytes('m'), host: 0, load },
        { lo: bytes('m'), hi: bytes('n'), host: 1, load: null },
        { lo: bytes('n'), hi: null, host: 0, load },
      ],
      next: null,
      moves: [],
      keys: 2,
      sessions: 1,
      counters,
    });
    expect(io.actions).toEqual([
      { action: 'process', from: 'receive', index: 0, observed: { loads: [load, load], counters } },
    ]);
  });

  test('a status begins with the range of the key asked for, and says where to go on', () => {
    const cluster = new HostCluster(2, { rangesPerStatusMax: 2 });
    for (const [i, lo] of ['b', 'd', 'f'].entries()) cluster.shard(i, lo, `${lo}x`, 1);
    cluster.settle();
    const first = cluster.status(0, 'b');
    expect(first.ranges.map((r) => textOf(r.lo))).toEqual(['b', 'bx']);
    expect(textOf(first.next as Uint8Array)).toBe('d');
    const last = cluster.status(0, 'g');
    expect(last.ranges.map((r) => textOf(r.lo))).toEqual(['fx']);
    expect(last.next).toBeNull();
  });

  test('a status tells of moves what is left of them', () => {
    const cluster = new HostCluster(2, { deliveriesMax: 1, delegateKeysMax: 1 });
    for (const [seqno, key] of ['a', 'b'].entries()) cluster.request(set(key, ''), { seqno });
    cluster.shard(7, 'a', 'c', 1);
    const told = { administrator, seqno: 7, hi: bytes('c'), recipient: 1 };
    expect(cluster.status().moves).toEqual([{ ...told, next: bytes('b') }]);
    cluster.settle();
    expect(cluster.status().moves).toEqual([]);
    cluster.shard(8, '', 'a', 1);
    expect(cluster.status().moves).toEqual([{ ...told, seqno: 8, hi: bytes('a'), next: null }]);
  });
});

describe('a host', () => {
  test('takes at most so many packets in a step, and records each once, in order', () => {
    const cluster = new HostCluster(1, { receiveMax: 3 });
    for (let nonce = 0; nonce < 5; nonce++) cluster.put(0, clientAt(), { tag: 'open', nonce });
    const processed = [0, 1, 2].map((index) => ({ action: 'process', from: 'receive', index, observed: null }));
    expect(cluster.step().actions).toEqual(processed);
    expect(cluster.step().actions).toEqual(processed.slice(0, 2));
  });

  test('sleeps when there is nothing to do', () => {
    const cluster = new HostCluster(2);
    cluster.request(set('k', 'v'));
    expect(cluster.hosts.map((h) => h.wakeAtMs())).toEqual([Infinity, Infinity]);
  });

  test('is none where the configuration does not name it', () => {
    expect(() => new KvHost(new HostCluster().configuration, clientAt())).toThrow('10.0.0.2:8000 is no host');
  });

  test('counts packets of hosts that come from strangers, and changes nothing', () => {
    const cluster = new HostCluster(2);
    cluster.request(set('k', 'v'));
    const before = stateOf(cluster.host());
    const body = { tag: 'delegate', lo: bytes(''), hi: null, pairs: [], horizons: [9, 9], sessions: [] } as const;
    for (const source of [clientAt(), administrator]) {
      expect(cluster.ask({ tag: 'deliver', seqno: 1, body }, { source })).toEqual([]);
      expect(cluster.ask({ tag: 'ack', seqno: 1 }, { source })).toEqual([]);
      expect(cluster.ask({ tag: 'opened', session: session() }, { source })).toEqual([]);
    }
    expect(cluster.host().counters.strangers).toBe(6);
    // A packet that names this very host as its source is no peer's.
    cluster.ask({ tag: 'deliver', seqno: 1, body }, { source: hostAt(0) });
    expect(stateOf(cluster.host())).toEqual(before);
  });

  test('answers any message of any source, and never throws', () => {
    const source = fc.constantFrom(clientAt(), administrator, hostAt(0), hostAt(1), hostAt(2));
    const message = arbitraryOf(kvSchema).filter((m) => kvCodec.encode(m).length < 60_000);
    fc.assert(
      fc.property(fc.array(fc.record({ source, message }), { minLength: 1, maxLength: 12 }), (packets) => {
        const cluster = new HostCluster(3, { sessionsMax: 8 });
        for (const p of packets) {
          cluster.put(0, p.source, overTheWire(p.message));
          cluster.nowMs += 30;
          cluster.step();
        }
      }),
      { numRuns: 200 },
    );
  });
});
