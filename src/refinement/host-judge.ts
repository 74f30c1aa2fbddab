/**
 * The judge of one node: on every step it runs the protocol from its own state on what the node received, and compares
 * what the protocol sends and reaches with what the host did (docs/reduction.md, "Macro step"; IronFleet, SOSP 2015,
 * section 3.5). It shares nothing mutable with the host.
 */
import type { StepEvent, StepRecord } from '../network/step-io.js';
import { type Check, holds, type Violation, violated } from '../spec/check.js';
import type { EndPoint } from '../spec/endpoint.js';
import type { Packet } from '../spec/packet.js';
import { E, O } from '../spec/prelude.js';
import { ComponentComparison } from './component-comparison.js';
import type { HostRefinement, StepContext } from './host-refinement.js';
import { reductionObligation } from './obligation.js';
import { sendsDiffer } from './sends.js';
import type { Transition } from './transition.js';
import { showValue } from './values.js';

/** How much is compared in a step: what changed and a slice, or everything too (in simulation, where both verdicts must agree). */
export type Thoroughness = 'changed' | 'full';

/** A step that the judge passed: the protocol steps that it refines, in order (none for a stutter). */
export type Judged<S, M, Step> = readonly Transition<S, M, Step>[];

interface Decoded<M> {
  readonly received: readonly Packet<M>[];
  readonly toSelf: readonly Packet<M>[];
  readonly released: readonly Packet<M>[];
  readonly timeMs: number | undefined;
}

/** Judges the steps of one host, in order. After a violation it must not be asked again. */
export class HostJudge<C, H, S, M, Step, W> {
  readonly #refinement: HostRefinement<C, H, S, M, Step, W>;
  readonly #me: EndPoint;
  readonly #comparison: ComponentComparison<H, S>;
  readonly #thoroughness: Thoroughness;
  #state: S;
  #stepsChecked = 0;

  constructor(
    refinement: HostRefinement<C, H, S, M, Step, W>,
    constants: C,
    me: EndPoint,
    thoroughness: Thoroughness = 'changed',
  ) {
    this.#refinement = refinement;
    this.#me = me;
    this.#comparison = new ComponentComparison(refinement.components);
    this.#thoroughness = thoroughness;
    this.#state = refinement.protocol.init(constants, me);
  }

  /** The protocol's own state: immutable. */
  get state(): S {
    return this.#state;
  }

  /** Steps that were judged and passed. */
  get stepsChecked(): number {
    return this.#stepsChecked;
  }

  /** HostInit: the host's first state abstracts to the protocol's. Also right after a clean stop, as the last comparison. */
  compareAll(host: H): Check {
    return this.#comparison.full(host, this.#state);
  }

  /** HostNext: the verdict on one step, with the host as the step left it. On `Left` nothing of the step may leave the node. */
  judge(record: StepRecord<W>, host: H): E.Either<Violation, Judged<S, M, Step>> {
    const before = this.#state;
    const verdict = this.#refine(record);
    if (E.isLeft(verdict)) return verdict;
    const after = verdict.right.at(-1)?.after ?? before;
    const compared = this.#compare(host, record, before, after);
    if (E.isLeft(compared)) return compared;
    this.#state = after;
    this.#stepsChecked++;
    return verdict;
  }

  #compare(host: H, record: StepRecord<W>, before: S, after: S): Check {
    const changed = this.#comparison.changed(host, record.touches, before, after);
    if (this.#thoroughness === 'changed' || E.isLeft(changed)) return changed;
    const full = this.#comparison.full(host, after);
    if (E.isRight(full)) return full;
    return violated('UNDECLARED_CHANGE', 'a host declares what it changes', full.left.evidence);
  }

  #refine(record: StepRecord<W>): E.Either<Violation, Judged<S, M, Step>> {
    const obligation = reductionObligation(record.events);
    if (E.isLeft(obligation)) return obligation;
    const decoded = this.#decode(record.events);
    if (E.isLeft(decoded)) return decoded;
    return new MacroStep(this.#refinement, this.#me, decoded.right).run(this.#state, record.actions);
  }

  #decode(events: readonly StepEvent[]): E.Either<Violation, Decoded<M>> {
    const received: Packet<M>[] = [];
    const toSelf: Packet<M>[] = [];
    const released: Packet<M>[] = [];
    let timeMs: number | undefined;
    const me = this.#me;
    let lastBytes: Uint8Array | undefined;
    let lastMessage: M | undefined;
    for (const event of events) {
      if (event.tag === 'clock') timeMs = event.timeMs;
      if (event.tag === 'clock' || event.tag === 'timeout') continue;
      // A broadcast's events share their bytes, which were encoded once: they are decoded once.
      if (event.bytes !== lastBytes) {
        const message = this.#refinement.codec.decode(event.bytes);
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
  }
}

/** One host step as a sequence of protocol steps. */
class MacroStep<C, H, S, M, Step, W> {
  readonly #refinement: HostRefinement<C, H, S, M, Step, W>;
  readonly #context: StepContext<M>;
  readonly #decoded: Decoded<M>;
  /** External packets that no protocol step consumed yet. */
  readonly #unconsumed: Set<Packet<M>>;
  readonly #selfUnconsumed: Set<Packet<M>>;
  readonly #sent: Packet<M>[] = [];
  /** Packets to oneself that were sent by an earlier protocol step of this host step, and not consumed. */
  readonly #sentToSelf: Packet<M>[] = [];

  constructor(refinement: HostRefinement<C, H, S, M, Step, W>, me: EndPoint, decoded: Decoded<M>) {
    this.#refinement = refinement;
    this.#decoded = decoded;
    this.#context = { me, received: decoded.received, toSelf: decoded.toSelf, timeMs: decoded.timeMs };
    this.#unconsumed = new Set(decoded.received);
    this.#selfUnconsumed = new Set(decoded.toSelf);
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
    const { protocol, witness, stepInvariants } = this.#refinement;
    const step = witness(action, this.#context);
    if (step === undefined) {
      return violated('WITNESS_MISSING', 'every action of the host names a protocol step', {
        action: showValue(action),
      });
    }
    const consumed = this.#consume(step, action);
    if (E.isLeft(consumed)) return consumed;
    const next = protocol.step(before, step);
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
    if (packet === undefined || this.#unconsumed.delete(packet)) return holds;
    if (!this.#selfUnconsumed.delete(packet)) {
      return violated('PACKET_NOT_RECEIVED', 'a protocol step consumes a packet of this host step, once', {
        action: showValue(action),
      });
    }
    const i = this.#sentToSelf.findIndex((sent) => sendsDiffer([sent], [packet]) === undefined);
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
      const [packet] = [...this.#unconsumed, ...this.#selfUnconsumed];
      return violated('PACKET_NOT_CONSUMED', 'every packet of a host step is consumed by one protocol step', {
        left,
        packet: showValue(packet),
      });
    }
    // What the protocol sent to itself and the host step did not deliver must have been released like any other packet.
    const difference = sendsDiffer([...this.#sent, ...this.#sentToSelf], this.#decoded.released);
    if (difference === undefined) return holds;
    return violated('SENDS_MISMATCH', 'the host releases exactly the packets that the protocol sends', difference);
  }
}
