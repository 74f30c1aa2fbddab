/** What a client repeats at once where no answer comes (README.md, "What clients add"). */
import { expect, test } from 'vitest';
import { Repeats } from '../../systems/ironkv/client/repeats.js';
import { ClientCore } from '../../systems/ironkv/client.js';
import type { Command } from '../../systems/ironkv/commands.js';
import type { Message, Session } from '../../systems/ironkv/messages.js';
import { bytes, get, hostAt } from './host-cluster.js';

const session: Session = { number: 0, nonce: 7 };

/** A client with a session, and one host that answers when it is told to. */
class Dialogue {
  nowMs = 0;
  readonly settled: number[] = [];
  readonly core: ClientCore;
  #asked: number[] = [];

  constructor() {
    this.core = new ClientCore(
      {
        ...{ hosts: [hostAt(0)], ordered: false, window: 64, renewMs: 60_000 },
        ...{
          retryMs: 100,
          retryMsMax: 400,
          random: () => 0.5,
          nonce: () => 7,
          session: { session, next: 0, openedAtMs: 0 },
        },
      },
      {
        send: (_, message) => {
          if (message.tag === 'request') this.#asked.push(message.seqno);
          return true;
        },
        settled: (id) => this.settled.push(id),
      },
    );
  }

  /** Asks for `count` things; their seqnos count on from those before. */
  ask(command: Command, count: number): void {
    for (let n = 0; n < count; n++) this.core.request(this.nowMs, command, Infinity);
  }

  /** The seqnos asked since the last look. */
  asked(): number[] {
    return this.#asked.splice(0);
  }

  /** The seqnos asked in the next round of repetitions. */
  round(): number[] {
    this.asked();
    while (this.#asked.length === 0) this.core.onTime(++this.nowMs);
    return this.asked();
  }

  /** Answers a read with a value of this length; the seqnos that are asked at once. */
  answer(seqno: number, length: number): number[] {
    this.asked();
    const outcome = { tag: 'value', value: new Uint8Array(length) } as const;
    const reply: Message<'reply'> = { tag: 'reply', session, seqno, outcome };
    this.core.onPacket(hostAt(0), reply, this.nowMs);
    return this.asked();
  }
}

const to = (from: number, end: number): number[] => Array.from({ length: end - from }, (_, i) => from + i);
const set = (length: number): Command => ({
  tag: 'set',
  key: bytes('k'),
  value: new Uint8Array(length),
  when: 'always',
});

test('a client that was never answered repeats eight reads at a time, each in its turn', () => {
  const d = new Dialogue();
  d.ask(get('k'), 20);
  expect(d.asked()).toEqual(to(0, 20));
  expect(d.round()).toEqual(to(0, 8));
  const seen = new Set<number>();
  for (let n = 0; n < 4; n++) for (const seqno of d.round()) seen.add(seqno);
  expect([...seen].sort((a, b) => a - b)).toEqual(to(0, 20));
});

test('a client repeats so few in each wait, however its waits for single answers lie, and fewer while none comes', () => {
  const d = new Dialogue();
  for (let n = 0; n < 20; n++) {
    d.ask(get('k'), 1);
    d.nowMs += 5;
  }
  d.asked();
  const repeated: number[] = [];
  for (; d.nowMs <= 1500; d.core.onTime(++d.nowMs)) for (const _ of d.asked()) repeated.push(d.nowMs);
  const between = (from: number, end: number): number => repeated.filter((ms) => ms >= from && ms < end).length;
  // Rounds begin at 100, 200, 400 and 800 milliseconds.
  expect([between(0, 200), between(200, 400), between(400, 800), between(800, 1200)]).toEqual([8, 8, 8, 8]);
});

test('a client repeats all reads at once where values are short', () => {
  const d = new Dialogue();
  d.ask(get('k'), 40);
  for (const seqno of to(0, 30)) d.answer(seqno, 100);
  d.ask(get('k'), 20);
  expect(d.round()).toEqual(to(30, 60));
});

test('a client repeats what it postponed as soon as a short answer shows that it may', () => {
  const d = new Dialogue();
  d.ask(get('k'), 20);
  expect(d.round()).toEqual(to(0, 8));
  expect(d.answer(0, 1)).toEqual(to(8, 18));
  expect(d.answer(1, 1)).toEqual(to(18, 20));
  expect(d.answer(2, 1)).toEqual([]);
});

test('a client repeats one read at a time where values are long, and another one for each answer', () => {
  const d = new Dialogue();
  d.ask(get('k'), 6);
  expect(d.answer(0, 8 << 20)).toEqual([]);
  expect(d.round()).toEqual([1]);
  expect(d.answer(1, 8 << 20)).toEqual([2]);
  expect(d.answer(2, 8 << 20)).toEqual([3]);
  // What was answered is not asked again, and nothing is asked twice.
  expect(d.answer(4, 8 << 20)).toEqual([5]);
  expect(d.answer(5, 8 << 20)).toEqual([]);
  expect(d.answer(3, 8 << 20)).toEqual([]);
  expect([d.settled.length, d.core.busy]).toEqual([6, false]);
});

test('a client repeats all short writes at once, and long ones one at a time', () => {
  const short = new Dialogue();
  short.ask(set(1000), 40);
  expect(short.round()).toEqual(to(0, 40));
  const long = new Dialogue();
  long.ask(set(2 << 20), 3);
  expect(long.round()).toEqual([0]);
});

test('ordered clients that share a socket repeat together what one would, and another long read for each answer', () => {
  const repeats = new Repeats();
  const asked: number[] = [];
  const settled: number[] = [];
  const cores = to(0, 40).map((number) => {
    const core = new ClientCore(
      {
        ...{ hosts: [hostAt(0)], ordered: true, window: 64, renewMs: 60_000, retryMs: 100, retryMsMax: 400, repeats },
        ...{ random: () => 0.5, nonce: () => 7, session: { session: { number, nonce: 7 }, next: 0, openedAtMs: 0 } },
      },
      {
        send: (_, message) => {
          if (message.tag === 'request') asked.push(number);
          return true;
        },
        settled: () => settled.push(number),
      },
    );
    return core;
  });
  const answer = (number: number, nowMs: number): number[] => {
    asked.length = 0;
    const outcome = { tag: 'value', value: new Uint8Array(8 << 20) } as const;
    const reply: Message<'reply'> = { tag: 'reply', session: { number, nonce: 7 }, seqno: 0, outcome };
    cores[number]?.onPacket(hostAt(0), reply, nowMs);
    return [...asked];
  };
  for (const core of cores) core.request(0, get('k'), Infinity);
  expect(asked).toEqual(to(0, 40));
  answer(0, 50);
  let repeated = 0;
  let nowMs = 50;
  for (; nowMs <= 2000; nowMs++) {
    asked.length = 0;
    for (const core of cores) core.onTime(nowMs);
    repeated += asked.length;
  }
  // One for each round, of which each lasts longer than the one before, up to 400 milliseconds.
  expect(repeated).toBeGreaterThan(3);
  expect(repeated).toBeLessThan(12);
  let next = answer(1, nowMs);
  for (let n = 0; n < 38 && next.length > 0; n++) {
    expect(next).toHaveLength(1);
    next = answer(next[0] as number, nowMs);
  }
  expect(settled.length).toBeGreaterThan(30);
  // A session that ends is not asked for again.
  for (const core of cores) core.close();
  asked.length = 0;
  for (let ms = 0; ms < 2000; ms++) for (const core of cores) core.onTime(nowMs + ms);
  expect(asked).toEqual([]);
});
