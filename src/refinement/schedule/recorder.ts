/** Notes the schedule of a simulated run, by watching its hosts and clients. */
import type { Host } from '../../host/host.js';
import type { Codec } from '../../network/codec.js';
import type { EndPoint } from '../../spec/endpoint.js';
import type { Tagged } from '../cluster.js';
import type { ClientIo, ClientProgram, SimulatedSystem } from '../simulation/simulated-system.js';
import type { Received, Schedule, ScheduledStep } from './schedule.js';
import { ScheduleHash } from './schedule-hash.js';
import { clientStep, type WatchedStep, watched } from './watched-host.js';

/** A cluster that a run drew. */
export interface DrawnCluster<C> {
  readonly constants: C;
  readonly hosts: readonly EndPoint[];
}

/** What a run did, for one run only. */
export class Recorder<C> {
  readonly #steps: ScheduledStep[] = [];
  readonly #hash = new ScheduleHash();
  readonly #hashWithClients = new ScheduleHash();
  readonly #lastMs = new Map<EndPoint, number>();
  #cluster: DrawnCluster<C> | undefined;
  #clients = 0;

  /** The hosts' steps so far. */
  get schedule(): Schedule {
    const hosts = new Set(this.cluster.hosts);
    return this.#steps.filter((step) => hosts.has(step.node));
  }

  /** The steps of hosts and clients so far: the recorder's own array. */
  get scheduleWithClients(): Schedule {
    return this.#steps;
  }

  /** Of `schedule`. */
  get traceHash(): string {
    return this.#hash.digest();
  }

  /** Of `scheduleWithClients`. */
  get traceHashWithClients(): string {
    return this.#hashWithClients.digest();
  }

  /** The cluster that the run drew; throws before a run. */
  get cluster(): DrawnCluster<C> {
    if (this.#cluster === undefined) throw new Error('no run was recorded');
    return this.#cluster;
  }

  /** How many clients the run drew. */
  get clients(): number {
    return this.#clients;
  }

  /** `system` with hosts and clients that this recorder watches: run it once. */
  watch<H extends Host<M, W>, S, M extends Tagged, Step extends Tagged, W, G, Spec, SpecStep>(
    system: SimulatedSystem<C, H, S, M, Step, W, G, Spec, SpecStep>,
  ): SimulatedSystem<C, H, S, M, Step, W, G, Spec, SpecStep> {
    const { definition } = system;
    const { codec } = definition.refinement;
    return {
      ...system,
      definition: {
        ...definition,
        createHost: (constants, me) =>
          watched<M, W, H>(definition.createHost(constants, me), me, codec, (step) => this.#add(step)),
      },
      draw: (random, options) => {
        const drawn = system.draw(random, options);
        this.#cluster = { constants: drawn.constants, hosts: drawn.hosts };
        this.#clients = drawn.clients.length;
        return { ...drawn, clients: drawn.clients.map((client) => this.#watchedClient(client, codec)) };
      },
    };
  }

  #watchedClient<M>(client: ClientProgram<M>, codec: Codec<M>): ClientProgram<M> {
    let io: ClientIo<M> | undefined;
    const { bind, beside } = client;
    return {
      ...(bind === undefined ? {} : { bind }),
      beside,
      start: (given) => {
        io = given;
        client.start(given);
      },
      receive: (packet) => {
        const received = { source: packet.source, bytes: codec.encode(packet.message) };
        if (io !== undefined) this.#clientReceived(io.me, io.nowMs(), received);
        client.receive(packet);
      },
    };
  }

  #clientReceived(node: EndPoint, timeMs: number, received: Received): void {
    this.#hashWithClients.add(clientStep(node, [received]));
    this.#steps.push({ id: this.#steps.length, node, timeMs, receives: [received] });
  }

  #add<W>(step: WatchedStep<W>): void {
    this.#hash.add(step);
    this.#hashWithClients.add(step);
    const receives: Received[] = [];
    let timeMs = this.#lastMs.get(step.node) ?? 0;
    for (const event of step.events) {
      if (event.tag === 'receive') receives.push({ source: event.source, bytes: event.bytes });
      if (event.tag === 'clock') timeMs = event.timeMs;
    }
    this.#lastMs.set(step.node, timeMs);
    this.#steps.push({ id: this.#steps.length, node: step.node, timeMs, receives });
  }
}
