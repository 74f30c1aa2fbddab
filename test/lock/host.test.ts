import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { StepIo } from '../../src/network/step-io.js';
import type { EndPoint } from '../../src/spec/endpoint.js';
import { E } from '../../src/spec/prelude.js';
import { type LockAction, LockHost } from '../../systems/lock/host.js';
import { type LockMessage, lockCodec } from '../../systems/lock/messages.js';
import { judgedHosts, TestNode } from './host-cluster.js';
import { a, b, choices, configuration, seededChoices, stranger } from './sample.js';

type Io = StepIo<LockMessage, LockAction>;

const bytes = (message: LockMessage): Uint8Array => lockCodec.encode(message);
const decoded = (sent: { readonly target: EndPoint; readonly bytes: Uint8Array }) => {
  const message = lockCodec.decode(sent.bytes);
  return { target: sent.target, message: E.isRight(message) ? message.right : undefined };
};

describe('a host of the lock', () => {
  test('starts in the state of the protocol', () => {
    for (const me of configuration.nodes) {
      const node = new TestNode(me);
      expect(node.judge.compareAll(node.host)).toEqual(E.right(undefined));
    }
    expect(() => new LockHost(configuration, stranger)).toThrow('no node of this lock');
  });

  test('takes a grant and everything else that came in one macro step', () => {
    const node = new TestNode(b);
    node.deliver({ source: a, bytes: bytes({ tag: 'transfer', epoch: 2 }) });
    node.deliver({ source: a, bytes: bytes({ tag: 'transfer', epoch: 2 }) });
    node.deliver({ source: stranger, bytes: bytes({ tag: 'statusRequest', nonce: 1 }) });
    node.deliver({ source: stranger, bytes: bytes({ tag: 'transfer', epoch: 8 }) });
    const { verdict, sends, record } = node.step(100);
    expect(E.isRight(verdict)).toBe(true);
    expect(record.actions.map((r) => r.action)).toEqual(['accept', 'answerAgain', 'answerStatus', 'ignore']);
    expect(sends.map(decoded)).toEqual([
      { target: a, message: { tag: 'locked', epoch: 2 } },
      { target: a, message: { tag: 'locked', epoch: 2 } },
      { target: stranger, message: { tag: 'status', nonce: 1, holds: true, epoch: 2 } },
    ]);
    expect(node.host.wakeAtMs()).toBe(120);
  });

  test('sends a lost grant again when it is due, and sleeps once it is answered', () => {
    const node = new TestNode(a);
    expect(node.step(0).sends.map(decoded)).toEqual([{ target: b, message: { tag: 'transfer', epoch: 2 } }]);
    expect(node.host.wakeAtMs()).toBe(10);
    expect(node.step(9).sends).toEqual([]);
    expect(node.step(10).sends.map(decoded)).toEqual([{ target: b, message: { tag: 'transfer', epoch: 2 } }]);
    node.deliver({ source: b, bytes: bytes({ tag: 'locked', epoch: 2 }) });
    expect(node.step(11).sends).toEqual([]);
    expect(node.host.wakeAtMs()).toBe(Number.POSITIVE_INFINITY);
    expect(node.step(1_000).sends).toEqual([]);
  });

  test('refines the protocol on every step of every run, and the ring the service, whatever is lost or comes twice', () => {
    fc.assert(
      fc.property(choices, fc.integer({ min: 1, max: 200 }), (choose, moves) => {
        expect(judgedHosts(choose, moves).violation).toBeUndefined();
      }),
      { numRuns: 40 },
    );
  });

  test('sometimes does everything that it can do', () => {
    const { violation, epochs, actions } = judgedHosts(seededChoices(1), 5_000);
    expect(violation).toBeUndefined();
    expect(epochs).toBeGreaterThan(20);
    expect([...actions.keys()].sort()).toEqual(['accept', 'answerAgain', 'grant', 'ignore', 'resend', 'settle']);
  });
});

/** The violation that a faulty host runs into within a few seeds; `undefined` if it never does. */
const stopped = (newHost: (me: EndPoint) => LockHost) => {
  for (let seed = 1; seed <= 20; seed++) {
    const { violation } = judgedHosts(seededChoices(seed), 300, newHost);
    if (violation !== undefined) return violation;
  }
  return undefined;
};

/** A host whose IO is bent before it acts. */
const withIo =
  (bend: (io: Io, host: LockHost) => Io): ((me: EndPoint) => LockHost) =>
  (me) =>
    new (class extends LockHost {
      override next(io: Io): void {
        super.next(bend(io, this));
      }
    })(configuration, me);

/** An IO that passes on everything but what `changes` says. */
const bent = (io: Io, changes: Partial<Io>): Io => ({
  me: io.me,
  receiveAll: (max) => io.receiveAll(max),
  receive: () => io.receive(),
  clock: () => io.clock(),
  send: (target, message) => io.send(target, message),
  broadcast: (targets, message) => io.broadcast(targets, message),
  deliverToSelf: (message) => io.deliverToSelf(message),
  record: (action) => io.record(action),
  touch: (component, key) => io.touch(component, key),
  ...changes,
});

/** A host that does something more after each step. */
const thatAlso =
  (act: (host: LockHost, io: Io) => void): ((me: EndPoint) => LockHost) =>
  (me) =>
    new (class extends LockHost {
      override next(io: Io): void {
        super.next(io);
        act(this, io);
      }
    })(configuration, me);

describe('the judge of a node', () => {
  test('stops a host that keeps the lock which it granted', () => {
    const keeps = thatAlso((host) => {
      if (host.awaitsAnswer) host.holds = true;
    });
    expect(stopped(keeps)).toMatchObject({ code: 'STATE_MISMATCH', evidence: { component: 'role' } });
  });

  test('stops a host that changes its epoch without a word', () => {
    const drifts = thatAlso((host) => {
      if (host.epoch > 2) host.epoch++;
    });
    expect(stopped(drifts)).toMatchObject({ evidence: { component: 'epoch' } });
  });

  test('stops a host that sends a grant too much, another grant, or none', () => {
    const twice = withIo((io) =>
      bent(io, {
        send: (target, message) => {
          io.send(target, message);
          if (message.tag === 'transfer') io.send(target, message);
        },
      }),
    );
    const skips = withIo((io) =>
      bent(io, {
        send: (target, m) => io.send(target, m.tag === 'transfer' ? { tag: 'transfer', epoch: m.epoch + 1 } : m),
      }),
    );
    const silent = withIo((io) =>
      bent(io, { send: (target, message) => (message.tag === 'locked' ? undefined : io.send(target, message)) }),
    );
    for (const faulty of [twice, skips, silent]) expect(stopped(faulty)).toMatchObject({ code: 'SENDS_MISMATCH' });
  });

  test('stops a host that takes an old grant, and one that stopped listening', () => {
    const goesBack = withIo((io, host) =>
      bent(io, {
        record: (action) => {
          if (action.action === 'answerAgain') {
            host.holds = true;
            io.record({ action: 'accept', index: action.index });
          } else io.record(action);
        },
      }),
    );
    expect(stopped(goesBack)).toMatchObject({ code: 'STEP_NOT_ENABLED' });
    const deaf = (me: EndPoint): LockHost =>
      new (class extends LockHost {
        override next(io: Io): void {
          for (const index of io.receiveAll(10).keys()) io.record({ action: 'ignore', index });
          super.next(bent(io, { receiveAll: () => [] }));
        }
      })(configuration, me);
    expect(stopped(deaf)).toMatchObject({ code: 'STEP_NOT_ENABLED' });
  });

  test('stops a host that grants before its time, or leaves a packet out of its records', () => {
    const hasty = withIo((io) => bent(io, { clock: () => io.clock() + 5 }));
    expect(stopped(hasty)).toMatchObject({ code: expect.stringMatching(/STEP_NOT_ENABLED|STATE_MISMATCH/) });
    const forgetful = withIo((io) =>
      bent(io, { record: (action) => (action.action === 'ignore' ? undefined : io.record(action)) }),
    );
    expect(stopped(forgetful)).toMatchObject({ code: 'PACKET_NOT_CONSUMED' });
  });

  test('passes a control: a host that also looks at its state without changing it', () => {
    expect(stopped(thatAlso((host) => void host.wakeAtMs()))).toBeUndefined();
  });
});
