/** A client that puts operations into requests (README.md, "What clients add"). */
import { describe, expect, it } from 'vitest';
import { E } from '../../src/spec/prelude.js';
import { RsmClient } from '../../systems/ironrsm/client.js';
import { joined, type Message, parted } from '../../systems/ironrsm/messages.js';
import { alone, clientWith, opened, refused, replicas, reply, second, value } from './lone-client.js';

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const replied = (text: string) => ({ tag: 'reply', value: bytes(text) });

type Sent = ReturnType<typeof clientWith>['sent'];

const requestsIn = (sent: Sent): readonly Message<'request'>[] =>
  sent.flatMap(({ messages }) => messages.flatMap((m) => (m.tag === 'request' ? [m] : [])));

/** The operations of each request that was sent, as text. */
const groupsOf = (sent: Sent): readonly string[][] =>
  requestsIn(sent).map((m) => parted(m.value).map((operation) => Buffer.from(operation).toString()));

const shared = { requestBytesMax: 1 << 20 };

/** A client that asked for these operations while it had no session, with their time limits, and then got session 9. */
const grouped = (operations: readonly (readonly [string, number])[], options = {}) => {
  const client = clientWith({ ...shared, ...options });
  for (const [text, timeoutMs] of operations) client.core.request(0, bytes(text), timeoutMs);
  client.core.onPacket(second, opened(), 0);
  return client;
};

describe('a reply', () => {
  it('with more or fewer parts than the request has operations is the reply to nothing that was asked', () => {
    const { core, outcomes } = grouped([
      ['a', 5000],
      ['b', 5000],
    ]);
    core.onPacket(second, reply(1, 9, joined([bytes('1')])), 1);
    core.onPacket(second, reply(1, 9, joined([bytes('1'), bytes('2'), bytes('3')])), 2);
    core.onPacket(second, reply(1, 9, bytes('nothing that was joined')), 3);
    expect(outcomes).toEqual([]);
    core.onPacket(second, reply(1, 9, joined([bytes('1'), bytes('2')])), 4);
    expect(outcomes).toHaveLength(2);
  });

  it('that is empty says that no message has room for the replies, and that nothing was executed', () => {
    const { core, outcomes } = grouped([
      ['a', 5000],
      ['b', 5000],
    ]);
    core.onPacket(second, reply(1, 9, new Uint8Array()), 1);
    const error = { tag: 'ReplyTooLarge', known: 'not executed' };
    expect(outcomes).toMatchObject([
      [1, { tag: 'failed', error }],
      [2, { tag: 'failed', error }],
    ]);
    expect(core.session).toMatchObject({ floor: 2, next: 2 });
  });
});

describe('operations that wait at the same moment', () => {
  it('share a request, in their order, and each is settled with its own reply', () => {
    const { core, sent, outcomes } = grouped([
      ['a', 5000],
      ['', 5000],
      ['c', 5000],
    ]);
    expect(requestsIn(sent)).toHaveLength(1);
    expect(groupsOf(sent)).toEqual([['a', '', 'c']]);
    core.onPacket(second, reply(1, 9, joined([bytes('1'), bytes(''), bytes('3')])), 1);
    expect(outcomes).toEqual([
      [1, replied('1')],
      [2, replied('')],
      [3, replied('3')],
    ]);
    expect(core.busy).toBe(false);
    expect(core.session).toEqual({ id: 9, floor: 2, next: 2 });
  });

  it('are at most 64 to a request', () => {
    const { sent } = grouped(Array.from({ length: 130 }, (_, i) => [`${i}`, 5000] as const));
    expect(groupsOf(sent).map((group) => group.length)).toEqual([64, 64, 2]);
    expect(groupsOf(sent).flat()).toEqual(Array.from({ length: 130 }, (_, i) => `${i}`));
  });

  it.each([
    ['the cluster’s bound', 100, 100],
    ['65,536 bytes', 1 << 20, 65_536],
  ])('stay within %s, with their lengths', (_, requestBytesMax, bytesMax) => {
    const half = 'x'.repeat(bytesMax / 2 - 4);
    const texts = [half, half, `${half}x`, half, half, half];
    const { sent } = grouped(
      texts.map((text) => [text, 5000] as const),
      { requestBytesMax },
    );
    expect(groupsOf(sent).map((group) => group.length)).toEqual([2, 1, 2, 1]);
    expect(Math.max(...requestsIn(sent).map((m) => m.value.length))).toBe(bytesMax);
  });

  it('go alone where one is larger than what may be shared', () => {
    const large = 'x'.repeat(200);
    const { sent } = grouped(
      ['a', large, 'b', 'c'].map((text) => [text, 5000] as const),
      { requestBytesMax: 100 },
    );
    expect(groupsOf(sent)).toEqual([['a'], [large], ['b', 'c']]);
  });

  it('are given up one by one: those that are overdue settle, and the floor waits for the rest', () => {
    const { core, sent, outcomes } = grouped([
      ['a', 5000],
      ['b', 50],
      ['c', 5000],
    ]);
    core.onTime(49);
    expect(outcomes).toEqual([]);
    core.onTime(50);
    expect(outcomes).toMatchObject([[2, { error: { tag: 'Timeout', known: 'unknown', timeoutMs: 50 } }]]);
    expect(core.session).toEqual({ id: 9, floor: 1, next: 2 });
    core.onTime(100);
    // The same value under the same seqno, or it would be refused.
    expect(groupsOf(sent)).toEqual([
      ['a', 'b', 'c'],
      ['a', 'b', 'c'],
    ]);
    core.onPacket(second, reply(1, 9, joined(['1', '2', '3'].map(bytes))), 110);
    expect(outcomes.slice(1)).toEqual([
      [1, replied('1')],
      [3, replied('3')],
    ]);
    expect(core.busy).toBe(false);
  });

  it('are given up together once all are overdue, and the floor passes them', () => {
    const { core, outcomes } = grouped([
      ['a', 50],
      ['b', 60],
    ]);
    core.onTime(50);
    expect(core.session?.floor).toBe(1);
    core.onTime(60);
    expect(core.session?.floor).toBe(2);
    core.onPacket(second, reply(1, 9, joined(['1', '2'].map(bytes))), 61);
    expect(outcomes.map(([id, outcome]) => [id, outcome.tag])).toEqual([
      [1, 'failed'],
      [2, 'failed'],
    ]);
    expect([core.busy, core.wakeAtMs]).toEqual([false, Infinity]);
  });

  it.each([
    ['SEQNO_REUSED', 'SeqnoReused', 'not executed'],
    ['SESSION_EXPIRED', 'SessionExpired', 'unknown'],
  ] as const)(
    'fail each where their request is refused as %s, but for those that were given up',
    (reason, tag, known) => {
      const { core, outcomes } = grouped([
        ['a', 5000],
        ['b', 50],
        ['c', 5000],
      ]);
      core.onTime(50);
      core.onPacket(second, refused(1, reason), 60);
      expect(outcomes).toMatchObject([
        [2, { error: { tag: 'Timeout' } }],
        [1, { error: { tag, known } }],
        [3, { error: { tag, known } }],
      ]);
      expect(core.busy).toBe(false);
    },
  );

  it('are asked for in smaller requests where theirs is refused as REQUEST_TOO_LARGE, but for those that were given up', () => {
    const { core, outcomes, sent } = grouped([
      ['a', 5000],
      ['b', 50],
      ['c', 5000],
    ]);
    core.onTime(50);
    core.onPacket(second, refused(1, 'REQUEST_TOO_LARGE'), 60);
    core.flush(60);
    expect(sent.at(-1)?.messages).toEqual([
      { tag: 'request', session: 9, seqno: 2, floor: 2, value: joined([Buffer.from('a')]) },
      { tag: 'request', session: 9, seqno: 3, floor: 2, value: joined([Buffer.from('c')]) },
    ]);
    core.onPacket(second, refused(2, 'REQUEST_TOO_LARGE'), 70);
    core.onPacket(second, reply(3), 70);
    expect(outcomes).toMatchObject([
      [2, { error: { tag: 'Timeout' } }],
      [1, { error: { tag: 'TooLarge', known: 'not executed' } }],
      [3, { tag: 'reply' }],
    ]);
    expect(core.busy).toBe(false);
  });

  it('fail each, as unknown, when the client is closed', () => {
    const { core, outcomes } = grouped([
      ['a', 5000],
      ['b', 5000],
    ]);
    core.close();
    expect(outcomes).toMatchObject([1, 2].map((id) => [id, { error: { tag: 'Closed', known: 'unknown' } }]));
  });
});

describe('a client that may put off its sends', () => {
  it('puts what is asked for in one turn into one request, and asks once for the flush', () => {
    const defers = { count: 0 };
    const { core, sent, outcomes } = clientWith(shared, defers);
    core.request(0, value, 5000);
    core.request(0, value, 5000);
    expect([defers.count, sent.length]).toEqual([1, 0]);
    core.flush(1);
    expect(sent).toEqual([{ targets: replicas, messages: [{ tag: 'open', nonce: 40, ordered: false }] }]);
    core.onPacket(second, opened(), 2);
    core.request(3, value, 5000);
    expect([defers.count, sent.length]).toEqual([2, 1]);
    core.flush(4);
    expect(requestsIn(sent).map((m) => [m.seqno, m.value])).toEqual([[1, joined([value, value, value])]]);
    // The retry counts from the flush.
    core.onTime(101);
    expect(sent).toHaveLength(2);
    core.onTime(104);
    expect(sent).toHaveLength(3);
    core.onPacket(second, reply(1, 9, joined([value, value, value])), 105);
    expect(outcomes).toHaveLength(3);
    core.flush(106);
    expect([defers.count, sent.length]).toEqual([2, 3]);
  });

  it('gives up what is overdue before its flush as not executed', () => {
    const defers = { count: 0 };
    const { core, sent, outcomes } = clientWith(shared, defers);
    core.request(0, value, 50);
    core.request(0, value, 5000);
    core.onTime(50);
    expect(outcomes).toMatchObject([[1, { error: { tag: 'Timeout', known: 'not executed' } }]]);
    core.flush(51);
    core.onPacket(second, opened(), 52);
    core.flush(53);
    expect(requestsIn(sent).map((m) => m.value)).toEqual([alone]);
  });

  it('puts what waits for a place in the window together when there is one', () => {
    const { core, sent } = clientWith({ ...shared, window: 1 });
    core.request(0, value, 5000);
    core.onPacket(second, opened(), 0);
    for (let i = 0; i < 3; i++) core.request(1, value, 5000);
    expect(requestsIn(sent)).toHaveLength(1);
    core.onPacket(second, reply(1), 2);
    expect(requestsIn(sent).map((m) => [m.seqno, parted(m.value).length])).toEqual([
      [1, 1],
      [2, 3],
    ]);
  });
});

describe('a client of a cluster with a bound on requests', () => {
  it('fails an operation that does not fit with its length, without asking', async () => {
    const client = await RsmClient.open({ cluster: 'none', replicas: [replicas[0]], requestBytesMax: 100 });
    if (E.isLeft(client)) throw new Error(client.left);
    const fits = client.right.request(new Uint8Array(96), { timeoutMs: 20 });
    expect(await client.right.request(new Uint8Array(97))).toMatchObject(E.left({ tag: 'TooLarge' }));
    expect(await fits).toMatchObject(E.left({ tag: 'Timeout' }));
    await client.right.close();
  });
});
