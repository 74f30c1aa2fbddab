/** One replica alone: how it catches up, from a log or by a state in pieces, and serves those who do. */
import { describe, expect, test } from 'vitest';
import { natMax } from '../../src/spec/nat.js';
import { E } from '../../src/spec/prelude.js';
import { type Cursor, digestOf, sessionsCodec } from '../../systems/ironrsm/messages.js';
import {
  ballot,
  batchOf,
  bytesOf,
  execute,
  firstCursor,
  having,
  heartbeat,
  LoneReplica,
  messagesOf,
  open,
  supply,
} from './lone-replica.js';
import { anyRecorder, replicaAt } from './recorder.js';
import type { RecordingIo } from './recording-io.js';

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
    expect(sent).toMatchObject({ opn: 5, at: firstCursor, next: { tag: 'sessions', offset: 20 } });
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
    let at: Cursor | null = firstCursor;
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
    expect(lone.ignores(2, { tag: 'stateRequest', opn: 3, at: firstCursor })).toBe(true);
    lone.take(2, { tag: 'catchUpRequest', opn: 0 });
    expect(lone.ignores(0, { tag: 'stateRequest', opn: 3, at: firstCursor })).toBe(true);
    expect(lone.ignores(2, { tag: 'stateRequest', opn: 2, at: firstCursor })).toBe(true);
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
