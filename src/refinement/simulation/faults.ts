/**
 * The faults of a simulation, as values that compose: each seed draws its own subset and strengths (swarm testing, Groce et al.,
 * ISSTA 2012), and every fault has a source of choices of its own, so that leaving one out does not shift the others.
 */
import type { SimulatedDatagram } from '../../network/simulated-network.js';
import type { EndPoint } from '../../spec/endpoint.js';
import type { Random } from '../random.js';
import { corrupt, delay, duplicate, loss, reorder } from './faults/datagrams.js';
import type { ActiveFault, Fault, FaultWorld, Flight, HostControl } from './faults/fault.js';
import { crash, jump, pause, skew } from './faults/hosts.js';
import { clog, oneWay, partition } from './faults/links.js';
import type { VirtualTime } from './virtual-time.js';

/** The faults that a run can be asked for, by name. */
export const faultNames = [
  'loss',
  'duplicate',
  'delay',
  'reorder',
  'corrupt',
  'partition',
  'one-way',
  'clog',
  'pause',
  'crash',
  'skew',
  'jump',
  'stranger',
] as const;

export type FaultName = (typeof faultNames)[number];

/** How many times each fault really happened. */
export type FaultsFired = Record<FaultName, number>;

/** How strong a seed drew each fault: above 0, at most 1; 0 for a fault that is off. */
export type FaultStrengths = Readonly<Record<FaultName, number>>;

/** A stranger sends by itself, to hosts that behave: it is no fault of the network, and only drawn here. */
const strangerShare = 2 / 3;

/** Those that act on datagrams, links, hosts and clocks. A datagram meets them in this order. */
const faults: Readonly<Record<Exclude<FaultName, 'stranger'>, Fault>> = {
  partition,
  'one-way': oneWay,
  clog,
  loss,
  duplicate,
  delay,
  reorder,
  corrupt,
  pause,
  crash,
  skew,
  jump,
};

/** Nothing of each. */
export const noFaults = (): FaultsFired =>
  Object.fromEntries(faultNames.map((name) => [name, 0])) as Record<FaultName, number>;

/** Draws strengths for `allowed` faults, each of them off in some of the seeds. */
export const drawStrengths = (random: Random, allowed: readonly FaultName[]): FaultStrengths => {
  const strengths = noFaults();
  for (const name of faultNames) {
    // Drawn for every fault, so that switching one off does not shift the others.
    const on = random.chance(name === 'stranger' ? strangerShare : faults[name].share);
    const strength = random.between(0.1, 1);
    if (on && allowed.includes(name)) strengths[name] = strength;
  }
  return strengths;
};

/** What the faults of a run act on. */
export interface FaultParts {
  readonly strengths: FaultStrengths;
  readonly random: Random;
  readonly time: VirtualTime;
  readonly hosts: readonly EndPoint[];
  readonly control: HostControl;
  readonly deliver: (datagram: SimulatedDatagram) => void;
}

const baseDelayMs = 1;

const present = <T>(value: T | undefined): value is T => value !== undefined;

/** The network and the hosts of a run, with the faults that its seed drew. Decides what happens to each datagram. */
export class Faults {
  readonly fired: FaultsFired = noFaults();
  readonly strengths: FaultStrengths;
  readonly #time: VirtualTime;
  readonly #deliver: (datagram: SimulatedDatagram) => void;
  #active: readonly ActiveFault[] = [];
  #takes: readonly NonNullable<ActiveFault['takes']>[] = [];
  #copies: readonly NonNullable<ActiveFault['copies']>[] = [];
  #alters: readonly NonNullable<ActiveFault['alters']>[] = [];
  #healed = false;

  constructor({ strengths, random, time, hosts, control, deliver }: FaultParts) {
    this.strengths = strengths;
    this.#time = time;
    this.#deliver = deliver;
    const active: ActiveFault[] = [];
    for (const [name, fault] of Object.entries(faults) as [keyof typeof faults, Fault][]) {
      const own = random.fork();
      const world: FaultWorld = {
        hosts,
        control,
        time,
        random: own,
        strength: strengths[name],
        release: (datagram) => this.#schedule(datagram),
        fired: () => {
          this.fired[name]++;
        },
      };
      if (world.strength > 0) active.push(fault.begin(world));
    }
    this.#use(active);
  }

  /** Whether the faults have healed. */
  get healed(): boolean {
    return this.#healed;
  }

  /** Takes a datagram from its sender. */
  send(datagram: SimulatedDatagram): void {
    for (const takes of this.#takes) if (takes(datagram)) return;
    let copies = 1;
    for (const more of this.#copies) copies += more();
    for (let i = 0; i < copies; i++) this.#schedule(datagram);
  }

  /** Ends every fault that can end: from now on every datagram arrives once, soon and unchanged. What is on its way already still arrives. */
  heal(): void {
    const active = this.#active;
    this.#healed = true;
    this.#use([]);
    for (const fault of active) fault.heal?.();
  }

  #use(active: readonly ActiveFault[]): void {
    this.#active = active;
    this.#takes = active.map((fault) => fault.takes).filter(present);
    this.#copies = active.map((fault) => fault.copies).filter(present);
    this.#alters = active.map((fault) => fault.alters).filter(present);
  }

  #schedule(datagram: SimulatedDatagram): void {
    const flight: Flight = { datagram, delayMs: baseDelayMs };
    for (const alters of this.#alters) alters(flight);
    this.#time.after(flight.delayMs, () => this.#deliver(flight.datagram));
  }
}
