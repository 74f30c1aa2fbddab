/** One node of a simulation: the real host, main loop, transport and judge, on a virtual clock and network. */
import { DooredTransport, type DoorListener, type LocalDoor } from '../../host/doors.js';
import type { Host } from '../../host/host.js';
import { MainLoop } from '../../host/main-loop.js';
import { Journal } from '../../network/journal.js';
import { PhasedStepIo } from '../../network/phased-step-io.js';
import type { SimulatedNetwork } from '../../network/simulated-network.js';
import type { StepRecord } from '../../network/step-io.js';
import { openTransport, type Transport } from '../../network/transport.js';
import type { Check, Violation } from '../../spec/check.js';
import type { EndPoint } from '../../spec/endpoint.js';
import { E } from '../../spec/prelude.js';
import { HostJudge } from '../host-judge.js';
import type { Random } from '../random.js';
import type { SystemDefinition } from '../system.js';
import type { Transition } from '../transition.js';
import { HostGate } from './host-gate.js';
import { SimulatedClock } from './simulated-clock.js';
import type { VirtualTime } from './virtual-time.js';

/** Limits that keep a simulated node small. */
const limits = { datagramBytesMax: 1400, inboxMessagesMax: 256, journalSteps: 32 } as const;

/** Time from a wish for a step to the step, at most: packets pile up meanwhile, so that macro steps of all sizes occur. */
const schedulingMsMax = 3;

/** What a node is made of. */
export interface NodeParts<C, H extends Host<M, W>, S, M, Step, W> {
  readonly definition: SystemDefinition<C, H, S, M, Step, W>;
  readonly constants: C;
  readonly me: EndPoint;
  readonly network: SimulatedNetwork;
  readonly time: VirtualTime;
  readonly random: Random;
  /** Called with each step before it is judged. */
  readonly onStep: (me: EndPoint, record: StepRecord<W>) => void;
  readonly onTransition: (transition: Transition<S, M, Step>) => Check;
  readonly onViolation: (me: EndPoint, violation: Violation, record: StepRecord<W> | undefined) => void;
}

export class SimulatedNode<C, H extends Host<M, W>, S, M, Step, W> {
  readonly me: EndPoint;
  readonly clock: SimulatedClock;
  /** Lets steps and timers through while the host runs. */
  readonly gate: HostGate;
  readonly #host: H;
  readonly #judge: HostJudge<C, H, S, M, Step, W>;
  readonly #transport: Transport<M>;
  readonly #doors: DooredTransport<M>;
  readonly #loop: MainLoop<M, W>;
  readonly #journal: Journal<W>;

  private constructor(parts: NodeParts<C, H, S, M, Step, W>, transport: Transport<M>, gate: HostGate) {
    const { definition, constants, me, time, random } = parts;
    const { codec } = definition.refinement;
    // Clocks of different machines do not agree: each has its own offset.
    const clock = new SimulatedClock(time, random.int(0, 10_000));
    const { nowMs } = clock;
    const pass = (step: () => void) => () => gate.pass(step);
    this.gate = gate;
    this.clock = clock;
    this.me = me;
    this.#host = definition.createHost(constants, me);
    this.#judge = new HostJudge(definition.refinement, constants, me, 'full');
    this.#transport = transport;
    this.#doors = new DooredTransport(transport, (callback) => time.after(0, callback));
    this.#journal = new Journal(limits.journalSteps);
    this.#loop = new MainLoop<M, W>({
      host: this.#host,
      io: new PhasedStepIo<M, W>({ me, inbox: transport.inbox, codec, nowMs, ghost: true }),
      transport: this.#doors,
      journal: this.#journal,
      time: {
        nowMs,
        soon: (callback) => {
          time.after(random.between(0, schedulingMsMax), pass(callback));
        },
        at: (timeMs, callback) => clock.at(timeMs, pass(callback)),
      },
      judge: (record) => this.#judged(record, parts),
      onViolation: (violation, record) => parts.onViolation(me, violation, record),
    });
    transport.onMessages(this.#loop.wake);
  }

  /** Binds the node's socket; it takes no step before `start`. */
  static async open<C, H extends Host<M, W>, S, M, Step, W>(
    parts: NodeParts<C, H, S, M, Step, W>,
  ): Promise<SimulatedNode<C, H, S, M, Step, W>> {
    const gate = new HostGate();
    const transport = await openTransport({
      bind: parts.me,
      clusterName: 'simulation',
      codec: parts.definition.refinement.codec,
      datagramBytesMax: limits.datagramBytesMax,
      inboxMessagesMax: limits.inboxMessagesMax,
      messageIdBase: 0,
      nowMs: () => parts.time.nowMs,
      after: (delayMs, callback) => parts.time.after(delayMs, () => gate.pass(callback)),
      dgram: parts.network.dgram,
    });
    if (E.isLeft(transport)) throw new Error(transport.left);
    return new SimulatedNode(parts, transport.right, gate);
  }

  /** HostInit is judged, then the first step is asked for. */
  start(): Check {
    const init = this.#judge.compareAll(this.#host);
    if (E.isRight(init)) this.#loop.wake();
    return init;
  }

  /** Steps that the judge passed. */
  get stepsChecked(): number {
    return this.#judge.stepsChecked;
  }

  /** Packets that wait in the inbox. */
  get pending(): number {
    return this.#transport.pending;
  }

  /** Datagrams that left the node. */
  get datagramsSent(): number {
    return this.#transport.counters.datagramsSent;
  }

  /** The last steps, oldest first. */
  window(): readonly StepRecord<W>[] {
    return this.#journal.window();
  }

  /** Opens a door for `client`, an end point on which nobody else listens (`RunningNode.openDoor`). */
  openDoor(client: EndPoint, listener: DoorListener): LocalDoor<M> {
    return this.#doors.open(client, listener, this.#loop.wake);
  }

  /** Stops the node and frees its end point. */
  async close(): Promise<void> {
    this.#loop.stop();
    await this.#transport.close();
  }

  #judged(record: StepRecord<W>, parts: NodeParts<C, H, S, M, Step, W>): E.Either<Violation, unknown> {
    parts.onStep(this.me, record);
    const verdict = this.#judge.judge(record, this.#host);
    if (E.isLeft(verdict)) return verdict;
    for (const transition of verdict.right) {
      const check = parts.onTransition(transition);
      if (E.isLeft(check)) return check;
    }
    return E.right(undefined);
  }
}
