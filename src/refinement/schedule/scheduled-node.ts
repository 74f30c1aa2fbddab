/** One node of a scheduled run: the real host, main loop, step IO and judge, stepped by the schedule alone. */
import type { Host } from '../../host/host.js';
import { MainLoop } from '../../host/main-loop.js';
import { Inbox } from '../../network/inbox.js';
import { Journal } from '../../network/journal.js';
import { PhasedStepIo } from '../../network/phased-step-io.js';
import type { StepRecord } from '../../network/step-io.js';
import type { Check, Violation } from '../../spec/check.js';
import type { EndPoint } from '../../spec/endpoint.js';
import { E } from '../../spec/prelude.js';
import { HostJudge, type Thoroughness } from '../host-judge.js';
import type { SystemDefinition } from '../system.js';
import type { Transition } from '../transition.js';
import { type WatchedStep, watched } from './watched-host.js';

/** What a node is made of. */
export interface ScheduledNodeParts<C, H extends Host<M, W>, S, M, Step, W> {
  readonly definition: SystemDefinition<C, H, S, M, Step, W>;
  readonly constants: C;
  readonly me: EndPoint;
  readonly thoroughness: Thoroughness;
  /** Told of every step; none where nobody looks, which is faster. */
  readonly onStep: ((step: WatchedStep<W>) => void) | undefined;
  readonly onTransition: (transition: Transition<S, M, Step>) => Check;
  readonly onViolation: (me: EndPoint, violation: Violation, record: StepRecord<W> | undefined) => void;
  /** Takes each packet that was released. */
  readonly onRelease: (target: EndPoint, bytes: Uint8Array) => void;
}

/** A packet for the next step. */
interface Delivery {
  readonly source: EndPoint;
  readonly bytes: Uint8Array;
}

/** Packets that one step may be given. */
const inboxMessagesMax = 65_536;

export class ScheduledNode<C, H extends Host<M, W>, S, M, Step, W> {
  readonly #parts: ScheduledNodeParts<C, H, S, M, Step, W>;
  readonly #host: H;
  readonly #judge: HostJudge<C, H, S, M, Step, W>;
  readonly #inbox = new Inbox<M>(inboxMessagesMax);
  readonly #loop: MainLoop<M, W>;
  #nowMs = 0;

  constructor(parts: ScheduledNodeParts<C, H, S, M, Step, W>) {
    const { definition, constants, me } = parts;
    const { codec } = definition.refinement;
    const nowMs = (): number => this.#nowMs;
    this.#parts = parts;
    const host = definition.createHost(constants, me);
    this.#host = parts.onStep === undefined ? host : watched<M, W, H>(host, me, codec, parts.onStep);
    this.#judge = new HostJudge(definition.refinement, constants, me, parts.thoroughness);
    this.#loop = new MainLoop<M, W>({
      host: this.#host,
      io: new PhasedStepIo<M, W>({ me, inbox: this.#inbox, codec, nowMs, ghost: true }),
      transport: { pending: 0, send: parts.onRelease, flush: () => undefined },
      journal: new Journal(1),
      // The schedule says when a step is taken: wishes for one are not heard.
      time: { nowMs, soon: () => undefined, at: () => () => undefined },
      judge: (record) => this.#judged(record),
      onViolation: (violation, record) => parts.onViolation(me, violation, record),
    });
  }

  /** The protocol's state, as the judge has it. */
  get state(): S {
    return this.#judge.state;
  }

  /** Steps that were begun. */
  get steps(): number {
    return this.#loop.steps;
  }

  /** HostInit. */
  init(): Check {
    return this.#judge.compareAll(this.#host);
  }

  /** One step, which finds `packets` in its inbox and `timeMs` on its clock. */
  step(timeMs: number, packets: readonly Delivery[]): void {
    const { me, definition } = this.#parts;
    this.#nowMs = Math.max(this.#nowMs, timeMs);
    for (const { source, bytes } of packets) {
      // From a copy, as on a node: the judge reads `bytes`.
      const message = definition.refinement.codec.decode(new Uint8Array(bytes));
      if (E.isRight(message)) this.#inbox.push({ packet: { source, target: me, message: message.right }, bytes });
    }
    this.#loop.step();
  }

  #judged(record: StepRecord<W>): E.Either<Violation, unknown> {
    const verdict = this.#judge.judge(record, this.#host);
    if (E.isLeft(verdict)) return verdict;
    for (const transition of verdict.right) {
      const check = this.#parts.onTransition(transition);
      if (E.isLeft(check)) return check;
    }
    return E.right(undefined);
  }
}
