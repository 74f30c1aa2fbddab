/** How many packets a step takes, by what they carry and ask for (README.md, "What the host adds"). */
import { describe, expect, test } from 'vitest';
import type { Command } from '../../systems/ironkv/commands.js';
import type { KvMessage } from '../../systems/ironkv/messages.js';
import { bytes, clientAt, get, HostCluster, hostAt, session, set } from './host-cluster.js';

/** Values of more than 100 bytes are long, and a step takes 1000 bytes of them, and ten packets. */
const limits = { receiveMax: 10, stepBytesMax: 1000 };

const long = (length: number): string => 'v'.repeat(length);
const append = (key: string, value: string): Command => ({ tag: 'append', key: bytes(key), value: bytes(value) });
const times = <T>(count: number, item: T): T[] => Array.from({ length: count }, () => item);

/** Lets the packets wait for the first host, and steps it until none is left: the packets that each step took. */
const taken = (cluster: HostCluster, messages: readonly KvMessage[], source = clientAt()): number[] => {
  for (const message of messages) cluster.put(0, source, message);
  const counts: number[] = [];
  for (let left = messages.length; left > 0; left = cluster.inboxes[0]?.length ?? 0) {
    cluster.step();
    counts.push(left - (cluster.inboxes[0]?.length ?? 0));
  }
  return counts;
};

const requests = (commands: readonly Command[]): KvMessage[] =>
  commands.map((command, seqno) => ({ tag: 'request', session: session(), seqno, floor: 0, ordered: false, command }));

/** A host with a short value at `s`, and values of 100, 300 and 5000 bytes. */
const filled = (): HostCluster => {
  const cluster = new HostCluster(2, limits);
  for (const [key, length] of [
    ['s', 1],
    ['100', 100],
    ['300', 300],
    ['5000', 5000],
  ] as const)
    cluster.request(set(key, long(length)), { of: session(1), seqno: length });
  return cluster;
};

describe('a step takes', () => {
  test.each([
    ['as many reads of short values as packets', times(20, get('100')), [10, 10]],
    ['long values read up to the limit, the one that passes it included', times(9, get('300')), [4, 4, 1]],
    ['one read of a value above it', times(3, get('5000')), [1, 1, 1]],
    ['short ones before it, and none behind it', [get('s'), get('s'), get('5000'), get('s')], [3, 1]],
    ['any lengths of long values', times(12, { tag: 'length', key: bytes('5000') } as const), [10, 2]],
    ['absent values', times(12, get('absent')), [10, 2]],
    ['as many short writes as packets', times(12, set('k', long(100))), [10, 2]],
    ['long writes up to the limit', times(5, set('k', long(600))), [2, 2, 1]],
    ['long appends up to the limit', times(5, append('k', long(600))), [2, 2, 1]],
    [
      'long values compared up to the limit',
      times(5, { tag: 'compareAndSet', key: bytes('k'), old: bytes(long(300)), value: bytes(long(300)) } as const),
      [2, 2, 1],
    ],
    ['a write, and one read of what it may have written', [set('k', long(900)), ...times(3, get('k'))], [2, 2]],
    [
      'short appends, and reads of what they may have made',
      [...times(4, append('k', long(90))), ...times(4, get('k'))],
      [7, 1],
    ],
  ])('%s', (_, commands, counts) => {
    expect(taken(filled(), requests(commands))).toEqual(counts);
  });

  test('as many reads of long values as fit, once others were deleted too', () => {
    const cluster = filled();
    cluster.request({ tag: 'delete', key: bytes('5000') }, { of: session(1), seqno: 5001 });
    expect(taken(cluster, requests(times(12, get('5000'))))).toEqual([10, 2]);
  });

  test('a piece of a move with a long value, and one read of that', () => {
    const cluster = new HostCluster(2, limits);
    cluster.shard(1, 'm', 'n', 1);
    cluster.settle();
    const pairs = [{ key: bytes('m'), value: bytes(long(900)) }];
    const body = { tag: 'delegate', lo: bytes('m'), hi: bytes('n'), pairs, horizons: [0, 0], sessions: [] } as const;
    cluster.put(0, hostAt(1), { tag: 'deliver', seqno: 1, body });
    for (const request of requests(times(3, get('m')))) cluster.put(0, clientAt(), request);
    const io = cluster.step();
    expect(io.actions.map((a) => a.action)).toEqual(['process', 'process']);
    expect(cluster.answers.at(-1)?.message).toMatchObject({ tag: 'reply', seqno: 0 });
  });

  test('nothing less where all values are short: the replies to a full step are within the limit', () => {
    const cluster = filled();
    expect(taken(cluster, requests([set('k', long(100)), ...times(9, get('k'))]))).toEqual([10]);
  });
});
