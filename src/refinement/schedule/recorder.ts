/** Notes the schedule of a simulated run, by watching its hosts. */
import type { Host } from '../../host/host.js';
import type { EndPoint } from '../../spec/endpoint.js';
import type { Tagged } from '../cluster.js';
import type { SimulatedSystem } from '../simulation/simulated-system.js';
import type { Received, Schedule, ScheduledStep } from './schedule.js';
import { ScheduleHash } from './schedule-hash.js';
import { type WatchedStep, watched } from './watched-host.js';

/** A cluster that a run drew. */
export interface DrawnCluster<C> {
  readonly constants: C;
  readonly hosts: readonly EndPoint[];
}

/** What a run did, for one run only. */
export class Recorder<C> {
  readonly #steps: ScheduledStep[] = [];
  readonly #hash = new ScheduleHash();
  readonly #lastMs = new Map<EndPoint, number>();
  #cluster: DrawnCluster<C> | undefined;

  /** The steps so far: the recorder's own array. */
  get schedule(): Schedule {
    return this.#steps;
  }

  get traceHash(): string {
    return this.#hash.digest();
  }

  /** The cluster that the run drew; throws before a run. */
  get cluster(): DrawnCluster<C> {
    if (this.#cluster === undefined) throw new Error('no run was recorded');
    return this.#cluster;
  }

  /** `system` with hosts that this recorder watches: run it once. */
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
        return drawn;
      },
    };
  }

  #add<W>(step: WatchedStep<W>): void {
    this.#hash.add(step);
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
