/** Runs a schedule: the same host code and the same judges as in the simulator, and no choice left to chance. */
import type { Host } from '../../host/host.js';
import type { StepRecord } from '../../network/step-io.js';
import { type Check, holds, type Violation } from '../../spec/check.js';
import type { EndPoint } from '../../spec/endpoint.js';
import type { Packet } from '../../spec/packet.js';
import { E } from '../../spec/prelude.js';
import { type CheckKind, checkOf, stopsNode } from '../check-kind.js';
import type { Tagged } from '../cluster.js';
import { ClusterJudge } from '../cluster-judge.js';
import { blamed, tookWithoutRight } from '../simulation/blame.js';
import { stranger } from '../simulation/environment.js';
import type { ScheduledClients, SimulatedSystem } from '../simulation/simulated-system.js';
import type { Transition } from '../transition.js';
import { PacketsOfRun } from './packets-of-run.js';
import type { DrawnCluster } from './recorder.js';
import { packetKey, type Received, type Schedule, type ScheduledStep } from './schedule.js';
import { ScheduleHash } from './schedule-hash.js';
import { ScheduledNode } from './scheduled-node.js';
import { clientStep, type WatchedStep } from './watched-host.js';

/** A violation in a schedule. */
export interface FoundInSchedule extends Violation {
  readonly check: CheckKind;
  /** The host that was stepping, or `cluster`. */
  readonly node: string;
  /**
   * The place of its step in the executed schedule, from 0; the last one for a history that is not linearizable; the schedule's
   * length where something else was found at the end, -1 at the start.
   */
  readonly at: number;
  /** For a violation that stops a node: whether nothing of the refused step left it. */
  readonly stoppedBeforeRelease: boolean | undefined;
}

/** What one step did, for whoever looks at a schedule. */
export interface ExecutedStep<S, M, Step, Spec> {
  readonly scheduled: ScheduledStep;
  /** The protocol's state before the step; none for a step of a client. */
  readonly before: S | undefined;
  /** The protocol's state after the step; that before it where the step was refused; none for a step of a client. */
  readonly after: S | undefined;
  readonly spec: Spec | undefined;
  /** The protocol steps that the host step refines, as far as they were judged. */
  readonly transitions: readonly Transition<S, M, Step>[];
  readonly watched: WatchedStep<unknown> | undefined;
  readonly refused: boolean;
}

/** What running a schedule came to. */
export interface Execution {
  readonly found: FoundInSchedule | undefined;
  /** The schedule as it happened: until the violation, with the packets that were really received, and where each came from. */
  readonly happened: Schedule;
  /** For each step that happened: whether it changed nothing and sent nothing, or told a client nothing. */
  readonly idle: readonly boolean[];
  /** The hash of the whole, and up to and including each step. */
  readonly traceHash: string;
  readonly hashes: readonly string[];
}

/** What an execution tells and keeps besides its result. */
export interface ExecutionOptions<S, M, Step, Spec> {
  readonly onStep?: (step: ExecutedStep<S, M, Step, Spec>) => void;
  /**
   * How much is judged: everything; or, for a search that judges everything at its end, what changed in each host, and the
   * cluster or not. Only an execution that judges everything, or that somebody looks at, has hashes.
   */
  readonly judged?: 'everything' | 'changes' | 'changes of hosts';
  /**
   * Whether the clients of the system take part: steps that are none of a host are theirs, they send only what a client could
   * have sent, and their history is judged at the end.
   */
  readonly clients?: boolean;
  /** Of equal packets, which one a step is shown to receive: the first that was sent, unless given. */
  readonly origin?: 'first' | 'last';
}

/** Protocol steps between two judgements of everything from scratch; everything is judged once more at the end. */
const fullJudgementPeriod = 400;

/** Runs `schedule` on a fresh cluster. A receive of what was never sent, and a step of a host that is not there, do not happen. */
export const execute = <C, H extends Host<M, W>, S, M extends Tagged, Step extends Tagged, W, G, Spec, SpecStep>(
  system: SimulatedSystem<C, H, S, M, Step, W, G, Spec, SpecStep>,
  cluster: DrawnCluster<C>,
  schedule: Schedule,
  options: ExecutionOptions<S, M, Step, Spec> = {},
): Execution => new Run(system, cluster, options).go(schedule);

class Run<C, H extends Host<M, W>, S, M extends Tagged, Step extends Tagged, W, G, Spec, SpecStep> {
  readonly #system: SimulatedSystem<C, H, S, M, Step, W, G, Spec, SpecStep>;
  readonly #constants: C;
  readonly #options: ExecutionOptions<S, M, Step, Spec>;
  /** None where only hosts are judged. */
  readonly #judge: ClusterJudge<C, S, M, Step, G, Spec, SpecStep> | undefined;
  readonly #nodes: ReadonlyMap<EndPoint, ScheduledNode<C, H, S, M, Step, W>>;
  readonly #packets: PacketsOfRun<M>;
  readonly #clients: ScheduledClients<M> | undefined;
  readonly #fromOutside = new Set<string>();
  readonly #hash = new ScheduleHash();
  readonly #happened: ScheduledStep[] = [];
  readonly #idle: boolean[] = [];
  readonly #hashes: string[] = [];
  #step: ScheduledStep | undefined;
  #watched: WatchedStep<W> | undefined;
  #released = 0;
  #transitions: Transition<S, M, Step>[] = [];
  #judged = 0;
  #found: FoundInSchedule | undefined;

  constructor(
    system: SimulatedSystem<C, H, S, M, Step, W, G, Spec, SpecStep>,
    { constants, hosts }: DrawnCluster<C>,
    options: ExecutionOptions<S, M, Step, Spec>,
  ) {
    this.#system = system;
    this.#constants = constants;
    this.#options = options;
    const { definition } = system;
    const { protocol, codec } = definition.refinement;
    const { judged = 'everything' } = options;
    this.#packets = new PacketsOfRun(codec, options.origin ?? 'first');
    this.#clients = options.clients === true ? system.scheduledClients?.(constants) : undefined;
    const cluster = new ClusterJudge(system.model(constants), protocol, constants, hosts, codec.encode);
    this.#judge = judged === 'changes of hosts' ? undefined : cluster;
    const parts = {
      definition,
      constants,
      thoroughness: judged === 'everything' ? ('full' as const) : ('changed' as const),
      onStep:
        judged === 'everything' || options.onStep !== undefined
          ? (step: WatchedStep<W>) => this.#onStep(step)
          : undefined,
      onTransition: (transition: Transition<S, M, Step>) => this.#onTransition(transition),
      onViolation: (me: EndPoint, violation: Violation, _: StepRecord<W> | undefined) =>
        this.#onViolation(me, violation),
      onRelease: (target: EndPoint, bytes: Uint8Array) => this.#onRelease(target, bytes),
    };
    this.#nodes = new Map(hosts.map((me) => [me, new ScheduledNode({ ...parts, me })]));
  }

  go(schedule: Schedule): Execution {
    for (const [me, node] of this.#nodes) this.#check(me, node.init());
    this.#check('cluster', this.#judge?.full() ?? holds);
    for (const step of schedule) {
      if (this.#found !== undefined) break;
      this.#take(step);
    }
    if (this.#found === undefined) this.#check('cluster', this.#judge?.full() ?? holds);
    this.#judgeHistory();
    return {
      found: this.#found,
      happened: this.#happened,
      idle: this.#idle,
      traceHash: this.#hash.digest(),
      hashes: this.#hashes,
    };
  }

  #take(step: ScheduledStep): void {
    const node = this.#nodes.get(step.node);
    if (node === undefined) {
      this.#clientReceives(step);
      return;
    }
    const receives = this.#arrivals(step);
    if (this.#found !== undefined) return;
    const scheduled = { ...step, receives };
    this.#step = scheduled;
    this.#released = 0;
    this.#transitions = [];
    this.#watched = undefined;
    this.#happened.push(scheduled);
    const before = node.state;
    node.step(step.timeMs, receives);
    this.#idle.push(this.#released === 0 && node.state === before && this.#found === undefined);
    this.#hashes.push(this.#hash.digest());
    this.#options.onStep?.({
      scheduled,
      before,
      after: node.state,
      spec: this.#judge?.spec,
      transitions: this.#transitions,
      watched: this.#watched,
      refused: this.#found !== undefined,
    });
  }

  /** A client's step: what hosts sent to it reaches it. */
  #clientReceives(step: ScheduledStep): void {
    if (this.#clients === undefined) return;
    const { codec } = this.#system.definition.refinement;
    const receives = step.receives.flatMap((r) =>
      this.#nodes.has(r.source) ? (this.#packets.find(r, step.node) ?? []) : [],
    );
    if (receives.length === 0) return;
    const scheduled = { ...step, receives };
    this.#step = scheduled;
    let noticed = false;
    for (const { source, bytes } of receives) {
      const message = codec.decode(bytes);
      if (E.isLeft(message)) continue;
      noticed = this.#clients.receives({ source, target: step.node, message: message.right }) || noticed;
    }
    this.#hash.add(clientStep(step.node, receives));
    this.#happened.push(scheduled);
    this.#idle.push(!noticed);
    this.#hashes.push(this.#hash.digest());
    this.#options.onStep?.({
      scheduled,
      before: undefined,
      after: undefined,
      spec: this.#judge?.spec,
      transitions: [],
      watched: undefined,
      refused: false,
    });
  }

  /** The packets of a step that exist in this run. */
  #arrivals(step: ScheduledStep): readonly Received[] {
    const arrived: Received[] = [];
    for (const received of step.receives) {
      const found = this.#nodes.has(received.source) ? this.#packets.find(received, step.node) : received;
      if (found === undefined || !this.#sentFromOutside(found, step.node)) continue;
      arrived.push(found);
    }
    return arrived;
  }

  /** Tells the judge of a packet from outside, once; false for what is no message, or nothing that its client could send. */
  #sentFromOutside({ source, bytes }: Received, target: EndPoint): boolean {
    if (this.#nodes.has(source)) return true;
    const key = packetKey(source, target, bytes);
    if (this.#fromOutside.has(key)) return true;
    const message = this.#system.definition.refinement.codec.decode(bytes);
    if (E.isLeft(message)) return false;
    const packet: Packet<M> = { source, target, message: message.right };
    if (this.#clients?.sends(packet) === false) return false;
    this.#fromOutside.add(key);
    this.#check(source, this.#judge?.environmentSends(packet) ?? holds);
    return true;
  }

  #onStep(step: WatchedStep<W>): void {
    this.#watched = step;
    this.#hash.add(step);
  }

  #onRelease(target: EndPoint, bytes: Uint8Array): void {
    const step = this.#step as ScheduledStep;
    this.#released++;
    this.#packets.add(step.node, step.id, target, bytes);
  }

  #onTransition(transition: Transition<S, M, Step>): Check {
    this.#transitions.push(transition);
    if (this.#judge === undefined) return holds;
    const check = this.#judge.observe(transition);
    if (E.isLeft(check)) return check;
    this.#judged++;
    return this.#judged % fullJudgementPeriod === 0 ? this.#judge.full() : check;
  }

  /** What clients were told, once nothing else is wrong. */
  #judgeHistory(): void {
    if (this.#found !== undefined) return;
    const verdict = this.#clients?.judge();
    if (verdict?.answer !== 'not') return;
    const at = this.#happened.length - 1;
    const check = checkOf(verdict.violation.code);
    this.#found = { ...verdict.violation, check, node: 'cluster', at, stoppedBeforeRelease: undefined };
  }

  #check(node: string, check: Check): void {
    if (E.isLeft(check)) this.#onViolation(node, check.left);
  }

  #onViolation(node: string, violation: Violation): void {
    const receives = this.#step?.receives ?? [];
    const attributed = blamed(violation, {
      fromStranger: receives.some(({ source }) => source === stranger),
      withoutRight: node === this.#step?.node && this.#withoutRight(receives),
    });
    const check = checkOf(attributed.code);
    const stepping = this.#step !== undefined && node === this.#step.node;
    this.#found ??= {
      ...attributed,
      check,
      node,
      at: stepping || this.#happened.length === 0 ? this.#happened.length - 1 : this.#happened.length,
      stoppedBeforeRelease: stopsNode(check) ? this.#released === 0 : undefined,
    };
  }

  #withoutRight(receives: ScheduledStep['receives']): boolean {
    const me = this.#step?.node as EndPoint;
    const events = receives.map(({ source, bytes }) => ({ tag: 'receive' as const, source, bytes }));
    const { definition, withoutRight } = this.#system;
    const lacksRight = (packet: Packet<M>): boolean => withoutRight?.(packet, this.#constants) === true;
    return tookWithoutRight(me, events, definition.refinement.codec, lacksRight);
  }
}
