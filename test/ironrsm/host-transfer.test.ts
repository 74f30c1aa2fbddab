/** One replica alone: how it catches up, from a log or by a state in pieces, and serves those who do. */
import { describe, expect, test } from 'vitest';
import { natMax } from '../../src/spec/nat.js';
import { E } from '../../src/spec/prelude.js';
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
  heartbeat,
  LoneReplica,
  messagesOf,
  open,
  request,
} from './lone-replica.js';
import { anyRecorder, clientAt, replicaAt } from './recorder.js';
import type { RecordingIo } from './recording-io.js';

const first: Cursor = { tag: 'sessions', offset: 0 };

/** Replica 1 after operations 0, which opens the session 0, to `ops - 1`, which execute one request each. */
const having = (ops: number, parameters = {}): LoneReplica => {
  const lone = new LoneReplica(parameters);
  lone.decide(0, open());
  for (let seqno = 1; seqno < ops; seqno++) lone.decide(0, execute(seqno));
  return lone;
};

const supply = (opn: number, batches: readonly Uint8Array[], opsComplete: number): Message<'catchUpSupply'> => ({
  tag: 'catchUpSupply',
  opn,
  batches,
  opsComplete,
});

const piece = (opn: number, at: Cursor, bytes: Uint8Array, next: Cursor | null): Message<'statePiece'> => ({
  tag: 'statePiece',
  opn,
  at,
  bytes,
  next,
  digest: digestOf(bytes),
});

const requestedOpns = (io: RecordingIo): number[] => messagesOf('catchUpRequest', io.sent).map((m) => m.opn);

describe('a replica that is asked for what was decided', () => {
  test('supplies its log from there, to a bound of operations', () => {
    const lone = having(5, { catchUpOpsMax: 2 });
    const io = lone.take(2, { tag: 'catchUpRequest', opn: 1 });
    expect(io.sent.map((p) => p.target)).toEqual([replicaAt(2)]);
    expect(messagesOf('catchUpSupply', io.sent)).toEqual([supply(1, [batchOf(execute(1)), batchOf(execute(2))], 5)]);
  });

  test('supplies a bound of bytes, and one batch at least', () => {
    const bytes = batchOf(execute(1)).length;
    for (const [catchUpBytesMax, count] of [
      [2 * bytes, 2],
      [2 * bytes - 1, 1],
      [1, 1],
    ] as const) {
      const io = having(5, { catchUpBytesMax }).take(2, { tag: 'catchUpRequest', opn: 1 });
      expect(messagesOf('catchUpSupply', io.sent)[0]?.batches).toHaveLength(count);
    }
  });

  test('says nothing to one that has as much', () => {
    expect(having(3).ignores(2, { tag: 'catchUpRequest', opn: 3 })).toBe(true);
    expect(having(3).ignores(2, { tag: 'catchUpRequest', opn: natMax })).toBe(true);
  });

  test('begins to send its state where its log no longer holds the operation', () => {
    const lone = having(5, { retainOpsMax: 2, pieceBytesMax: 20 });
    expect(messagesOf('catchUpSupply', lone.take(2, { tag: 'catchUpRequest', opn: 3 }).sent)).toHaveLength(1);
    const io = lone.take(2, { tag: 'catchUpRequest', opn: 2 });
    const [sent] = messagesOf('statePiece', io.sent);
    expect(sent).toMatchObject({ opn: 5, at: first, next: { tag: 'sessions', offset: 20 } });
    expect(sent?.bytes).toHaveLength(20);
    expect(sent?.digest).toEqual(digestOf(sent?.bytes ?? new Uint8Array()));
    expect(lone.host.transfer.outbound.get(2)).toMatchObject({ opn: 5, fresh: true });
  });

  test('goes on with the state that it is sending, though it executed more since, until that one does not lead further', () => {
    const lone = having(5, { retainOpsMax: 0 });
    lone.take(2, { tag: 'catchUpRequest', opn: 2 });
    lone.decide(0, execute(5));
    expect(messagesOf('statePiece', lone.take(2, { tag: 'catchUpRequest', opn: 4 }).sent)[0]?.opn).toBe(5);
    expect(messagesOf('statePiece', lone.take(2, { tag: 'catchUpRequest', opn: 5 }).sent)[0]?.opn).toBe(6);
  });

  test('sends the pieces of that state, and of no other, whatever it executes meanwhile', () => {
    const lone = having(6, { retainOpsMax: 0, pieceBytesMax: 20 });
    lone.take(2, { tag: 'catchUpRequest', opn: 0 });
    lone.decide(0, execute(6));
    let at: Cursor | null = first;
    const sessions: Uint8Array[] = [];
    let app: unknown = anyRecorder.initial;
    let pieces = 0;
    while (at !== null) {
      const io: RecordingIo = lone.take(2, { tag: 'stateRequest', opn: 6, at });
      const [sent] = messagesOf('statePiece', io.sent);
      if (sent === undefined) throw new Error('no piece');
      expect(sent.at).toEqual(at);
      expect(sent.bytes.length).toBeLessThanOrEqual(20);
      if (at.tag === 'sessions') sessions.push(sent.bytes);
      else {
        const joined = anyRecorder.join(app, sent.bytes);
        app = E.isRight(joined) ? joined.right : undefined;
      }
      at = sent.next;
      pieces++;
    }
    expect(pieces).toBeGreaterThan(4);
    expect(app).toEqual(['r1', 'r2', 'r3', 'r4', 'r5']);
    const record = sessionsCodec.decode(new Uint8Array(Buffer.concat(sessions)));
    expect(E.isRight(record) && record.right).toMatchObject({
      nextSession: 1,
      first: 0,
      ring: [{ id: 0, floor: 1, high: 5, ordered: false, used: true }],
      done: [1, 2, 3, 4, 5].map((seqno) => ({ session: 0, seqno })),
    });
  });

  test('lists sessions in the order of the ring, and replies ascending by key', () => {
    const lone = new LoneReplica({ retainOpsMax: 0, sessionsMax: 2, sessionWindow: 4 });
    // All three count as used when they are opened: each has its turn, and 0 is the first without a second one.
    lone.decide(0, open(), open(), open());
    lone.decide(0, ...[2, 1, 4].map((seqno) => execute(seqno, { session: 1 })));
    // Session 1 was used since, so that it gets a second chance; 2 was not.
    lone.decide(0, open());
    lone.decide(0, execute(1, { session: 3 }));
    const [sent] = messagesOf('statePiece', lone.take(2, { tag: 'catchUpRequest', opn: 0 }).sent);
    const record = sessionsCodec.decode(sent?.bytes ?? new Uint8Array());
    if (E.isLeft(record)) throw new Error(String(record.left));
    expect(record.right.first).toBe(6);
    expect(record.right.ring.map((s) => s.id)).toEqual([3, 1]);
    expect(record.right.done.map((d) => [d.session, d.seqno])).toEqual([
      [1, 4],
      [1, 1],
      [1, 2],
      [3, 1],
    ]);
  });

  test('ignores who asks for a piece of a state that it does not send, or one that is not there', () => {
    const lone = having(3, { retainOpsMax: 0 });
    expect(lone.ignores(2, { tag: 'stateRequest', opn: 3, at: first })).toBe(true);
    lone.take(2, { tag: 'catchUpRequest', opn: 0 });
    expect(lone.ignores(0, { tag: 'stateRequest', opn: 3, at: first })).toBe(true);
    expect(lone.ignores(2, { tag: 'stateRequest', opn: 2, at: first })).toBe(true);
    expect(lone.ignores(2, { tag: 'stateRequest', opn: 3, at: { tag: 'sessions', offset: natMax } })).toBe(true);
    expect(lone.ignores(2, { tag: 'stateRequest', opn: 3, at: { tag: 'app', after: bytesOf('99') } })).toBe(true);
  });

  test('drops a state that nobody asks for through an epoch, or whose receiver has caught up', () => {
    const lone = having(3, { retainOpsMax: 0, viewTimeoutMs: 10 });
    lone.take(2, { tag: 'catchUpRequest', opn: 0 });
    lone.take(0, { tag: 'catchUpRequest', opn: 0 });
    lone.at(10);
    expect([...lone.host.transfer.outbound.keys()]).toEqual([2, 0]);
    lone.take(2, { tag: 'stateRequest', opn: 3, at: { tag: 'app', after: null } });
    lone.at(20);
    expect([...lone.host.transfer.outbound.keys()]).toEqual([2]);
    lone.take(2, heartbeat(ballot(1, 0), { opsComplete: 2 }));
    expect(lone.host.transfer.outbound.size).toBe(1);
    lone.take(2, heartbeat(ballot(1, 0), { opsComplete: 3 }));
    expect(lone.host.transfer.outbound.size).toBe(0);
  });
});

describe('a replica that lags', () => {
  const behind = (parameters = {}): LoneReplica => having(1, { retransmitPeriodMs: 50, ...parameters });

  test('asks those who are ahead in turn, and later each time', () => {
    const lone = behind({ retransmitPeriodMsMax: 150 });
    lone.at(100_000);
    lone.step([0, heartbeat(ballot(1, 0), { opsComplete: 9 })], [2, heartbeat(ballot(1, 0), { opsComplete: 5 })]);
    const targets: string[] = [];
    const times: number[] = [];
    for (let i = 0; i < 4; i++) {
      const io = lone.at(lone.host.timers.nextProgressCheckMs);
      times.push(lone.nowMs);
      expect(requestedOpns(io)).toEqual([1]);
      const target = io.sent.find((p) => p.message.tag === 'catchUpRequest')?.target ?? '';
      targets.push(target);
      const askFrom = [replicaAt(0), replicaAt(1), replicaAt(2)].indexOf(target as never);
      expect(io.actions).toContainEqual({ action: 'checkProgress', fetchFrom: null, askFrom });
    }
    expect(targets).toEqual([replicaAt(2), replicaAt(0), replicaAt(2), replicaAt(0)]);
    expect(times.map((t) => t - (times[0] as number))).toEqual([0, 100, 250, 400]);
    expect(lone.host.transfer.askedOpn).toBe(1);
  });

  test('asks only who is ahead, and nobody where nobody is', () => {
    const lone = behind();
    lone.at(100_000);
    lone.step([0, heartbeat(ballot(1, 0), { opsComplete: 1 })]);
    expect(requestedOpns(lone.at(100_050))).toEqual([]);
    lone.step([0, heartbeat(ballot(1, 0), { opsComplete: 2 })]);
    for (let i = 0; i < 3; i++) {
      const io = lone.at(lone.host.timers.nextProgressCheckMs);
      expect(io.sent.filter((p) => p.message.tag === 'catchUpRequest').map((p) => p.target)).toEqual([replicaAt(0)]);
    }
  });

  test('executes what it is supplied, answers nobody, and goes on asking while there is more', () => {
    const lone = behind();
    const io = lone.take(
      2,
      supply(
        1,
        [1, 2, 3].map((n) => batchOf(execute(n))),
        9,
      ),
    );
    expect(lone.executed).toEqual(['r1', 'r2', 'r3']);
    expect(messagesOf('reply', io.sent)).toEqual([]);
    expect(lone.host.transfer.supplied.size).toBe(0);
    expect(requestedOpns(io)).toEqual([4]);
    expect(io.sent.map((p) => p.target)).toEqual([replicaAt(2)]);
    expect(io.actions.at(-1)).toEqual({ action: 'catchUp' });
    expect(lone.step().actions).toEqual([]);
    const last = lone.take(2, supply(4, [batchOf(execute(4))], 5));
    expect(requestedOpns(last)).toEqual([]);
    expect(lone.host.transfer.source).toBe(null);
  });

  test('takes supplies that overlap or come in any order, within the length of a log', () => {
    const lone = behind({ logLengthMax: 3 });
    lone.take(
      2,
      supply(
        2,
        [2, 3, 4].map((n) => batchOf(execute(n))),
        5,
      ),
    );
    expect([...lone.host.transfer.supplied.keys()]).toEqual([2, 3]);
    lone.take(0, supply(2, [batchOf(execute(7)), batchOf(execute(3))], 4));
    lone.take(0, supply(0, [batchOf(open()), batchOf(execute(1))], 2));
    expect(lone.executed).toEqual(['r1', 'r2', 'r3']);
    expect(lone.host.executor.nextSession).toBe(1);
    expect(lone.ignores(0, supply(natMax, [batchOf()], natMax))).toBe(true);
  });

  test('asks for nothing that a supply brought, nor twice for the same', () => {
    const lone = behind();
    const io = lone.take(2, supply(3, [batchOf(execute(3))], 9));
    expect(requestedOpns(io)).toEqual([1]);
    expect(requestedOpns(lone.take(0, supply(3, [batchOf(execute(3))], 9)))).toEqual([]);
  });

  test('prefers what a quorum voted for, and answers it, to the same by a supply', () => {
    const lone = behind();
    const batch = batchOf(execute(1));
    const io = lone.step(
      [1, { tag: '2a', ballot: ballot(9, 1), opn: 1, batch }],
      [0, { tag: '2b', ballot: ballot(9, 1), opn: 1, digest: digestOf(batch) }],
      [2, supply(1, [batch], 2)],
    );
    expect(messagesOf('reply', io.sent)).toHaveLength(1);
    expect(lone.host.transfer.supplied.size).toBe(0);
  });

  test('does not keep alive the whole message of which it kept a batch', () => {
    const lone = behind();
    const message = new Uint8Array(1 << 17);
    lone.take(2, supply(2, [message.subarray(0, 10)], 3));
    expect(lone.host.transfer.supplied.get(2)?.buffer.byteLength).toBe(10);
  });
});

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
    piece(40, first, sessions.subarray(0, 10), half),
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
    lone.step([2, piece(40, first, bytes, app)], [2, piece(40, app, bytesOf('[]'), null)]);
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
    expect(lone.ignores(2, piece(2, first, sessions, app))).toBe(true);
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
      [0, piece(40, first, sessions.subarray(0, 10), first)],
      [0, piece(40, first, sessions.subarray(0, 10), { tag: 'sessions', offset: 11 })],
      [0, piece(40, first, new Uint8Array(), first)],
      [0, piece(40, first, sessions, rest)],
      [0, piece(40, first, sessions, null)],
      [2, piece(40, app, bytesOf('["p"]'), first)],
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
      lone.take(2, piece(40, first, sessionsCodec.encode({ ...record, ...wrong }), app));
      lone.take(2, pieces[2]);
      lone.take(2, pieces[3]);
      expect(lone.host.transfer.inbound).toBe(undefined);
      expect([wrong, lone.host.executor.opsComplete]).toEqual([wrong, installed ? 40 : 2]);
    }
  });

  test('is given up once this replica has executed as much', () => {
    const lone = receiving(0);
    lone.take(2, piece(4, first, sessions, app));
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
