/** The judge of a node: every way in which a host step can differ from the protocol is reported, on a small system. */
import { describe, expect, it } from 'vitest';
import type { StepEvent } from '../../src/network/step-io.js';
import { E, O } from '../../src/spec/prelude.js';
import {
  add,
  client,
  codeOf,
  me,
  nodeWith,
  note,
  peer,
  type TallyAction,
  TallyHost,
  type TallyIo,
  TallyNode,
  tallyCodec,
  tallyProtocol,
  tallyRefinement,
  tampered,
  withEvents,
} from './tally.js';

const isSend = ({ tag }: StepEvent): boolean => tag === 'send';

/** The code that a step of the right host gets, which receives two adds, when its action records are changed. */
const codeWithActions = (change: (actions: readonly TallyAction[]) => readonly TallyAction[]): string | undefined =>
  codeOf(tampered(({ actions }) => ({ actions: change(actions) })).step([add(1), add(2)]));

describe('the judge of a node', () => {
  it('passes a host that does what the protocol allows, and counts its steps', () => {
    const node = new TallyNode();
    expect(node.judge.compareAll(node.host)).toEqual(E.right(undefined));
    for (let i = 0; i < 20; i++) expect(codeOf(node.step([add(i), add(1)], i * 3))).toBeUndefined();
    expect(node.judge.stepsChecked).toBe(20);
    expect(node.judge.state.total).toBe(node.host.total);
  });

  it('names the protocol steps of a macro step in order, each with its states and sends', () => {
    const verdict = new TallyNode().step([add(1), add(2)]);
    if (E.isLeft(verdict)) throw new Error(verdict.left.code);
    expect(verdict.right.map(({ step }) => step.tag)).toEqual(['take', 'take', 'announce', 'hear', 'beat']);
    expect(verdict.right.map(({ after }) => after.total)).toEqual([1, 3, 3, 3, 3]);
    expect(verdict.right.map(({ sends }) => sends.length)).toEqual([1, 1, 2, 0, 1]);
  });

  it('passes a step that receives, sends and changes nothing as a stutter', () => {
    const node = new TallyNode();
    node.step([], 1);
    expect(node.step([], 2)).toEqual(E.right([]));
  });

  it('reports a host whose first state is not the initial one', () => {
    const node = nodeWith({ total: 7 });
    expect(codeOf(node.judge.compareAll(node.host))).toBe('STATE_MISMATCH');
  });
});

describe('witnesses are hints, and a wrong one is an alarm', () => {
  it('reports an action that names a packet which the step does not have', () => {
    expect(codeWithActions((a) => [...a, { action: 'take', from: 'received', index: 2 }])).toBe('WITNESS_MISSING');
  });

  it('reports a packet that two actions consume', () => {
    expect(codeWithActions(([first, , ...rest]) => [first as TallyAction, first as TallyAction, ...rest])).toBe(
      'PACKET_NOT_RECEIVED',
    );
  });

  it('passes packets that are consumed in another order than they came in, and reports one that is consumed again, or not at all', () => {
    const takes = ['received', 'received', 'received'].map((from, index) => ({ action: 'take', from, index }) as const);
    const codeWithTakes = (order: readonly number[], last = 2): string | undefined => {
      const reordered = (actions: readonly TallyAction[]): readonly TallyAction[] => [
        ...order.map((i) => takes[i] as TallyAction),
        ...actions.filter(({ action }) => action !== 'take'),
      ];
      const node = tampered(({ actions }) => ({ actions: reordered(actions) }));
      return codeOf(node.step([add(2), add(2), add(last)]));
    };
    for (const order of [
      [0, 1, 2],
      [0, 2, 1],
      [2, 1, 0],
      [1, 0, 2],
    ])
      expect(codeWithTakes(order)).toBeUndefined();
    expect(codeWithTakes([0, 2, 0])).toBe('PACKET_NOT_RECEIVED');
    expect(codeWithTakes([2, 1, 2])).toBe('PACKET_NOT_RECEIVED');
    expect(codeWithTakes([1, 0], 0)).toBe('PACKET_NOT_CONSUMED');
  });

  it('reports a packet that comes from nowhere', () => {
    const forged = { source: client, target: me, message: add(1) };
    const refinement = { ...tallyRefinement, witness: () => ({ tag: 'take' as const, packet: forged }) };
    expect(codeOf(new TallyNode(new TallyHost(), { refinement }).step([add(1)]))).toBe('PACKET_NOT_RECEIVED');
  });

  it('reports a packet that no action consumes', () => {
    expect(codeOf(tampered(() => ({ actions: [] })).step([add(1)]))).toBe('PACKET_NOT_CONSUMED');
  });

  it('reports a host that drops a packet without a word', () => {
    const node = nodeWith({
      next(io: TallyIo) {
        io.receiveAll(1);
      },
    });
    expect(codeOf(node.step([add(1)]))).toBe('PACKET_NOT_CONSUMED');
  });

  it('reports an action that is named before the one that enables it', () => {
    const announceFirst = (actions: readonly TallyAction[]): readonly TallyAction[] => [
      ...actions.filter(({ action }) => action === 'announce'),
      ...actions.filter(({ action }) => action !== 'announce'),
    ];
    expect(codeWithActions(announceFirst)).toBe('STEP_NOT_ENABLED');
  });

  it('reports an action that is named and was not taken', () => {
    expect(codeWithActions((actions) => [...actions, { action: 'announce' }])).toBe('STEP_NOT_ENABLED');
  });

  it('reports an action that was taken and is not named', () => {
    expect(codeWithActions((actions) => actions.filter(({ action }) => action !== 'beat'))).toBe('SENDS_MISMATCH');
  });

  it('reports an action that takes a packet of another kind', () => {
    const asNote = (a: TallyAction): TallyAction => (a.action === 'take' ? { ...a, action: 'hear' } : a);
    expect(codeWithActions((actions) => actions.map(asNote))).toBe('STEP_NOT_ENABLED');
  });

  it('passes two packets in an order other than that of their arrival, where the host says so and acted so', () => {
    const node = nodeWith({
      next(this: TallyHost, io: TallyIo) {
        const packets = io.receiveAll(2);
        for (const index of [1, 0]) {
          const { source, message } = packets[index] as (typeof packets)[number];
          if (message.tag === 'add') this.take(io, index, source, message);
        }
        this.announce(io);
      },
    });
    expect(codeOf(node.step([add(1), add(2)]))).toBeUndefined();
    expect(codeWithActions(([a, b, ...rest]) => [b as TallyAction, a as TallyAction, ...rest])).toBe('SENDS_MISMATCH');
  });
});

describe('packets to oneself', () => {
  const hear: TallyAction = { action: 'hear', from: 'toSelf', index: 0 };

  it('reports one that no step sent', () => {
    const node = nodeWith({
      announce(this: TallyHost, io: TallyIo) {
        io.deliverToSelf(note(5));
        this.hear(io, hear, 5);
      },
    });
    expect(codeOf(node.step())).toBe('SELF_NOT_SENT');
  });

  it('reports one that is consumed before it is sent', () => {
    const swap = ([a, b, announce, heard, ...rest]: readonly TallyAction[]): readonly TallyAction[] =>
      [a, b, heard, announce, ...rest] as readonly TallyAction[];
    expect(codeWithActions(swap)).toBe('SELF_NOT_SENT');
  });

  it('reports one that says something else than was sent', () => {
    const node = nodeWith({
      announce(this: TallyHost, io: TallyIo) {
        io.record({ action: 'announce' });
        this.announced = this.total;
        io.touch('counts');
        io.send(peer, note(this.total));
        io.deliverToSelf(note(this.total + 1));
        this.hear(io, hear, this.total + 1);
      },
    });
    expect(codeOf(node.step([add(1)]))).toBe('SELF_NOT_SENT');
  });

  it('reports one that is delivered and not consumed', () => {
    const node = nodeWith({ hear: () => undefined });
    expect(codeOf(node.step([add(1)]))).toBe('PACKET_NOT_CONSUMED');
  });

  it('passes one that goes out to the network, to be received in a later step', () => {
    const node = nodeWith({
      announce(this: TallyHost, io: TallyIo) {
        if (this.total === this.announced) return;
        io.record({ action: 'announce' });
        this.announced = this.total;
        io.touch('counts');
        io.send(me, note(this.total));
        io.send(peer, note(this.total));
      },
    });
    expect(codeOf(node.step([add(1)]))).toBeUndefined();
    expect(codeOf(node.step([{ source: me, target: me, message: note(1) }]))).toBeUndefined();
    expect(node.host.heard).toBe(1);
  });

  it('reports one that is sent and neither delivered nor released', () => {
    const node = nodeWith({
      announce(this: TallyHost, io: TallyIo) {
        io.record({ action: 'announce' });
        this.announced = this.total;
        io.touch('counts');
        io.send(peer, note(this.total));
      },
    });
    expect(codeOf(node.step([add(1)]))).toBe('SENDS_MISMATCH');
  });
});

describe('the clock', () => {
  it('reports a time-dependent action of a step that did not read it', () => {
    expect(codeOf(withEvents((events) => events.filter(({ tag }) => tag !== 'clock')).step([], 30))).toBe(
      'CLOCK_NOT_READ',
    );
  });

  it('reports an action that uses another time than the one reading', () => {
    const node = nodeWith({
      beat(this: TallyHost, io: TallyIo, timeMs: number) {
        TallyHost.prototype.beat.call(this, io, timeMs + 1);
      },
    });
    expect(codeOf(node.step([], 30))).toBe('CLOCK_NOT_READ');
  });

  it('reports an action before its time', () => {
    const node = nodeWith({
      beat(this: TallyHost, io: TallyIo, timeMs: number) {
        io.record({ action: 'beat', timeMs });
        io.send(peer, { tag: 'beat' });
      },
    });
    expect(codeOf(node.step([], 1))).toBe('STATE_MISMATCH');
    node.host.nextBeatMs = node.judge.state.nextBeatMs;
    const early = new TallyNode();
    early.step([], 1);
    early.host.beat = node.host.beat;
    expect(codeOf(early.step([], 2))).toBe('STEP_NOT_ENABLED');
  });

  it('reports a step that shows two readings', () => {
    const twice = withEvents((events) => events.flatMap((e): StepEvent[] => (e.tag === 'clock' ? [e, e] : [e])));
    expect(codeOf(twice.step())).toBe('REDUCTION_OBLIGATION');
  });

  it('reports a step that receives after it sent', () => {
    const node = withEvents((events) => [...events.filter(isSend), ...events.filter((e) => !isSend(e))]);
    expect(codeOf(node.step([add(1)]))).toBe('REDUCTION_OBLIGATION');
  });
});

describe('what is sent', () => {
  const other: StepEvent = { tag: 'send', target: peer, bytes: tallyCodec.encode({ tag: 'sum', total: 99 }) };

  it.each<[string, (events: readonly StepEvent[]) => readonly StepEvent[]]>([
    ['one too many', (events) => [...events, other]],
    ['one twice', (events) => [...events, events.find(isSend) as StepEvent]],
    ['one too few', (events) => events.slice(0, -1)],
    ['none', (events) => events.filter((e) => !isSend(e))],
    ['another message', (events) => [...events.slice(0, -1), other]],
    ['to someone else', (events) => events.map((e) => (e.tag === 'send' ? { ...e, target: client } : e))],
  ])('is compared in full: %s', (_, change) => {
    expect(codeOf(withEvents(change).step([add(1), add(2)], 30))).toBe('SENDS_MISMATCH');
  });

  it('may leave in another order', () => {
    const reversed = withEvents((events) => [...events.filter((e) => !isSend(e)), ...events.filter(isSend).reverse()]);
    expect(codeOf(reversed.step([add(1), add(2)], 30))).toBeUndefined();
  });

  it('is read from its bytes, and bytes that are no message are reported', () => {
    const garbled = withEvents((events) =>
      events.map((e) => (e.tag === 'send' ? { ...e, bytes: Uint8Array.of(1) } : e)),
    );
    expect(codeOf(garbled.step([add(1)]))).toBe('INVALID_MESSAGE');
  });

  it('carries the name of the sender, whatever the protocol says', () => {
    const forging: typeof tallyProtocol = {
      ...tallyProtocol,
      step: (state, step) => {
        const next = tallyProtocol.step(state, step);
        if (O.isNone(next)) return next;
        return O.some({ ...next.value, sends: next.value.sends.map((p) => ({ ...p, source: peer })) });
      },
    };
    const node = new TallyNode(new TallyHost(), { refinement: { ...tallyRefinement, protocol: forging } });
    expect(codeOf(node.step([add(1)]))).toBe('FOREIGN_SOURCE');
  });
});
