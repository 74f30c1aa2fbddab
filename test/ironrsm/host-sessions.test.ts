/** One replica alone: how it executes batches, and what it answers from its sessions (README.md, "Executing a batch"). */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { natMax } from '../../src/spec/nat.js';
import { parted, type Request, type RsmMessage, requestDigest, sessionIdsMax } from '../../systems/ironrsm/messages.js';
import {
  ballot,
  bytesOf,
  execute,
  heartbeat,
  LoneReplica,
  messagesOf,
  open,
  request,
  valueWith,
} from './lone-replica.js';
import { anyRecorder, clientAt } from './recorder.js';
import type { RecordingIo } from './recording-io.js';

/** With the sessions 0 to `count - 1`, of the clients of these indices. */
const withSessions = (count: number, parameters = {}): LoneReplica => {
  const lone = new LoneReplica(parameters);
  lone.decide(1, ...Array.from({ length: count }, (_, i) => open(0, i)));
  return lone;
};

/** What it said to clients, in short; the replies to the operations of a request one after another. */
const answers = (io: RecordingIo): string[] =>
  io.sent.flatMap(({ message }) => {
    if (message.tag === 'reply') {
      const replies = parted(message.value).map((reply) => Buffer.from(reply).toString());
      return [`${message.session}/${message.seqno} = ${replies.join(' ')}`];
    }
    if (message.tag === 'refused') return [`${message.session}/${message.seqno} ${message.reason}`];
    return message.tag === 'opened' ? [`${message.nonce} opened ${message.session}`] : [];
  });

const ordered = (lone: LoneReplica): LoneReplica => {
  lone.decide(1, open(0, 0, true));
  return lone;
};

describe('a batch that is executed', () => {
  test('opens sessions with ids that ascend, and answers each who asked', () => {
    const lone = new LoneReplica();
    const io = lone.decide(1, open(7, 3), open(8, 4, true), open(7, 3));
    expect(answers(io)).toEqual(['7 opened 0', '8 opened 1', '7 opened 2']);
    expect(messagesOf('opened', io.sent)).toHaveLength(3);
    expect(io.sent.filter((p) => p.message.tag === 'opened').map((p) => p.target)).toEqual([3, 4, 3].map(clientAt));
    expect([...lone.host.executor.sessions]).toEqual([
      [0, { floor: 1, high: 0, ordered: false, used: true }],
      [1, { floor: 1, high: 0, ordered: true, used: true }],
      [2, { floor: 1, high: 0, ordered: false, used: true }],
    ]);
    expect(lone.host.executor.nextSession).toBe(3);
  });

  test('applies a request once, though it stands twice in a batch or in two', () => {
    const lone = withSessions(1);
    expect(answers(lone.decide(1, execute(1), execute(1)))).toEqual(['0/1 = 1', '0/1 = 1']);
    expect(answers(lone.decide(1, execute(1)))).toEqual(['0/1 = 1']);
    expect(lone.executed).toEqual(['r1']);
  });

  test('refuses a seqno that was used for another value', () => {
    const lone = withSessions(1);
    lone.decide(1, execute(1));
    expect(answers(lone.decide(1, execute(1, { text: 'other' })))).toEqual(['0/1 SEQNO_REUSED']);
    expect(lone.executed).toEqual(['r1']);
  });

  test('executes in any order within the window above the floor, and nothing outside of it', () => {
    const lone = withSessions(1, { sessionWindow: 4 });
    lone.decide(1, execute(4), execute(2), execute(5));
    expect(lone.executed).toEqual(['r4', 'r2']);
    expect(answers(lone.decide(1, execute(5, { floor: 2 }), execute(1), execute(6, { floor: 7 })))).toEqual([
      '0/5 = 3',
    ]);
    expect(lone.executed).toEqual(['r4', 'r2', 'r5']);
    expect(lone.host.executor.sessions.get(0)).toMatchObject({ floor: 2, high: 5 });
  });

  test('drops below a floor what the client has the outcome of', () => {
    const lone = withSessions(2);
    lone.decide(1, execute(1), execute(2), execute(3), execute(1, { session: 1 }));
    const before = lone.host.executor.replyBytes;
    lone.decide(1, execute(1, { floor: 1 }), execute(4, { floor: 3 }));
    expect([...lone.host.executor.done.values()].map((d) => [d.session, d.seqno])).toEqual([
      [0, 3],
      [1, 1],
      [0, 4],
    ]);
    expect(lone.host.executor.replyBytes).toBe(before - valueWith('5').length);
    expect(answers(lone.decide(1, execute(2)))).toEqual([]);
    expect(lone.executed).toHaveLength(5);
  });

  test('takes the floor of a request that is not executed, and not that of one below its own floor', () => {
    const lone = withSessions(1);
    lone.decide(1, execute(1), execute(1, { floor: 1 }), execute(2), execute(2, { floor: 2, text: 'other' }));
    expect(lone.host.executor.sessions.get(0)?.floor).toBe(2);
    lone.decide(1, execute(4, { floor: 5 }));
    expect(lone.host.executor.sessions.get(0)?.floor).toBe(2);
  });

  test('jumps to a far floor without counting up to it', () => {
    const lone = withSessions(1);
    lone.decide(1, execute(1), execute(natMax, { floor: natMax }));
    expect(lone.executed).toEqual(['r1', `r${natMax}`]);
    expect(lone.host.executor.done.size).toBe(1);
  });

  test('executes the requests of an ordered session in the order of their seqnos alone', () => {
    const lone = ordered(new LoneReplica());
    expect(answers(lone.decide(1, execute(2), execute(1), execute(3), execute(2)))).toEqual(['0/1 = 1', '0/2 = 2']);
    expect(lone.executed).toEqual(['r1', 'r2']);
  });

  test('goes on in an ordered session at the floor, past what its client gave up', () => {
    const lone = ordered(new LoneReplica());
    lone.decide(1, execute(1), execute(4, { floor: 3 }), execute(3, { floor: 3 }), execute(4, { floor: 3 }));
    expect(lone.executed).toEqual(['r1', 'r3', 'r4']);
    lone.decide(1, execute(5, { floor: 4 }), execute(4, { floor: 4 }));
    expect(lone.executed).toEqual(['r1', 'r3', 'r4', 'r5']);
  });

  test('tells the client of a session that is gone, and nothing to one that never was', () => {
    const lone = withSessions(2, { sessionsMax: 1 });
    expect([...lone.host.executor.sessions.keys()]).toEqual([1]);
    expect(
      answers(lone.decide(1, execute(1), execute(1, { session: 2 }), execute(1, { session: natMax, client: 0 }))),
    ).toEqual(['0/1 SESSION_EXPIRED']);
    expect(lone.executed).toEqual([]);
  });

  test('is answered by the proposer of the decided ballot alone, and where it was learned by nobody', () => {
    expect(answers(new LoneReplica().decide(2, open()))).toEqual([]);
    const lone = new LoneReplica();
    expect(answers(lone.take(0, { tag: 'catchUpSupply', opn: 0, batches: [], opsComplete: 0 }))).toEqual([]);
  });

  test('is executed as an empty one where its bytes are no batch', () => {
    const lone = withSessions(1);
    lone.decideBytes(1, bytesOf('?'));
    expect(lone.host.executor.opsComplete).toBe(2);
    expect(lone.executed).toEqual([]);
  });

  test('settles what is held under its keys, whatever became of it, but nothing later', () => {
    const lone = ordered(new LoneReplica({ viewTimeoutMs: 10, sessionWindow: 4 }));
    lone.step(
      [clientAt(0), request(1)],
      [clientAt(0), request(2)],
      [clientAt(9), { tag: 'open', nonce: 1, ordered: false }],
    );
    lone.at(10);
    lone.take(clientAt(0), request(6, { floor: 3 }));
    expect([lone.host.election.waiting.size, lone.host.election.fresh.size]).toEqual([3, 1]);
    lone.decide(0, execute(2), open(1, 9));
    expect(lone.executed).toEqual([]);
    expect([...lone.host.election.waiting.values()]).toEqual([execute(1)]);
    expect([...lone.host.election.fresh.values()]).toEqual([execute(6, { floor: 3 })]);
  });

  test('is kept for those who lag, up to a number of operations and of bytes', () => {
    const few = withSessions(1, { retainOpsMax: 2 });
    for (let seqno = 1; seqno <= 3; seqno++) few.decide(1, execute(seqno));
    expect([...few.host.executor.log.keys()]).toEqual([2, 3]);
    expect(few.host.executor.logStart).toBe(2);
    const small = withSessions(1, { retainBytesMax: 250 });
    for (let seqno = 1; seqno <= 3; seqno++) small.decide(1, execute(seqno, { text: 'x'.repeat(100) }));
    expect([...small.host.executor.log.keys()]).toEqual([2, 3]);
    small.decide(1, execute(4, { text: 'x'.repeat(300) }));
    expect(small.host.executor.log.size).toBe(0);
    expect(small.host.executor.logStart).toBe(5);
  });
});

describe('a request of several operations', () => {
  test('has them applied in their order, and is answered with their replies in that order', () => {
    const lone = withSessions(2);
    const io = lone.decide(1, execute(1, { value: valueWith('a', '', 'c') }), execute(1, { session: 1 }));
    expect(answers(io)).toEqual(['0/1 = 1 2 3', '1/1 = 4']);
    expect(lone.executed).toEqual(['a', '', 'c', 'r1']);
    expect(lone.host.executor.replyBytes).toBe(valueWith('1', '2', '3').length + valueWith('4').length);
  });

  test('has none of them applied again, and is answered with all that is kept', () => {
    const lone = withSessions(1);
    const value = valueWith('a', 'b');
    lone.decide(1, execute(1, { value }));
    expect(answers(lone.decide(1, execute(1, { value })))).toEqual(['0/1 = 1 2']);
    expect(answers(lone.take(clientAt(0), request(1, { value })))).toEqual(['0/1 = 1 2']);
    // The same operations in another order, or some of them, are another value.
    for (const other of [valueWith('b', 'a'), valueWith('a')])
      expect(answers(lone.decide(1, execute(1, { value: other })))).toEqual(['0/1 SEQNO_REUSED']);
    expect(lone.executed).toEqual(['a', 'b']);
  });

  test('counts as one, for the window, for its order in a session, and where it is too large', () => {
    const lone = ordered(new LoneReplica({ sessionWindow: 2, requestBytesMax: valueWith('a', 'b').length }));
    const value = valueWith('a', 'b');
    expect(answers(lone.take(clientAt(0), request(1, { value: valueWith('a', 'b', '') })))).toEqual([
      '0/1 REQUEST_TOO_LARGE',
    ]);
    lone.decide(1, execute(2, { value }), execute(1, { value }), execute(2, { text: 'c' }), execute(3));
    expect(lone.executed).toEqual(['a', 'b', 'c']);
    expect(lone.host.executor.sessions.get(0)).toMatchObject({ floor: 1, high: 2 });
  });

  test.each([
    ['no list', bytesOf('?')],
    ['a list that is cut off', valueWith('a', 'b').subarray(0, 9)],
    ['a list with more behind it', Uint8Array.of(...valueWith('a'), 0)],
    ['an empty list', valueWith()],
  ])('executes nothing where its value is %s, and is answered with no replies, once and for all', (_, value) => {
    const lone = withSessions(1);
    const io = lone.decide(1, execute(1, { value }));
    const reply: RsmMessage = { tag: 'reply', session: 0, seqno: 1, value: new Uint8Array() };
    expect(messagesOf('reply', io.sent)).toEqual([reply]);
    expect(io.touches.map((t) => t.component)).not.toContain('executor.app');
    expect(lone.executed).toEqual([]);
    expect(lone.host.executor.sessions.get(0)).toMatchObject({ high: 1 });
    expect(answers(lone.decide(1, execute(1)))).toEqual(['0/1 SEQNO_REUSED']);
    expect(lone.executed).toEqual([]);
  });
});

describe('a session', () => {
  test('expires when there are too many: the first that was not used since its last turn', () => {
    const lone = withSessions(3, { sessionsMax: 3 });
    const { ring, sessions } = lone.host.executor;
    // One that was just opened counts as used: all four have their turn, and 0 is the first to come to its second.
    lone.decide(1, open(1, 3));
    expect([...sessions.keys()]).toEqual([1, 2, 3]);
    expect([...sessions.values()].map((s) => s.used)).toEqual([false, false, false]);
    expect([ring.first, ring.next]).toEqual([5, 8]);
    expect([5, 6, 7].map((p) => ring.at(p))).toEqual([1, 2, 3]);
    lone.decide(1, execute(1, { session: 1 }));
    lone.decide(1, open(1, 4));
    expect([...sessions.keys()]).toEqual([1, 3, 4]);
    expect([7, 8, 9].map((p) => ring.at(p))).toEqual([3, 4, 1]);
    expect([...sessions.values()].map((s) => s.used)).toEqual([false, false, true]);
  });

  test('expires when replies take too many bytes, with its replies, but never the last one', () => {
    const lone = withSessions(3, { replyBytesMax: 2 * valueWith('1').length });
    lone.decide(1, execute(1, { session: 1 }), execute(2, { session: 1 }));
    expect(lone.host.executor.sessions.size).toBe(3);
    // All count as used at first, and have one turn each: then 0 goes, which frees nothing, and 1, which frees what it holds.
    lone.decide(1, execute(1, { session: 2 }));
    expect([...lone.host.executor.sessions.keys()]).toEqual([2]);
    for (let seqno = 2; seqno < 6; seqno++) lone.decide(1, execute(seqno, { session: 2 }));
    expect([...lone.host.executor.sessions.keys()]).toEqual([2]);
    expect([...lone.host.executor.done.values()].map((d) => d.session)).toEqual([2, 2, 2, 2, 2]);
  });

  test('is not opened once the ids are used up', () => {
    const lone = new LoneReplica();
    const last = { nextSession: sessionIdsMax - 1, first: 0, ring: [], done: [] };
    lone.host.executor.install(0, [], last);
    expect(answers(lone.decide(1, open(1), open(2)))).toEqual([`1 opened ${sessionIdsMax - 1}`]);
    expect(answers(lone.decide(1, execute(1, { session: sessionIdsMax - 1, client: 0 })))).toHaveLength(1);
    const [key] = lone.host.executor.done.keys();
    expect(key).toBeLessThanOrEqual(natMax);
  });

  test('has what any order of duplicated requests leaves: each executed once, its reply kept above the floor', () => {
    const anyRequest = fc.record({ session: fc.nat(3), seqno: fc.integer({ min: 1, max: 12 }), ahead: fc.nat(4) });
    fc.assert(
      fc.property(fc.array(fc.array(anyRequest, { maxLength: 6 }), { maxLength: 12 }), (operations) => {
        const lone = withSessions(4, { sessionWindow: 4, sessionsMax: 3, replyBytesMax: 12 * valueWith('1').length });
        for (const operation of operations) {
          const requests: Request[] = operation.map(({ session, seqno, ahead }) =>
            execute(seqno, { session, floor: Math.max(1, seqno - ahead), text: `${session}/${seqno}` }),
          );
          lone.decide(1, ...requests);
        }
        expect(new Set(lone.executed).size).toBe(lone.executed.length);
        const { done, sessions } = lone.host.executor;
        for (const { session, seqno, digest } of done.values()) {
          expect(lone.executed).toContain(`${session}/${seqno}`);
          expect(digest).toBe(requestDigest(valueWith(`${session}/${seqno}`)));
          expect(seqno).toBeLessThan((sessions.get(session)?.floor ?? 0) + 4);
        }
      }),
      { numRuns: 40 },
    );
  });
});

describe('a request that arrives', () => {
  const kept = (lone: LoneReplica): number => lone.host.election.fresh.size;

  test('is refused by name where it is too large, whoever leads, and not held', () => {
    const lone = withSessions(1, { requestBytesMax: valueWith('six').length });
    const io = lone.take(clientAt(5), request(9, { session: 7, text: 'four' }));
    expect(io.sent).toEqual([
      {
        source: lone.me,
        target: clientAt(5),
        message: { tag: 'refused', session: 7, seqno: 9, reason: 'REQUEST_TOO_LARGE' },
      },
    ]);
    lone.take(clientAt(0), request(1, { text: 'six' }));
    expect(kept(lone)).toBe(1);
  });

  test('is answered from what was executed, by any replica, or refused where the value differs', () => {
    const lone = withSessions(1);
    lone.decide(0, execute(1));
    expect(answers(lone.take(clientAt(5), request(1)))).toEqual(['0/1 = 1']);
    expect(answers(lone.take(clientAt(5), request(1, { text: 'other' })))).toEqual(['0/1 SEQNO_REUSED']);
    expect(kept(lone)).toBe(0);
  });

  test('is refused where its session expired, and ignored where there was none yet', () => {
    const lone = withSessions(2, { sessionsMax: 1 });
    expect(answers(lone.take(clientAt(0), request(1)))).toEqual(['0/1 SESSION_EXPIRED']);
    expect(kept(lone)).toBe(0);
    expect(lone.ignores(clientAt(0), request(1, { session: 2 }))).toBe(true);
    expect(lone.ignores(clientAt(0), request(natMax, { session: natMax, floor: natMax }))).toBe(true);
  });

  test('is ignored below its own floor or the session’s, and beyond the window of the higher one', () => {
    const lone = withSessions(1, { sessionWindow: 4 });
    lone.decide(1, execute(3, { floor: 3 }));
    for (const [seqno, floor] of [
      [4, 5],
      [2, 1],
      [0, 0],
      [7, 1],
      [natMax, 1],
      [natMax, natMax - 4],
    ] as const) {
      expect(lone.ignores(clientAt(0), request(seqno, { floor }))).toBe(true);
    }
    lone.step([clientAt(0), request(6)], [clientAt(0), request(8, { floor: 5 })]);
    lone.take(clientAt(0), request(natMax, { floor: natMax - 3 }));
    expect(kept(lone)).toBe(3);
  });
});

describe('a status', () => {
  test('goes to whoever asks', () => {
    const lone = withSessions(2, { sessionsMax: 1 });
    lone.take(0, heartbeat(ballot(3, 2)));
    const status: RsmMessage = {
      tag: 'status',
      nonce: 5,
      view: ballot(3, 2),
      leading: false,
      opsComplete: 1,
      truncationPoint: 0,
      sessions: 1,
    };
    const io = lone.take(clientAt(9), { tag: 'statusRequest', nonce: 5 });
    expect(io.sent).toEqual([{ source: lone.me, target: clientAt(9), message: status }]);
  });
});

describe('an application', () => {
  test('that leaves its state as it was does not touch it', () => {
    const lone = new LoneReplica({}, { ...anyRecorder, apply: (state) => ({ state, reply: bytesOf('same') }) });
    lone.decide(1, open());
    const io = lone.decide(1, execute(1));
    expect(answers(io)).toEqual(['0/1 = same']);
    expect(io.touches.map((t) => t.component)).not.toContain('executor.app');
  });
});
