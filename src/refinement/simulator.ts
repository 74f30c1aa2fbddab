/**
 * The simulator: a cluster of real host code in one process, deterministic from its seed, with every check on every
 * step. After FoundationDB's simulation and TigerBeetle's; the checks are IronFleet's (SOSP 2015, section 3).
 */
import { createHash, type Hash } from 'node:crypto';
import * as fc from 'fast-check';
import type { Host } from '../host/host.js';
import { type SimulatedDatagram, SimulatedNetwork } from '../network/simulated-network.js';
import type { StepRecord } from '../network/step-io.js';
import { openTransport, type Transport } from '../network/transport.js';
import type { Check, Violation } from '../spec/check.js';
import { type EndPoint, endPoint } from '../spec/endpoint.js';
import { E } from '../spec/prelude.js';
import { checkOf, stopsNode } from './check-kind.js';
import type { Tagged } from './cluster.js';
import { ClusterJudge } from './cluster-judge.js';
import { Random } from './random.js';
import { drawRates, type FaultName, type FaultsFired, FaultyNetwork } from './simulation/faults.js';
import { describeStep, type ShownStep } from './simulation/shown-step.js';
import { SimulatedNode } from './simulation/simulated-node.js';
import type { ClientIo, ClientProgram, SimulatedCluster, SimulatedSystem } from './simulation/simulated-system.js';
import { VirtualTime } from './simulation/virtual-time.js';
import type { Transition } from './transition.js';

/** What a run is asked for. */
export interface RunOptions {
  readonly seed: number;
  /** Host steps of the whole cluster after which the run ends. */
  readonly steps: number;
  readonly faults: readonly FaultName[];
  readonly nodes: number | undefined;
}

/** A violation, where it happened, and the steps of that node before it. */
export interface Found extends Violation {
  readonly check: string;
  readonly seed: number;
  readonly node: string;
  readonly step: number;
  readonly timeMs: number;
  /** For a violation that stops a node: whether nothing of the refused step left it. */
  readonly stoppedBeforeRelease: boolean | undefined;
  readonly trace: readonly ShownStep[];
}

/** What a run did. */
export interface RunResult {
  readonly seed: number;
  readonly steps: number;
  readonly stepsChecked: number;
  readonly specSteps: number;
  readonly simulatedMs: number;
  readonly faultsFired: FaultsFired;
  readonly reached: Readonly<Record<string, number>>;
  /** SHA-256 over every step of every node, in order: equal for equal runs. */
  readonly traceHash: string;
  readonly found: Found | undefined;
}

/** Protocol steps of the cluster between two judgements of everything from scratch. */
const fullJudgementPeriod = 400;

const stranger = endPoint('10.66.6.6:6666');
const strangerMessages = 64;

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
  readonly #cluster: SimulatedCluster<C, M>;
  readonly #judge: ClusterJudge<C, S, M, Step, G, Spec, SpecStep>;
  readonly #network: SimulatedNetwork;
  readonly #faults: FaultyNetwork;
  readonly #nodes = new Map<EndPoint, SimulatedNode<C, H, S, M, Step, W>>();
  readonly #clients: Transport<M>[] = [];
  readonly #hash: Hash = createHash('sha256');
  readonly #reached: Record<string, number> = {};
  /** Nodes that were handed something of a stranger which no finished step has consumed. */
  readonly #fromStranger = new Set<EndPoint>();
  #steps = 0;
  #transitions = 0;
  #sentBeforeStep = 0;
  #found: Found | undefined;

  constructor(system: SimulatedSystem<C, H, S, M, Step, W, G, Spec, SpecStep>, options: RunOptions) {
    this.#system = system;
    this.#options = options;
    this.#random = new Random(options.seed);
    this.#cluster = system.draw(this.#random.fork(), { nodes: options.nodes });
    const { constants, hosts } = this.#cluster;
    const { protocol, codec } = system.definition.refinement;
    this.#judge = new ClusterJudge(system.model(constants), protocol, constants, hosts, codec.encode);
    const rates = drawRates(this.#random.fork(), options.faults);
    this.#network = new SimulatedNetwork((datagram) => this.#faults.send(datagram));
    this.#faults = new FaultyNetwork(rates, this.#random.fork(), this.#time, hosts, (d) => this.#deliver(d));
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
    for (const program of this.#cluster.clients) await this.#openClient(program);
    if (this.#faults.rates.stranger > 0) await this.#openStranger();
  }

  go(): void {
    for (const [me, node] of this.#nodes) {
      const init = node.start();
      if (E.isLeft(init)) this.#onViolation(me, init.left, undefined);
    }
    const begun = this.#judge.full();
    if (E.isLeft(begun)) this.#onViolation('cluster' as EndPoint, begun.left, undefined);
    while (this.#found === undefined && this.#steps < this.#options.steps && this.#time.runNext());
    if (this.#found !== undefined) return;
    const end = this.#judge.full();
    if (E.isLeft(end)) this.#onViolation('cluster' as EndPoint, end.left, undefined);
  }

  async close(): Promise<RunResult> {
    let stepsChecked = 0;
    for (const node of this.#nodes.values()) {
      stepsChecked += node.stepsChecked;
      await node.close();
    }
    for (const client of this.#clients) await client.close();
    return {
      seed: this.#options.seed,
      steps: this.#steps,
      stepsChecked,
      specSteps: this.#judge.specSteps,
      simulatedMs: Math.round(this.#time.nowMs),
      faultsFired: this.#faults.fired,
      reached: this.#reached,
      traceHash: this.#hash.digest('hex'),
      found: this.#found,
    };
  }

  #deliver(datagram: SimulatedDatagram): void {
    if (datagram.source === stranger) this.#fromStranger.add(datagram.target);
    this.#network.deliver(datagram);
  }

  #onStep(me: EndPoint, record: StepRecord<W>): void {
    this.#steps++;
    this.#sentBeforeStep = this.#nodes.get(me)?.datagramsSent ?? 0;
    this.#hash.update(`${me} ${record.step} ${this.#time.nowMs} ${JSON.stringify(record.actions)}`);
    for (const event of record.events) {
      this.#hash.update(event.tag);
      if ('bytes' in event) this.#hash.update(event.bytes);
      if (event.tag === 'send') this.#hash.update(event.target);
      if (event.tag === 'receive') this.#hash.update(event.source);
      if (event.tag === 'clock') this.#hash.update(String(event.timeMs));
    }
  }

  #onTransition(transition: Transition<S, M, Step>): Check {
    const goal = this.#system.reached(transition);
    if (goal !== undefined) this.#reached[goal] = (this.#reached[goal] ?? 0) + 1;
    this.#fromStranger.delete(transition.host);
    const check = this.#judge.observe(transition);
    if (E.isLeft(check)) return check;
    this.#transitions++;
    return this.#transitions % fullJudgementPeriod === 0 ? this.#judge.full() : check;
  }

  #onViolation(me: EndPoint, found: Violation, record: StepRecord<W> | undefined): void {
    const violation = this.#attributed(me, found);
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

  /** An exception while a stranger's input was at hand is that stranger's doing: SEC, not an ordinary failure of the host. */
  #attributed(me: EndPoint, violation: Violation): Violation {
    if (violation.code !== 'HOST_THREW' || !this.#fromStranger.has(me)) return violation;
    return {
      code: 'STRANGER_STOPPED_HOST',
      rule: 'input from someone without the right changes nothing',
      evidence: violation.evidence,
    };
  }

  async #openTransport(bind: EndPoint | { readonly address: string }): Promise<Transport<M>> {
    const opened = await openTransport({
      bind,
      clusterName: 'simulation',
      codec: this.#system.definition.refinement.codec,
      datagramBytesMax: 1400,
      inboxMessagesMax: 64,
      messageIdBase: 0,
      nowMs: () => this.#time.nowMs,
      dgram: this.#network.dgram,
    });
    if (E.isLeft(opened)) throw new Error(opened.left);
    this.#clients.push(opened.right);
    return opened.right;
  }

  async #openClient(program: ClientProgram<M>): Promise<void> {
    const transport = await this.#openTransport({ address: '10.9.9.9' });
    const me = transport.me;
    const io: ClientIo<M> = {
      me,
      random: this.#random.fork(),
      nowMs: () => Math.floor(this.#time.nowMs),
      send: (target, message) => this.#sendAs(transport, target, message),
      after: (delayMs, callback) => {
        this.#time.after(delayMs, callback);
      },
    };
    transport.onMessages(() => {
      for (let datum = transport.inbox.shift(); datum !== undefined; datum = transport.inbox.shift())
        program.receive(datum.packet);
    });
    program.start(io);
  }

  #sendAs(transport: Transport<M>, target: EndPoint, message: M): void {
    const check = this.#judge.environmentSends({ source: transport.me, target, message });
    if (E.isLeft(check)) this.#onViolation(transport.me, check.left, undefined);
    transport.send(target, this.#system.definition.refinement.codec.encode(message));
    transport.flush();
  }

  /** Someone who is no host and no client sends valid messages of every kind to hosts. */
  async #openStranger(): Promise<void> {
    const transport = await this.#openTransport(stranger);
    transport.onMessages(() => {
      while (transport.inbox.shift() !== undefined);
    });
    const random = this.#random.fork();
    const messages = fc.sample(this.#system.strangers, { numRuns: strangerMessages, seed: random.int(0, 2 ** 31 - 1) });
    const sendNext = (): void => {
      this.#faults.fired.stranger++;
      this.#sendAs(transport, random.pick(this.#cluster.hosts), random.pick(messages));
      this.#time.after(random.between(1, 2 / this.#faults.rates.stranger), sendNext);
    };
    this.#time.after(random.between(0, 50), sendNext);
  }
}
