/**
 * A small system for testing the judges: a host that tallies what clients add, tells a peer (and itself) the total, and sends
 * a beat by the clock. Its parts can be replaced one by one, so that each mistake is made alone.
 */
import { codecOf } from '../../src/network/message-codec.js';
import { PhasedStepIo } from '../../src/network/phased-step-io.js';
import { schema, type TypeOf } from '../../src/network/schema.js';
import type { Datum, StepEvent, StepIo, StepRecord } from '../../src/network/step-io.js';
import { PersistentMap } from '../../src/protocol/persistent-map.js';
import type { ProtocolHost, Successor } from '../../src/protocol/protocol.js';
import { HostJudge, type Thoroughness } from '../../src/refinement/host-judge.js';
import type { Component, HostRefinement } from '../../src/refinement/host-refinement.js';
import type { Judged } from '../../src/refinement/macro-step.js';
import { holds, type Violation, violated } from '../../src/spec/check.js';
import { type EndPoint, endPoint } from '../../src/spec/endpoint.js';
import { add as plus } from '../../src/spec/nat.js';
import type { Packet } from '../../src/spec/packet.js';
import { E, O, unreachable } from '../../src/spec/prelude.js';

export const me = endPoint('10.0.0.1:7000');
export const peer = endPoint('10.0.0.2:7000');
export const client = endPoint('10.0.0.9:9000');

/** Milliseconds between two beats. */
export const beatMs = 10;

export const tallySchema = schema((S) =>
  S.sum('tag')({
    add: S.struct({ tag: S.literal('add'), amount: S.nat, memo: S.bytes(16) }),
    sum: S.struct({ tag: S.literal('sum'), total: S.nat }),
    note: S.struct({ tag: S.literal('note'), total: S.nat }),
    beat: S.struct({ tag: S.literal('beat') }),
  }),
);
export type TallyMessage = TypeOf<typeof tallySchema>;
export const tallyCodec = codecOf(tallySchema);

export interface Tally {
  readonly me: EndPoint;
  readonly total: number;
  readonly announced: number;
  readonly heard: number;
  readonly nextBeatMs: number;
  readonly byClient: PersistentMap<EndPoint, number>;
  readonly memos: PersistentMap<number, Uint8Array>;
}

export type TallyStep =
  | { readonly tag: 'take'; readonly packet: Packet<TallyMessage> }
  | { readonly tag: 'hear'; readonly packet: Packet<TallyMessage> }
  | { readonly tag: 'announce' }
  | { readonly tag: 'beat'; readonly timeMs: number };

const packet = (s: Tally, target: EndPoint, message: TallyMessage): Packet<TallyMessage> => ({
  source: s.me,
  target,
  message,
});

const take = (s: Tally, { source, message }: Packet<TallyMessage>): O.Option<Successor<Tally, TallyMessage>> => {
  if (message.tag !== 'add') return O.none;
  const total = plus(s.total, message.amount);
  const byClient = s.byClient.set(source, plus(s.byClient.get(source) ?? 0, message.amount));
  const memos = s.memos.set(s.memos.size, message.memo);
  return O.some({ state: { ...s, total, byClient, memos }, sends: [packet(s, source, { tag: 'sum', total })] });
};

export const tallyStep = (s: Tally, step: TallyStep): O.Option<Successor<Tally, TallyMessage>> => {
  switch (step.tag) {
    case 'take':
      return take(s, step.packet);
    case 'hear': {
      const { message } = step.packet;
      return message.tag === 'note' ? O.some({ state: { ...s, heard: message.total }, sends: [] }) : O.none;
    }
    case 'announce': {
      if (s.total === s.announced) return O.none;
      const note = { tag: 'note', total: s.total } as const;
      return O.some({
        state: { ...s, announced: s.total },
        sends: [packet(s, s.me, note), packet(s, peer, note)],
      });
    }
    case 'beat': {
      if (step.timeMs < s.nextBeatMs) return O.none;
      const sends = [packet(s, peer, { tag: 'beat' })];
      return O.some({ state: { ...s, nextBeatMs: step.timeMs + beatMs }, sends });
    }
    default:
      return unreachable(step);
  }
};

export const tallyProtocol: ProtocolHost<undefined, Tally, TallyMessage, TallyStep> = {
  name: 'tally',
  init: (_, host) => ({
    me: host,
    total: 0,
    announced: 0,
    heard: 0,
    nextBeatMs: 0,
    byClient: PersistentMap.empty(),
    memos: PersistentMap.empty(),
  }),
  step: tallyStep,
  consumes: (step) => ('packet' in step ? step.packet : undefined),
  reads: (step) => ('timeMs' in step ? step.timeMs : undefined),
};

export type TallyAction =
  | { readonly action: 'take' | 'hear'; readonly from: 'received' | 'toSelf'; readonly index: number }
  | { readonly action: 'announce' }
  | { readonly action: 'beat'; readonly timeMs: number };

export type TallyIo = StepIo<TallyMessage, TallyAction>;

/** The host as it should be. */
export class TallyHost {
  total = 0;
  announced = 0;
  heard = 0;
  nextBeatMs = 0;
  readonly byClient = new Map<EndPoint, number>();
  memos: PersistentMap<number, Uint8Array> = PersistentMap.empty();

  next(io: TallyIo): void {
    const packets = io.receiveAll(64);
    const timeMs = io.clock();
    for (const [index, { source, message }] of packets.entries()) {
      if (message.tag === 'add') this.take(io, index, source, message);
      else if (message.tag === 'note') this.hear(io, { action: 'hear', from: 'received', index }, message.total);
    }
    this.announce(io);
    this.beat(io, timeMs);
  }

  wakeAtMs(): number {
    return this.nextBeatMs;
  }

  take(io: TallyIo, index: number, source: EndPoint, add: Extract<TallyMessage, { tag: 'add' }>): void {
    io.record({ action: 'take', from: 'received', index });
    this.total += add.amount;
    io.touch('counts');
    this.byClient.set(source, (this.byClient.get(source) ?? 0) + add.amount);
    io.touch('byClient', source);
    this.memos = this.memos.set(this.memos.size, add.memo);
    io.touch('memos');
    io.send(source, { tag: 'sum', total: this.total });
  }

  hear(io: TallyIo, action: TallyAction, total: number): void {
    io.record(action);
    this.heard = total;
    io.touch('counts');
  }

  announce(io: TallyIo): void {
    if (this.total === this.announced) return;
    io.record({ action: 'announce' });
    this.announced = this.total;
    io.touch('counts');
    const note = { tag: 'note', total: this.total } as const;
    io.send(peer, note);
    this.hear(io, { action: 'hear', from: 'toSelf', index: io.deliverToSelf(note) }, note.total);
  }

  beat(io: TallyIo, timeMs: number): void {
    if (timeMs < this.nextBeatMs) return;
    io.record({ action: 'beat', timeMs });
    this.nextBeatMs = timeMs + beatMs;
    io.touch('timer');
    io.send(peer, { tag: 'beat' });
  }
}

export const tallyComponents: readonly Component<TallyHost, Tally>[] = [
  {
    kind: 'whole',
    name: 'counts',
    host: ({ total, announced, heard }) => ({ total, announced, heard }),
    protocol: ({ total, announced, heard }) => ({ total, announced, heard }),
  },
  { kind: 'whole', name: 'timer', host: (h) => h.nextBeatMs, protocol: (s) => s.nextBeatMs },
  {
    kind: 'table',
    name: 'byClient',
    hostAt: (h, key) => h.byClient.get(key as EndPoint),
    hostKeys: (h) => h.byClient.keys(),
    hostSize: (h) => h.byClient.size,
    protocol: (s) => s.byClient as PersistentMap<string | number, unknown>,
  },
  { kind: 'persistent', name: 'memos', host: (h) => h.memos, protocol: (s) => s.memos },
];

type TallyRefinement = HostRefinement<undefined, TallyHost, Tally, TallyMessage, TallyStep, TallyAction>;

export const tallyRefinement: TallyRefinement = {
  protocol: tallyProtocol,
  codec: tallyCodec,
  witness: (action, context) => {
    if (action.action === 'announce') return { tag: 'announce' };
    if (action.action === 'beat') return { tag: 'beat', timeMs: action.timeMs };
    const found = context[action.from][action.index];
    return found === undefined ? undefined : { tag: action.action, packet: found };
  },
  components: tallyComponents,
  stepInvariants: [
    {
      name: 'what was heard never goes back',
      source: 'this test',
      check: (before, after) =>
        after.heard >= before.heard
          ? holds
          : violated('STEP_INVARIANT', 'what was heard never goes back', { before: before.heard, after: after.heard }),
    },
  ],
  trace: { strip: (state) => state, restore: (_, stripped) => stripped as Tally },
};

export type Verdict = E.Either<Violation, Judged<Tally, TallyMessage, TallyStep>>;

export interface TallyNodeOptions {
  readonly thoroughness?: Thoroughness;
  readonly refinement?: TallyRefinement;
  /** Changes what the judge is shown of a step. */
  readonly tamper?: (record: StepRecord<TallyAction>) => StepRecord<TallyAction>;
}

/** A host, its step IO and its judge, stepped by hand. */
export class TallyNode {
  readonly host: TallyHost;
  readonly judge: HostJudge<undefined, TallyHost, Tally, TallyMessage, TallyStep, TallyAction>;
  readonly #inbox: Datum<TallyMessage>[] = [];
  readonly #io: PhasedStepIo<TallyMessage, TallyAction>;
  readonly #options: TallyNodeOptions;
  #nowMs = 0;
  #step = 0;

  constructor(host = new TallyHost(), options: TallyNodeOptions = {}) {
    this.host = host;
    this.#options = options;
    const refinement = options.refinement ?? tallyRefinement;
    this.judge = new HostJudge(refinement, undefined, me, options.thoroughness ?? 'full');
    const inbox = { shift: () => this.#inbox.shift() };
    this.#io = new PhasedStepIo({ me, inbox, codec: tallyCodec, ghost: true, nowMs: () => this.#nowMs });
  }

  /** One step that receives `packets` (from the client unless they say otherwise) and reads `nowMs`. */
  step(packets: readonly (TallyMessage | Packet<TallyMessage>)[] = [], nowMs = 1): Verdict {
    for (const p of packets) {
      const full = 'message' in p ? p : { source: client, target: me, message: p };
      this.#inbox.push({ packet: full, bytes: tallyCodec.encode(full.message) });
    }
    this.#nowMs = nowMs;
    this.host.next(this.#io.begin(++this.#step));
    const record = this.#io.finish();
    return this.judge.judge(this.#options.tamper?.(record) ?? record, this.host);
  }
}

/** A request to add, with a memo. */
export const add = (amount: number, memo = 'm'): TallyMessage => ({
  tag: 'add',
  amount,
  memo: new Uint8Array(Buffer.from(memo)),
});

/** The code of a violation; of a passed step, none. */
export const codeOf = (verdict: E.Either<Violation, unknown>): string | undefined =>
  E.isLeft(verdict) ? verdict.left.code : undefined;

/** The message that tells a total. */
export const note = (total: number): TallyMessage => ({ tag: 'note', total });

/** A node whose host differs from the right one in the given methods. */
export const nodeWith = (methods: Partial<TallyHost>, options: TallyNodeOptions = {}): TallyNode =>
  new TallyNode(Object.assign(new TallyHost(), methods), options);

/** A node whose right host's records are changed before they are judged. */
export const tampered = (tamper: (record: StepRecord<TallyAction>) => Partial<StepRecord<TallyAction>>): TallyNode =>
  new TallyNode(new TallyHost(), { tamper: (record) => ({ ...record, ...tamper(record) }) });

/** A node whose right host's events are changed before they are judged. */
export const withEvents = (change: (events: readonly StepEvent[]) => readonly StepEvent[]): TallyNode =>
  tampered(({ events }) => ({ events: change(events) }));
