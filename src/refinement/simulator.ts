/**
 * The simulator: a cluster of real host code in one process, deterministic from its seed, with every check on every
 * step. After FoundationDB's simulation and TigerBeetle's; the checks are IronFleet's (SOSP 2015, section 3).
 */
import type { Host } from '../host/host.js';
import { type SimulatedDatagram, SimulatedNetwork } from '../network/simulated-network.js';
import type { StepRecord } from '../network/step-io.js';
import type { Check, Violation } from '../spec/check.js';
import type { EndPoint } from '../spec/endpoint.js';
import type { Packet } from '../spec/packet.js';
import { E } from '../spec/prelude.js';
import { checkOf, stopsNode } from './check-kind.js';
import type { Tagged } from './cluster.js';
import { ClusterJudge } from './cluster-judge.js';
import { Random } from './random.js';
import { blamed, tookWithoutRight } from './simulation/blame.js';
import { Environment, stranger } from './simulation/environment.js';
import type { HostControl } from './simulation/faults/fault.js';
import { drawStrengths, type FaultName, Faults } from './simulation/faults.js';
import { claimsLiveness } from './simulation/faults-of-network.js';
import { noProgress, type Progress } from './simulation/progress.js';
import type { Found, RunOptions, RunResult } from './simulation/run-result.js';
import { describeStep } from './simulation/shown-step.js';
import { SimulatedNode } from './simulation/simulated-node.js';
import type { SimulatedCluster, SimulatedSystem } from './simulation/simulated-system.js';
import { TraceHash } from './simulation/trace-hash.js';
import { VirtualTime } from './simulation/virtual-time.js';
import type { Transition } from './transition.js';

export type { Found, RunOptions, RunResult } from './simulation/run-result.js';

/** Protocol steps of the cluster between two judgements of everything from scratch, at least. */
const fullJudgementPeriod = 400;

/** As a part of the steps so far: a judgement from scratch costs as much as everything that was sent, so a long run has fewer of them. */
const fullJudgementGrowth = 0.5;

/** Packets of a stranger in a simulated millisecond. */
const strangerRateMax = 0.05;

/** Simulated time without a step of any host after which a phase is over: faults and strangers alone would go on for ever. */
const idleMsMax = 10_000;

/** Where a violation is that belongs to no single host. */
const wholeCluster = 'cluster' as EndPoint;

/** One run of one seed. */
export const simulate = async <C, H extends Host<M, W>, S, M extends Tagged, Step extends Tagged, W, G, Spec, SpecStep>(
  system: SimulatedSystem<C, H, S, M, Step, W, G, Spec, SpecStep>,
  options: RunOptions,
): Promise<RunResult> => {
  const run = new Run(system, options);
  await run.open();
  run.go();
  return run.close();
};

class Run<C, H extends Host<M, W>, S, M extends Tagged, Step extends Tagged, W, G, Spec, SpecStep> {
  readonly #system: SimulatedSystem<C, H, S, M, Step, W, G, Spec, SpecStep>;
  readonly #options: RunOptions;
  readonly #random: Random;
  readonly #time = new VirtualTime();
  readonly #cluster: SimulatedCluster<C, M, S>;
  readonly #judge: ClusterJudge<C, S, M, Step, G, Spec, SpecStep>;
  readonly #network: SimulatedNetwork;
  readonly #faults: Faults;
  readonly #environment: Environment<M>;
  readonly #nodes = new Map<EndPoint, SimulatedNode<C, H, S, M, Step, W>>();
  readonly #hash = new TraceHash();
  readonly #reached: Record<string, number> = {};
  /** Nodes that were handed something of a stranger which no finished step has consumed. */
  readonly #fromStranger = new Set<EndPoint>();
  #steps = 0;
  #transitions = 0;
  #nextFullJudgement = fullJudgementPeriod;
  #lastStepMs = 0;
  #sentBeforeStep = 0;
  #liveness = { steps: 0, ms: 0 };
  #found: Found | undefined;
  #inconclusive: string | undefined;

  constructor(system: SimulatedSystem<C, H, S, M, Step, W, G, Spec, SpecStep>, options: RunOptions) {
    this.#system = system;
    this.#options = options;
    this.#random = new Random(options.seed);
    this.#cluster = system.draw(this.#random.fork(), options);
    const { constants, hosts } = this.#cluster;
    const { protocol, codec } = system.definition.refinement;
    this.#judge = new ClusterJudge(system.model(constants), protocol, constants, hosts, codec.encode);
    this.#network = new SimulatedNetwork((datagram) => this.#faults.send(datagram));
    this.#environment = new Environment({
      codec,
      network: this.#network,
      time: this.#time,
      onSend: (packet) => {
        if (packet.source === stranger) this.#cluster.history?.strangerSent(packet);
        const check = this.#judge.environmentSends(packet);
        if (E.isLeft(check)) this.#onViolation(packet.source, check.left, undefined);
      },
      openDoor: (beside, client, listener) => {
        const node = this.#nodes.get(beside);
        if (node === undefined) throw new Error(`${client} is beside ${beside}, which is no host`);
        return node.openDoor(client, listener);
      },
    });
    this.#faults = new Faults({
      strengths: { ...drawStrengths(this.#random.fork(), options.faults), ...options.strengths },
      random: this.#random.fork(),
      time: this.#time,
      hosts,
      control: this.#hostControl(),
      deliver: (datagram) => this.#deliver(datagram),
    });
    for (const goal of system.goals) this.#reached[goal] = 0;
  }

  async open(): Promise<void> {
    for (const me of this.#cluster.hosts) {
      const node = await SimulatedNode.open<C, H, S, M, Step, W>({
        definition: this.#system.definition,
        constants: this.#cluster.constants,
        me,
        network: this.#network,
        time: this.#time,
        random: this.#random.fork(),
        onStep: (host, record) => this.#onStep(host, record),
        onTransition: (transition) => this.#onTransition(transition),
        onViolation: (host, violation, record) => this.#onViolation(host, violation, record),
      });
      this.#nodes.set(me, node);
    }
    for (const program of this.#cluster.clients) await this.#environment.openClient(program, this.#random.fork());
    await this.#openStranger();
  }

  /** The safety phase, then, once the faults have healed, the liveness phase. */
  go(): void {
    for (const [me, node] of this.#nodes) {
      const init = node.start();
      if (E.isLeft(init)) this.#onViolation(me, init.left, undefined);
    }
    this.#judgeAll();
    const { steps, simulatedMs = Infinity } = this.#options;
    this.#runWhile(() => this.#steps < steps && this.#time.nowMs < simulatedMs);
    this.#faults.heal();
    this.#demandProgress();
    this.#judgeAll();
    this.#judgeHistory();
  }

  async close(): Promise<RunResult> {
    let stepsChecked = 0;
    for (const node of this.#nodes.values()) {
      stepsChecked += node.stepsChecked;
      await node.close();
    }
    await this.#environment.close();
    return {
      seed: this.#options.seed,
      steps: this.#steps,
      stepsChecked,
      specSteps: this.#judge.specSteps,
      simulatedMs: Math.round(this.#time.nowMs),
      livenessSteps: this.#liveness.steps,
      livenessMs: Math.round(this.#liveness.ms),
      faultsFired: this.#faults.fired,
      reached: this.#reached,
      traceHash: this.#hash.digest(),
      found: this.#found,
      inconclusive: this.#inconclusive,
    };
  }

  #runWhile(goesOn: () => boolean): void {
    this.#lastStepMs = this.#time.nowMs;
    const idle = (): boolean => this.#time.nextMs - this.#lastStepMs > idleMsMax;
    while (this.#found === undefined && goesOn() && !idle() && this.#time.runNext());
  }

  #judgeAll(): void {
    if (this.#found !== undefined) return;
    const check = this.#judge.full();
    if (E.isLeft(check)) this.#onViolation(wholeCluster, check.left, undefined);
  }

  /** What clients were told, once nothing else is wrong. */
  #judgeHistory(): void {
    if (this.#found !== undefined) return;
    const verdict = this.#cluster.history?.judge();
    if (verdict?.answer === 'not') this.#onViolation(wholeCluster, verdict.violation, undefined);
    if (verdict?.answer === 'unknown') this.#inconclusive = verdict.why;
  }

  #demandProgress(): void {
    const fired = (Object.keys(this.#faults.fired) as FaultName[]).filter((name) => this.#faults.fired[name] > 0);
    if (this.#found !== undefined || !claimsLiveness(this.#system.claims, fired)) return;
    const running = this.#cluster.hosts.filter((host) => this.#nodes.get(host)?.gate.crashed === false);
    const stateOf = (host: EndPoint): S => this.#judge.cluster.hosts.get(host) as S;
    const progress = this.#cluster.progress?.({ running, stateOf });
    if (progress !== undefined) this.#awaitProgress(progress);
  }

  #awaitProgress(progress: Progress): void {
    const [fromSteps, fromMs] = [this.#steps, this.#time.nowMs];
    let seenSteps = -1;
    let reached = false;
    this.#runWhile(() => {
      // Whoever waits for an answer has it by the time of the next step at the latest.
      if (seenSteps !== this.#steps) reached = progress.reached();
      seenSteps = this.#steps;
      const late = this.#steps - fromSteps > progress.withinSteps || this.#time.nowMs - fromMs > progress.withinMs;
      return !reached && !late;
    });
    this.#liveness = { steps: this.#steps - fromSteps, ms: this.#time.nowMs - fromMs };
    if (this.#found !== undefined) return;
    const { steps, ms } = this.#liveness;
    if (!progress.reached()) this.#onViolation(wholeCluster, noProgress(progress, steps, ms), undefined);
    const check = progress.check?.();
    if (check !== undefined && E.isLeft(check)) this.#onViolation(wholeCluster, check.left, undefined);
  }

  #hostControl(): HostControl {
    const at = (host: EndPoint) => this.#nodes.get(host);
    return {
      pause: (host) => at(host)?.gate.pause(),
      resume: (host) => {
        const heldBack = at(host)?.gate.heldBack ?? false;
        at(host)?.gate.resume();
        return heldBack;
      },
      crash: (host) => at(host)?.gate.crash(),
      setClockRate: (host, rate) => at(host)?.clock.setRate(rate),
      jumpClock: (host, ms) => at(host)?.clock.jump(ms),
    };
  }

  #deliver(datagram: SimulatedDatagram): void {
    if (this.#nodes.get(datagram.target)?.gate.crashed === true) return;
    if (datagram.source === stranger) this.#fromStranger.add(datagram.target);
    this.#network.deliver(datagram);
  }

  #onStep(me: EndPoint, record: StepRecord<W>): void {
    this.#steps++;
    this.#lastStepMs = this.#time.nowMs;
    this.#sentBeforeStep = this.#nodes.get(me)?.datagramsSent ?? 0;
    this.#hash.add(me, record, this.#time.nowMs);
  }

  #onTransition(transition: Transition<S, M, Step>): Check {
    const goal = this.#system.reached(transition);
    if (goal !== undefined) this.#reached[goal] = (this.#reached[goal] ?? 0) + 1;
    const consumed = this.#system.definition.refinement.protocol.consumes(transition.step);
    if (consumed !== undefined) this.#cluster.history?.handled?.({ ...transition, consumed });
    // Where packets still wait, the stranger's may be among them.
    if (this.#nodes.get(transition.host)?.pending === 0) this.#fromStranger.delete(transition.host);
    const check = this.#judge.observe(transition);
    if (E.isLeft(check)) return check;
    this.#transitions++;
    if (this.#transitions < this.#nextFullJudgement) return check;
    this.#nextFullJudgement = Math.floor(this.#transitions * (1 + fullJudgementGrowth)) + fullJudgementPeriod;
    return this.#judge.full();
  }

  #onViolation(me: EndPoint, found: Violation, record: StepRecord<W> | undefined): void {
    const violation = blamed(found, {
      fromStranger: this.#fromStranger.has(me),
      withoutRight: record !== undefined && this.#tookWithoutRight(me, record),
    });
    const node = this.#nodes.get(me);
    const check = checkOf(violation.code);
    // A host that threw never reached the judge: what it had sent before its last judged step is counted there.
    const silent = node === undefined || record === undefined || node.datagramsSent === this.#sentBeforeStep;
    const steps = node?.window() ?? [];
    this.#found ??= {
      ...violation,
      check,
      seed: this.#options.seed,
      node: me,
      step: record?.step ?? 0,
      timeMs: this.#time.nowMs,
      stoppedBeforeRelease: stopsNode(check) ? silent : undefined,
      trace: steps.map((step) => describeStep(step, this.#system.definition.refinement.codec)),
    };
  }

  #tookWithoutRight(me: EndPoint, { events }: StepRecord<W>): boolean {
    const { definition, withoutRight } = this.#system;
    const lacksRight = (packet: Packet<M>): boolean => withoutRight?.(packet, this.#cluster.constants) === true;
    return tookWithoutRight(me, events, definition.refinement.codec, lacksRight);
  }

  async #openStranger(): Promise<void> {
    const { fired, strengths } = this.#faults;
    if (strengths.stranger === 0) return;
    await this.#environment.openStranger({
      messages: this.#system.strangers,
      hosts: this.#cluster.hosts,
      random: this.#random.fork(),
      rate: strengths.stranger * strangerRateMax,
      onSend: () => {
        if (this.#faults.healed) return false;
        fired.stranger++;
        return true;
      },
    });
  }
}
