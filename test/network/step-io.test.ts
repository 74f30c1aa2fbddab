import { describe, expect, test } from 'vitest';
import type { Codec } from '../../src/network/codec.js';
import { Inbox } from '../../src/network/inbox.js';
import { Journal } from '../../src/network/journal.js';
import { codecOf } from '../../src/network/message-codec.js';
import { PhasedStepIo } from '../../src/network/phased-step-io.js';
import { PhaseError, type StepIo } from '../../src/network/step-io.js';
import { endPoint } from '../../src/spec/endpoint.js';
import { E } from '../../src/spec/prelude.js';
import { type SampleMessage, sampleSchema } from './sample-messages.js';

const me = endPoint('127.0.0.1:7001');
const peer = endPoint('127.0.0.1:7002');
const other = endPoint('127.0.0.1:7003');
const codec = codecOf(sampleSchema);
const ping = (epoch: number): SampleMessage => ({ tag: 'ping', epoch });

const stepOver = (packets: number, ghost = true) => {
  const inbox = new Inbox<SampleMessage>(100);
  for (let i = 0; i < packets; i++) {
    const message = ping(i);
    inbox.push({ packet: { source: peer, target: me, message }, bytes: codec.encode(message) });
  }
  let encoded = 0;
  const counting: Codec<SampleMessage> = {
    decode: codec.decode,
    encode: (message) => {
      encoded++;
      return codec.encode(message);
    },
  };
  const io = new PhasedStepIo<SampleMessage, string>({ me, inbox, codec: counting, nowMs: () => 12.9, ghost });
  return { io, inbox, encodedCount: () => encoded };
};

const tags = (io: PhasedStepIo<SampleMessage, string>): string[] => io.finish().events.map((event) => event.tag);

describe('the IO of a step', () => {
  test('receives in order, up to the count asked for, and records the bytes that arrived', () => {
    const { io, inbox } = stepOver(5);
    const step = io.begin(1);
    expect(step.receiveAll(3).map((packet) => packet.message)).toEqual([ping(0), ping(1), ping(2)]);
    expect(step.receive()?.message).toEqual(ping(3));
    expect(inbox.size).toBe(1);
    const record = io.finish();
    expect(record.step).toBe(1);
    expect(record.events).toEqual(
      [0, 1, 2, 3].map((i) => ({ tag: 'receive', source: peer, bytes: codec.encode(ping(i)) })),
    );
  });

  test('records nothing when all that waits was taken, and a timeout when a receive found nothing', () => {
    const { io } = stepOver(1);
    io.begin(1).receiveAll(10);
    expect(tags(io)).toEqual(['receive']);
    const step = io.begin(2);
    expect(step.receiveAll(10)).toEqual([]);
    expect(step.receive()).toBeUndefined();
    expect(tags(io)).toEqual(['timeout']);
  });

  test('reads the clock in whole milliseconds', () => {
    const { io } = stepOver(0);
    expect(io.begin(1).clock()).toBe(12);
    expect(io.finish().events).toEqual([{ tag: 'clock', timeMs: 12 }]);
  });

  test('encodes a broadcast once and lets its events share the bytes', () => {
    const { io, encodedCount } = stepOver(0);
    const step = io.begin(1);
    step.broadcast([peer, other], ping(9));
    step.broadcast([], ping(8));
    const [a, b] = io.finish().events;
    expect(encodedCount()).toBe(1);
    expect(a).toEqual({ tag: 'send', target: peer, bytes: codec.encode(ping(9)) });
    expect(a?.tag === 'send' && b?.tag === 'send' && a.bytes === b.bytes && b.target === other).toBe(true);
  });

  test('encodes a message when it is sent, so that the host may change it afterwards', () => {
    const { io } = stepOver(0);
    const message = { tag: 'ping' as const, epoch: 1 };
    io.begin(1).send(peer, message);
    message.epoch = 2;
    expect(io.finish().events).toEqual([{ tag: 'send', target: peer, bytes: codec.encode(ping(1)) }]);
  });

  test('names packets to oneself by their index and takes them in any phase', () => {
    const { io } = stepOver(1);
    const step = io.begin(1);
    expect(step.deliverToSelf(ping(1))).toBe(0);
    step.receiveAll(1);
    step.clock();
    expect(step.deliverToSelf(ping(2))).toBe(1);
    step.send(peer, ping(3));
    expect(step.deliverToSelf(ping(4))).toBe(2);
    expect(tags(io)).toEqual(['self', 'receive', 'clock', 'self', 'send', 'self']);
    expect(io.begin(2).deliverToSelf(ping(5))).toBe(0);
  });

  test('keeps what the host records for a judge, and nothing of it without one', () => {
    for (const ghost of [true, false]) {
      const { io } = stepOver(0, ghost);
      const step = io.begin(1);
      step.record('granted');
      step.touch('log', 7);
      step.touch('held');
      const record = io.finish();
      expect(record.actions).toEqual(ghost ? ['granted'] : []);
      expect(record.touches).toEqual(ghost ? [{ component: 'log', key: 7 }, { component: 'held' }] : []);
    }
  });

  type Doing = (step: StepIo<SampleMessage, string>) => unknown;
  const receiveAll: Doing = (step) => step.receiveAll(1);
  const receive: Doing = (step) => step.receive();
  const clock: Doing = (step) => step.clock();
  const send: Doing = (step) => step.send(peer, ping(1));
  const timeout: Doing = (step) => [step.receive(), step.receive(), step.receive()];

  test.each<[string, Doing, Doing]>([
    ['a receive after a send', send, receive],
    ['a receive of all after a send', send, receiveAll],
    ['the clock after a send', send, clock],
    ['a receive after the clock', clock, receive],
    ['a receive of all after the clock', clock, receiveAll],
    ['a second reading of the clock', clock, clock],
    ['a receive after a timeout', timeout, receive],
    ['the clock after a timeout', timeout, clock],
  ])('refuses %s, and the whole step with it', (_, first, second) => {
    const { io } = stepOver(2);
    const step = io.begin(4);
    first(step);
    expect(() => second(step)).toThrow(PhaseError);
    expect(() => io.finish()).toThrow(/in step 4/);
    io.begin(5);
    expect(io.finish().events).toEqual([]);
  });

  test('refuses everything outside of a step', () => {
    const { io } = stepOver(1);
    const step = io.begin(1);
    io.finish();
    for (const doing of [receiveAll, receive, clock, send, (s: typeof step) => s.deliverToSelf(ping(1))]) {
      expect(() => doing(step)).toThrow(/outside of a step/);
    }
    expect(() => io.finish()).toThrow(PhaseError);
  });

  test('sends nothing that its schema does not allow', () => {
    const { io } = stepOver(0);
    expect(() => io.begin(1).send(peer, ping(-1))).toThrow();
    expect(E.isRight(codec.decode(codec.encode(ping(0))))).toBe(true);
    expect(tags(io)).toEqual([]);
  });
});

describe('the inbox', () => {
  test('hands out packets in the order of their arrival, drops what exceeds its bound, and counts it', () => {
    const inbox = new Inbox<number>(1000);
    const datum = (message: number) => ({ packet: { source: peer, target: me, message }, bytes: new Uint8Array(0) });
    let next = 0;
    let expected = 0;
    let dropped = 0;
    const queue: number[] = [];
    for (let round = 0; round < 200; round++) {
      for (let i = 0; i < (round * 37) % 300; i++) {
        const accepted = inbox.push(datum(next));
        expect(accepted).toBe(queue.length < 1000);
        if (accepted) queue.push(next);
        else dropped++;
        next++;
      }
      for (let i = 0; i < (round * 53) % 280; i++) {
        expected = queue.shift() ?? -1;
        expect(inbox.shift()?.packet.message ?? -1).toBe(expected);
      }
      expect(inbox.size).toBe(queue.length);
    }
    expect(dropped).toBeGreaterThan(0);
    expect(inbox.dropped).toBe(dropped);
  });
});

describe('the inbox by bytes', () => {
  test('is bounded in bytes too, but takes one packet of any size', () => {
    const inbox = new Inbox<number>(1000, 100);
    const datum = (bytes: number) => ({
      packet: { source: peer, target: me, message: bytes },
      bytes: new Uint8Array(bytes),
    });
    expect([500, 1].map((n) => inbox.push(datum(n)))).toEqual([true, false]);
    inbox.shift();
    expect([60, 40, 1].map((n) => inbox.push(datum(n)))).toEqual([true, true, false]);
    inbox.shift();
    expect(inbox.push(datum(61))).toBe(false);
    expect(inbox.push(datum(60))).toBe(true);
    expect(inbox.dropped).toBe(3);
  });
});

describe('the journal', () => {
  test('keeps the last steps only, oldest first', () => {
    const journal = new Journal<never>(3);
    const steps = () => journal.window().map((record) => record.step);
    expect(steps()).toEqual([]);
    for (let step = 1; step <= 8; step++) {
      journal.append({ step, events: [], actions: [], touches: [] });
      expect(steps()).toEqual([step - 2, step - 1, step].filter((n) => n > 0));
    }
    expect(journal.appended).toBe(8);
  });
});
