/** A host that receives a state in pieces. */
import { describe, expect, test } from 'vitest';
import { natMax } from '../../src/spec/nat.js';
import {
  type Cursor,
  digestOf,
  type Message,
  type SessionsRecord,
  sessionsCodec,
} from '../../systems/ironrsm/messages.js';
import {
  ballot,
  batchOf,
  bytesOf,
  execute,
  firstCursor,
  having,
  heartbeat,
  type LoneReplica,
  messagesOf,
  open,
  request,
  supply,
} from './lone-replica.js';
import { clientAt, replicaAt } from './recorder.js';
import type { RecordingIo } from './recording-io.js';

const piece = (opn: number, at: Cursor, bytes: Uint8Array, next: Cursor | null): Message<'statePiece'> => ({
  tag: 'statePiece',
  opn,
  at,
  bytes,
  next,
  digest: digestOf(bytes),
});

const requestedOpns = (io: RecordingIo): number[] => messagesOf('catchUpRequest', io.sent).map((m) => m.opn);

describe('a state in pieces', () => {
  const record: SessionsRecord = {
    nextSession: 9,
    first: 20,
    ring: [
      { id: 3, floor: 2, high: 3, ordered: true, used: true },
      { id: 0, floor: 5, high: 0, ordered: false, used: false },
    ],
    done: [{ session: 3, seqno: 3, digest: 77, reply: bytesOf('three') }],
  };
  const sessions = sessionsCodec.encode(record);
  const half: Cursor = { tag: 'sessions', offset: 10 };
  const app: Cursor = { tag: 'app', after: null };
  const rest: Cursor = { tag: 'app', after: bytesOf('1') };
  const pieces = [
    piece(40, firstCursor, sessions.subarray(0, 10), half),
    piece(40, half, sessions.subarray(10), app),
    piece(40, app, bytesOf('["p"]'), rest),
    piece(40, rest, bytesOf('["q"]'), null),
  ] as const;

  const receiving = (count: number, parameters = {}): LoneReplica => {
    const lone = having(2, { retransmitPeriodMs: 50, ...parameters });
    for (const one of pieces.slice(0, count)) lone.take(2, one);
    return lone;
  };

  test('is asked for piece by piece, of whom the first one came from', () => {
    const lone = receiving(0);
    for (const { next, ...one } of pieces.slice(0, 3)) {
      const io = lone.take(2, { ...one, next });
      expect(io.sent).toEqual([
        { source: lone.me, target: replicaAt(2), message: { tag: 'stateRequest', opn: 40, at: next } },
      ]);
    }
    expect(lone.host.transfer.inbound).toMatchObject({ supplier: 2, opn: 40, at: rest, app: ['p'], tries: 0 });
    expect(lone.host.transfer.inbound?.sessions).toEqual(sessions);
    expect(lone.host.executor.opsComplete).toBe(2);
  });

  test('is installed when it is complete, in place of all that was, and the catching up goes on from there', () => {
    const lone = receiving(3, { viewTimeoutMs: 1_000_000 });
    lone.take(0, { tag: '2b', ballot: ballot(9, 0), opn: 39, digest: digestOf(batchOf()) });
    lone.take(0, { tag: '2b', ballot: ballot(9, 0), opn: 41, digest: digestOf(batchOf()) });
    lone.step([0, supply(39, [batchOf(), batchOf(), batchOf()], 42)]);
    lone.step(
      [clientAt(0), request(6)],
      [clientAt(0), request(4)],
      [clientAt(1), { tag: 'open', nonce: 1, ordered: false }],
    );
    const io = lone.take(2, pieces[3]);
    const { executor, transfer, learner, election } = lone.host;
    expect(lone.executed).toEqual(['p', 'q']);
    expect([...executor.sessions.keys()]).toEqual([3, 0]);
    expect(executor.sessions.get(3)).toEqual({ floor: 2, high: 3, ordered: true, used: true });
    expect([executor.ring.first, executor.ring.next, executor.ring.at(20), executor.ring.at(21)]).toEqual([
      20, 22, 3, 0,
    ]);
    expect([executor.nextSession, executor.replyBytes]).toEqual([9, 5]);
    expect([...executor.done.values()]).toEqual(record.done);
    // Operations 40 and 41 were supplied, and follow at once.
    expect([executor.opsComplete, executor.logStart, executor.log.size]).toEqual([42, 40, 2]);
    expect([...learner.slots.keys()]).toEqual([]);
    expect([...transfer.supplied.keys()]).toEqual([]);
    expect(transfer.inbound).toBe(undefined);
    expect([...election.fresh.values()]).toEqual([execute(6), open(1, 1)]);
    expect(transfer.source).toBe(2);
    expect(requestedOpns(io)).toEqual([42]);
  });

  test('answers a retry of what it had executed elsewhere', () => {
    const lone = receiving(0);
    const done = [{ session: 3, seqno: 3, digest: 0, reply: bytesOf('three') }];
    const bytes = sessionsCodec.encode({ ...record, done });
    lone.step([2, piece(40, firstCursor, bytes, app)], [2, piece(40, app, bytesOf('[]'), null)]);
    const io = lone.take(clientAt(0), request(3, { session: 3 }));
    expect(messagesOf('refused', io.sent)[0]?.reason).toBe('SEQNO_REUSED');
    expect(lone.host.executor.done.get(3 * 1024 + 3)?.reply.buffer.byteLength).toBeLessThan(20_000);
  });

  test('takes only the piece that comes next, from its supplier, and each once', () => {
    const lone = receiving(1);
    expect(lone.ignores(0, pieces[1])).toBe(true);
    expect(lone.ignores(2, pieces[0])).toBe(true);
    expect(lone.ignores(2, pieces[2])).toBe(true);
    expect(lone.ignores(2, { ...pieces[1], opn: 41 })).toBe(true);
    lone.take(2, pieces[1]);
    expect(lone.ignores(2, pieces[1])).toBe(true);
    expect(lone.ignores(2, pieces[3])).toBe(true);
    lone.take(2, pieces[2]);
    expect(lone.ignores(2, pieces[2])).toBe(true);
  });

  test('is ignored where it begins in the middle, or is no further than this replica', () => {
    const lone = receiving(0);
    expect(lone.ignores(2, pieces[2])).toBe(true);
    expect(lone.ignores(2, piece(2, firstCursor, sessions, app))).toBe(true);
  });

  test('is given up where a piece does not match its digest, does not join, or the sessions cannot be read', () => {
    for (const [count, bad] of [
      [0, { ...pieces[0], digest: digestOf(bytesOf('other')) }],
      [2, { ...pieces[2], digest: digestOf(bytesOf('other')) }],
      [2, piece(40, app, bytesOf('?'), rest)],
      [1, piece(40, half, bytesOf('?'), null)],
    ] as const) {
      const lone = receiving(count);
      expect(lone.take(2, bad).sent).toEqual([]);
      expect(lone.host.transfer.inbound).toBe(undefined);
      expect(lone.executed).toEqual(['r1']);
      expect(lone.host.executor.opsComplete).toBe(2);
      lone.take(0, pieces[0]);
      expect(lone.host.transfer.inbound?.supplier).toBe(0);
    }
  });

  test('is given up where the next piece cannot be the next one, so that a transfer ends whatever its supplier says', () => {
    for (const [count, bad] of [
      [0, piece(40, firstCursor, sessions.subarray(0, 10), firstCursor)],
      [0, piece(40, firstCursor, sessions.subarray(0, 10), { tag: 'sessions', offset: 11 })],
      [0, piece(40, firstCursor, new Uint8Array(), firstCursor)],
      [0, piece(40, firstCursor, sessions, rest)],
      [0, piece(40, firstCursor, sessions, null)],
      [2, piece(40, app, bytesOf('["p"]'), firstCursor)],
      [2, piece(40, app, bytesOf('["p"]'), app)],
    ] as const) {
      const lone = receiving(count);
      expect(lone.take(2, bad).sent).toEqual([]);
      expect(lone.host.transfer.inbound).toBe(undefined);
    }
  });

  test('is refused where its sessions contradict themselves', () => {
    const [one, other] = record.ring;
    const [reply] = record.done;
    if (one === undefined || other === undefined || reply === undefined) throw new Error('the record has two sessions');
    for (const [installed, wrong] of [
      [true, {}],
      [false, { ring: [one, one] }],
      [false, { nextSession: 3 }],
      [false, { first: natMax }],
      [false, { done: [{ ...reply, session: 1 }] }],
      [false, { done: [reply, reply] }],
      [false, { done: [{ ...reply, seqno: 4 }, reply] }],
    ] as const) {
      const lone = having(2);
      lone.take(2, piece(40, firstCursor, sessionsCodec.encode({ ...record, ...wrong }), app));
      lone.take(2, pieces[2]);
      lone.take(2, pieces[3]);
      expect(lone.host.transfer.inbound).toBe(undefined);
      expect([wrong, lone.host.executor.opsComplete]).toEqual([wrong, installed ? 40 : 2]);
    }
  });

  test('is given up once this replica has executed as much', () => {
    const lone = receiving(0);
    lone.take(2, piece(4, firstCursor, sessions, app));
    lone.decide(0, execute(2));
    expect(lone.host.transfer.inbound).not.toBe(undefined);
    lone.decide(0, execute(3));
    expect(lone.host.transfer.inbound).toBe(undefined);
  });

  test('is asked for again a few times where nothing comes, then given up, and another replica asked', () => {
    const lone = receiving(2, { transferTriesMax: 2 });
    lone.step([2, heartbeat(ballot(1, 0), { opsComplete: 40 })], [0, heartbeat(ballot(1, 0), { opsComplete: 40 })]);
    const asked: unknown[] = [];
    const waits: number[] = [];
    // The first check finds that it executed something, the second that a piece came since.
    lone.at(lone.host.timers.nextProgressCheckMs);
    for (let i = 0; i < 5; i++) {
      const io = lone.at(lone.host.timers.nextProgressCheckMs);
      waits.push(lone.host.timers.retransmitMs);
      expect(messagesOf('catchUpRequest', io.sent)).toHaveLength(i === 4 ? 1 : 0);
      asked.push(messagesOf('stateRequest', io.sent).map((m) => [m.opn, m.at, lone.host.transfer.inbound?.tries]));
    }
    expect(asked).toEqual([[], [[40, app, 1]], [[40, app, 2]], [], []]);
    // No longer waits for a supplier that may be gone; for another one again.
    expect(waits).toEqual([50, 50, 50, 50, 100]);
    expect(lone.host.transfer.inbound).toBe(undefined);
  });

  test('starts its tries again with each piece', () => {
    const lone = receiving(2);
    for (let i = 0; i < 4; i++) lone.at(lone.host.timers.nextProgressCheckMs);
    expect(lone.host.transfer.inbound?.tries).toBeGreaterThan(0);
    lone.take(2, pieces[2]);
    expect(lone.host.transfer.inbound).toMatchObject({ tries: 0, fresh: true });
  });

  test('keeps a replica awake, that receives it as one that sends it', () => {
    for (const message of [pieces[0], { tag: 'catchUpRequest', opn: 0 } as const]) {
      const lone = having(2, {
        retainOpsMax: 0,
        heartbeatPeriodMs: 50,
        viewTimeoutMs: 1_000_000,
        retransmitPeriodMs: 50,
      });
      for (let i = 0; i < 3; i++) lone.at(lone.nowMs + 100_000);
      const quiet = lone.host.wakeAtMs();
      lone.take(2, message);
      expect(lone.host.wakeAtMs()).toBeLessThan(quiet);
    }
  });
});
