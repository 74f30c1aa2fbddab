/**
 * A macro step: one host step as a sequence of protocol steps, run by the protocol from its own state (docs/reduction.md,
 * "Macro step"). The host's action records are hints: a wrong one can only cause an alarm.
 */
import type { Codec } from '../network/codec.js';
import type { StepEvent, StepRecord } from '../network/step-io.js';
import type { Successor } from '../protocol/protocol.js';
import { type Check, holds, type Violation, violated } from '../spec/check.js';
import type { EndPoint } from '../spec/endpoint.js';
import { UnsafeInteger } from '../spec/nat.js';
import type { Packet } from '../spec/packet.js';
import { E, O } from '../spec/prelude.js';
import type { HostRefinement, StepContext } from './host-refinement.js';
import { reductionObligation } from './obligation.js';
import { underOtherClock } from './other-clock.js';
import { type OnSame, sendsDiffer } from './sends.js';
import type { Transition } from './transition.js';
import { showValue } from './values.js';

/** A step that the judge passed: the protocol steps that it refines, in order (none for a stutter). */
export type Judged<S, M, Step> = readonly Transition<S, M, Step>[];

interface Decoded<M> {
  readonly received: readonly Packet<M>[];
  readonly toSelf: readonly Packet<M>[];
  readonly released: readonly Packet<M>[];
  readonly timeMs: number | undefined;
}

/**
 * The verdict on what a step received, did and sent, given the protocol's state before it; the host's state is not looked at.
 * `onSame` hears which packet of the host each packet of the protocol was found equal to.
 */
export const refineStep = <C, H, S, M, Step, W>(
  refinement: HostRefinement<C, H, S, M, Step, W>,
  me: EndPoint,
  from: S,
  record: StepRecord<W>,
  onSame?: OnSame<M>,
): E.Either<Violation, Judged<S, M, Step>> => {
  const obligation = reductionObligation(record.events);
  if (E.isLeft(obligation)) return obligation;
  const decoded = decode(record.events, me, refinement.codec);
  if (E.isLeft(decoded)) return decoded;
  return underOtherClock(() => new MacroStep(refinement, me, decoded.right, onSame).run(from, record.actions));
};

const decode = <M>(events: readonly StepEvent[], me: EndPoint, codec: Codec<M>): E.Either<Violation, Decoded<M>> => {
  const received: Packet<M>[] = [];
  const toSelf: Packet<M>[] = [];
  const released: Packet<M>[] = [];
  let timeMs: number | undefined;
  let lastBytes: Uint8Array | undefined;
  let lastMessage: M | undefined;
  for (const event of events) {
    if (event.tag === 'clock') timeMs = event.timeMs;
    if (event.tag === 'clock' || event.tag === 'timeout') continue;
    // A broadcast's events share their bytes, which were encoded once: they are decoded once.
    if (event.bytes !== lastBytes) {
      const message = codec.decode(event.bytes);
      if (E.isLeft(message))
        return violated('INVALID_MESSAGE', 'only valid messages are sent and taken', {
          event: event.tag,
          why: message.left,
        });
      lastBytes = event.bytes;
      lastMessage = message.right;
    }
    const message = lastMessage as M;
    if (event.tag === 'receive') received.push({ source: event.source, target: me, message });
    else if (event.tag === 'self') toSelf.push({ source: me, target: me, message });
    else released.push({ source: me, target: event.target, message });
  }
  return E.right({ received, toSelf, released, timeMs });
};

/** Packets of a host step that no protocol step consumed yet; different objects all. */
class Unconsumed<M> {
  readonly #packets: readonly Packet<M>[];
  /** Those before it were taken in their order, as most hosts take them. */
  #next = 0;
  /** What is left, once one was taken out of order. */
  #rest: Set<Packet<M>> | undefined;

  constructor(packets: readonly Packet<M>[]) {
    this.#packets = packets;
  }

  get size(): number {
    return this.#rest?.size ?? this.#packets.length - this.#next;
  }

  get first(): Packet<M> | undefined {
    return this.#rest === undefined ? this.#packets[this.#next] : [...this.#rest][0];
  }

  /** Takes `packet` out; `false` where it is not among them, or was taken before. */
  take(packet: Packet<M>): boolean {
    if (this.#rest === undefined) {
      if (packet === this.#packets[this.#next]) {
        this.#next++;
        return true;
      }
      this.#rest = new Set(this.#packets.slice(this.#next));
    }
    return this.#rest.delete(packet);
  }
}

/** One host step as a sequence of protocol steps. */
class MacroStep<C, H, S, M, Step, W> {
  readonly #refinement: HostRefinement<C, H, S, M, Step, W>;
  readonly #context: StepContext<M>;
  readonly #decoded: Decoded<M>;
  readonly #unconsumed: Unconsumed<M>;
  readonly #selfUnconsumed: Unconsumed<M>;
  readonly #sent: Packet<M>[] = [];
  /** Packets to oneself that were sent by an earlier protocol step of this host step, and not consumed. */
  readonly #sentToSelf: Packet<M>[] = [];
  readonly #onSame: OnSame<M> | undefined;

  constructor(
    refinement: HostRefinement<C, H, S, M, Step, W>,
    me: EndPoint,
    decoded: Decoded<M>,
    onSame: OnSame<M> | undefined,
  ) {
    this.#refinement = refinement;
    this.#onSame = onSame;
    this.#decoded = decoded;
    this.#context = { me, received: decoded.received, toSelf: decoded.toSelf, timeMs: decoded.timeMs };
    this.#unconsumed = new Unconsumed(decoded.received);
    this.#selfUnconsumed = new Unconsumed(decoded.toSelf);
  }

  run(from: S, actions: readonly W[]): E.Either<Violation, Judged<S, M, Step>> {
    const transitions: Transition<S, M, Step>[] = [];
    let state = from;
    for (const action of actions) {
      const taken = this.#take(state, action);
      if (E.isLeft(taken)) return taken;
      transitions.push(taken.right);
      state = taken.right.after;
    }
    const end = this.#finish();
    return E.isLeft(end) ? end : E.right(transitions);
  }

  #take(before: S, action: W): E.Either<Violation, Transition<S, M, Step>> {
    const { witness, stepInvariants } = this.#refinement;
    const step = witness(action, this.#context);
    if (step === undefined) {
      return violated('WITNESS_MISSING', 'every action of the host names a protocol step', {
        action: showValue(action),
      });
    }
    const consumed = this.#consume(step, action);
    if (E.isLeft(consumed)) return consumed;
    const next = this.#next(before, step);
    if (next === undefined) {
      return violated('UNSAFE_INTEGER', 'the numbers of the protocol stay within the safe integers', {
        action: showValue(action),
      });
    }
    if (O.isNone(next)) {
      return violated('STEP_NOT_ENABLED', 'every action of the host is an enabled step of the protocol', {
        action: showValue(action),
      });
    }
    const { state: after, sends } = next.value;
    for (const invariant of stepInvariants) {
      const check = invariant.check(before, after);
      if (E.isLeft(check)) return check;
    }
    for (const packet of sends) {
      if (packet.source !== this.#context.me)
        return violated('FOREIGN_SOURCE', 'a host sends in its own name', { packet: showValue(packet) });
      (packet.target === packet.source ? this.#sentToSelf : this.#sent).push(packet);
    }
    return E.right({ host: this.#context.me, before, step, after, sends });
  }

  /** `undefined` where a number would leave the safe integers. */
  #next(before: S, step: Step): O.Option<Successor<S, M>> | undefined {
    try {
      return this.#refinement.protocol.step(before, step);
    } catch (error) {
      if (error instanceof UnsafeInteger) return undefined;
      throw error;
    }
  }

  #consume(step: Step, action: W): Check {
    const { protocol } = this.#refinement;
    const timeMs = protocol.reads(step);
    if (timeMs !== undefined && timeMs !== this.#decoded.timeMs) {
      return violated('CLOCK_NOT_READ', "time-dependent steps use the host step's one clock reading", {
        action: showValue(action),
        timeMs,
      });
    }
    const packet = protocol.consumes(step);
    if (packet === undefined || this.#unconsumed.take(packet)) return holds;
    if (!this.#selfUnconsumed.take(packet)) {
      return violated('PACKET_NOT_RECEIVED', 'a protocol step consumes a packet of this host step, once', {
        action: showValue(action),
      });
    }
    const i = this.#sentToSelf.findIndex((sent) => sendsDiffer([sent], [packet], this.#onSame) === undefined);
    if (i < 0)
      return violated('SELF_NOT_SENT', 'a packet to oneself was sent by an earlier step', {
        packet: showValue(packet),
      });
    this.#sentToSelf.splice(i, 1);
    return holds;
  }

  #finish(): Check {
    const left = this.#unconsumed.size + this.#selfUnconsumed.size;
    if (left > 0) {
      const packet = this.#unconsumed.first ?? this.#selfUnconsumed.first;
      return violated('PACKET_NOT_CONSUMED', 'every packet of a host step is consumed by one protocol step', {
        left,
        packet: showValue(packet),
      });
    }
    // What the protocol sent to itself and the host step did not deliver must have been released like any other packet.
    const difference = sendsDiffer([...this.#sent, ...this.#sentToSelf], this.#decoded.released, this.#onSame);
    if (difference === undefined) return holds;
    return violated('SENDS_MISMATCH', 'the host releases exactly the packets that the protocol sends', difference);
  }
}
