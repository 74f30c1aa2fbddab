/** The main loop of a node (IronFleet, SOSP 2015, section 3.5): nothing leaves that the judge did not pass. */
import { describe, expect, it } from 'vitest';
import { type LoopParts, type LoopTime, MainLoop, type StepJudge } from '../../src/host/main-loop.js';
import { Journal } from '../../src/network/journal.js';
import { PhasedStepIo } from '../../src/network/phased-step-io.js';
import type { Datum, StepIo } from '../../src/network/step-io.js';
import { holds, type Violation, violated } from '../../src/spec/check.js';
import { endPoint } from '../../src/spec/endpoint.js';
import { E } from '../../src/spec/prelude.js';

const me = endPoint('10.0.0.1:7000');
const peer = endPoint('10.0.0.2:7000');

/** Messages are one byte. */
const codec = {
  encode: (n: number) => {
    if (!Number.isInteger(n)) throw new Error('not a byte');
    return Uint8Array.of(n);
  },
  decode: (bytes: Uint8Array) => E.right(bytes[0] ?? 0),
};

/** Time that moves when told to, and calls back in the order of times. */
class ManualTime implements LoopTime {
  #nowMs = 0;
  #timers: { readonly atMs: number; readonly call: () => void }[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  soon(call: () => void): void {
    this.at(this.#nowMs, call);
  }

  at(atMs: number, call: () => void): () => void {
    const timer = { atMs, call };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((t) => t !== timer);
    };
  }

  /** Runs what is due until `timeMs`. */
  runUntil(timeMs: number): void {
    for (;;) {
      const due = this.#timers.filter((t) => t.atMs <= timeMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((t) => t !== due);
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      due.call();
    }
    this.#nowMs = timeMs;
  }
}

interface NodeParts {
  readonly next: (io: StepIo<number, string>, step: number) => void;
  readonly judge?: StepJudge<string>;
  readonly wakeAtMs?: (nowMs: number) => number;
  readonly keep?: LoopParts<number, string>['keep'];
}

const newNode = ({ next, judge, wakeAtMs, keep }: NodeParts) => {
  const time = new ManualTime();
  const inbox: Datum<number>[] = [];
  const left: string[] = [];
  const found: Violation[] = [];
  const journal = new Journal<string>(8);
  let flushes = 0;
  const loop: MainLoop<number, string> = new MainLoop<number, string>({
    host: { next: (io) => next(io, loop.steps), wakeAtMs: () => wakeAtMs?.(time.nowMs()) ?? Infinity },
    io: new PhasedStepIo({ me, inbox, codec, ghost: true, nowMs: () => time.nowMs() }),
    transport: {
      get pending() {
        return inbox.length;
      },
      send: (target, bytes) => left.push(`${target} ${bytes[0]}`),
      flush: () => {
        flushes++;
      },
    },
    journal,
    time,
    judge: judge ?? (() => E.right(undefined)),
    keep,
    onViolation: (violation) => found.push(violation),
  });
  const receive = (n: number): void => {
    inbox.push({ packet: { source: peer, target: me, message: n }, bytes: codec.encode(n) });
    loop.wake();
  };
  return { loop, time, inbox, left, found, journal, receive, flushes: () => flushes };
};

const echo = (io: StepIo<number, string>): void => {
  for (const { source, message } of io.receiveAll(1)) io.send(source, message);
};

describe('the main loop', () => {
  it('releases the packets of a step that the judge passed, and flushes once', () => {
    const node = newNode({
      next: (io) => {
        io.broadcast([peer, me], 1);
        io.send(peer, 2);
      },
    });
    node.loop.step();
    expect(node.left).toEqual([`${peer} 1`, `${me} 1`, `${peer} 2`]);
    expect(node.flushes()).toBe(1);
  });

  it('releases nothing before the verdict', () => {
    const seen: number[] = [];
    const node = newNode({
      next: (io) => io.send(peer, 1),
      judge: () => {
        seen.push(node.left.length);
        return E.right(undefined);
      },
    });
    node.loop.step();
    node.loop.step();
    expect(seen).toEqual([0, 1]);
  });

  it('keeps each step that the judge passed, and no other, before anything of it leaves', () => {
    const kept: (readonly [number, number])[] = [];
    const node = newNode({
      next: (io) => io.send(peer, 1),
      judge: ({ step }) => (step === 3 ? violated('STATE_MISMATCH', 'a rule') : E.right(undefined)),
      keep: ({ step }) => kept.push([step, node.left.length]),
    });
    for (let i = 0; i < 3; i++) node.loop.step();
    expect(kept).toEqual([
      [1, 0],
      [2, 1],
    ]);
  });

  it('never hands a packet to oneself to the network', () => {
    const node = newNode({ next: (io) => io.deliverToSelf(1) });
    node.loop.step();
    expect(node.left).toEqual([]);
    expect(node.flushes()).toBe(0);
  });

  it('steps on packets and timers only', () => {
    let wakeAtMs = 100;
    const next = (io: StepIo<number, string>, step: number): void => {
      echo(io);
      if (step === 2) wakeAtMs = Infinity;
    };
    const node = newNode({ next, wakeAtMs: () => wakeAtMs });
    node.loop.wake();
    node.time.runUntil(99);
    expect(node.loop.steps).toBe(1);
    node.time.runUntil(1000);
    expect(node.loop.steps).toBe(2);
    node.receive(1);
    node.receive(2);
    node.time.runUntil(2000);
    expect(node.loop.steps).toBe(4);
    expect(node.left).toEqual([`${peer} 1`, `${peer} 2`]);
  });
});

/** Ways in which the first step is refused, and the code for each. */
const refusals: readonly (readonly [string, string, Partial<NodeParts>])[] = [
  ['the judge refuses', 'STATE_MISMATCH', { judge: () => violated('STATE_MISMATCH', 'a rule') }],
  [
    'the judge throws',
    'JUDGE_THREW',
    {
      judge: () => {
        throw new Error('no verdict');
      },
    },
  ],
  [
    'its journal cannot be written',
    'JOURNAL_NOT_WRITTEN',
    {
      keep: () => {
        throw new Error('the disk is full');
      },
    },
  ],
  [
    'the host throws',
    'HOST_THREW',
    {
      next: (io) => {
        io.send(peer, 1);
        throw new Error('no step');
      },
    },
  ],
  [
    'the host throws what is no error',
    'HOST_THREW',
    {
      next: (io) => {
        io.send(peer, 1);
        throw 'no step';
      },
    },
  ],
  [
    'the host receives after it sent',
    'REDUCTION_OBLIGATION',
    {
      next: (io) => {
        io.send(peer, 1);
        io.receiveAll(1);
      },
    },
  ],
  [
    'the host reads the clock twice and catches what that throws',
    'REDUCTION_OBLIGATION',
    {
      next: (io) => {
        io.clock();
        try {
          io.clock();
        } catch {
          io.send(peer, 1);
        }
      },
    },
  ],
  ['the host sends what its schema does not allow', 'HOST_THREW', { next: (io) => io.send(peer, JSON.parse('{}')) }],
];

describe('a refused step', () => {
  it.each(refusals)('leaves no trace on the network, and is the last: %s', (_, code, parts) => {
    const node = newNode({
      next: (io) => io.send(peer, 1),
      wakeAtMs: (nowMs) => nowMs + 1,
      ...parts,
    });
    node.receive(1);
    node.time.runUntil(10);
    node.receive(2);
    node.loop.wake();
    node.time.runUntil(1000);
    expect(node.found.map((violation) => violation.code)).toEqual([code]);
    expect(node.left).toEqual([]);
    expect(node.flushes()).toBe(0);
    expect(node.loop.stopped).toBe(true);
    expect(node.loop.steps).toBe(1);
  });

  it('does not take back what left before it', () => {
    const node = newNode({
      next: (io, step) => io.send(peer, step),
      judge: ({ step }) => (step === 3 ? violated('STATE_MISMATCH', 'a rule') : holds),
    });
    for (let i = 0; i < 3; i++) node.loop.step();
    expect(node.left).toEqual([`${peer} 1`, `${peer} 2`]);
  });

  it('stands in the journal, with those before it, for the trace', () => {
    const node = newNode({ next: echo, judge: () => violated('STATE_MISMATCH', 'a rule') });
    node.receive(7);
    node.time.runUntil(1);
    expect(node.journal.window().map(({ events }) => events.map(({ tag }) => tag))).toEqual([['receive', 'send']]);
  });
});
