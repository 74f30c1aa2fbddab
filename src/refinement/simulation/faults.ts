/** What the simulated network does to datagrams. Each seed draws its own subset and rates (swarm testing, Groce et al., ISSTA 2012). */
import type { SimulatedDatagram } from '../../network/simulated-network.js';
import type { EndPoint } from '../../spec/endpoint.js';
import type { Random } from '../random.js';
import type { VirtualTime } from './virtual-time.js';

/** The faults that a run can be asked for, by name. */
export const faultNames = ['loss', 'duplicate', 'delay', 'reorder', 'corrupt', 'partition', 'stranger'] as const;

export type FaultName = (typeof faultNames)[number];

/** How many times each fault really happened. */
export type FaultsFired = Record<FaultName, number>;

/** The rates that a seed drew: probabilities for each datagram, and mean times in milliseconds; 0 for a fault that is off. */
export type FaultRates = Readonly<Record<FaultName, number>>;

/** Draws rates for `allowed` faults; each is off in about a third of the seeds. */
export const drawRates = (random: Random, allowed: readonly FaultName[]): FaultRates => {
  const max: FaultRates = {
    loss: 0.25,
    duplicate: 0.25,
    delay: 0.1,
    reorder: 1,
    corrupt: 0.05,
    partition: 1,
    stranger: 0.05,
  };
  const rates = { loss: 0, duplicate: 0, delay: 0, reorder: 0, corrupt: 0, partition: 0, stranger: 0 };
  for (const name of faultNames) {
    // Drawn for every fault, so that switching one off does not shift the others.
    const on = random.chance(2 / 3);
    const rate = random.between(0.1, 1) * max[name];
    if (on && allowed.includes(name)) rates[name] = rate;
  }
  return rates;
};

const baseDelayMs = 1;
const reorderDelayMsMax = 20;
const longDelayMsMax = 400;

/** Decides what happens to each datagram. */
export class FaultyNetwork {
  readonly fired: FaultsFired = { loss: 0, duplicate: 0, delay: 0, reorder: 0, corrupt: 0, partition: 0, stranger: 0 };
  readonly rates: FaultRates;
  readonly #random: Random;
  readonly #time: VirtualTime;
  readonly #deliver: (datagram: SimulatedDatagram) => void;
  readonly #hosts: readonly EndPoint[];
  /** Directed links that are cut, as `source target`. */
  readonly #cut = new Set<string>();

  constructor(
    rates: FaultRates,
    random: Random,
    time: VirtualTime,
    hosts: readonly EndPoint[],
    deliver: (datagram: SimulatedDatagram) => void,
  ) {
    this.rates = rates;
    this.#random = random;
    this.#time = time;
    this.#hosts = hosts;
    this.#deliver = deliver;
    if (rates.partition > 0) this.#planPartition();
  }

  /** Takes a datagram from its sender. */
  send(datagram: SimulatedDatagram): void {
    const r = this.#random;
    if (this.#cut.has(`${datagram.source} ${datagram.target}`)) return;
    if (r.chance(this.rates.loss)) {
      this.fired.loss++;
      return;
    }
    const copies = r.chance(this.rates.duplicate) ? 2 : 1;
    if (copies > 1) this.fired.duplicate++;
    for (let i = 0; i < copies; i++) this.#time.after(this.#delayMs(), this.#arrival(datagram));
  }

  #arrival(datagram: SimulatedDatagram): () => void {
    if (!this.#random.chance(this.rates.corrupt)) return () => this.#deliver(datagram);
    this.fired.corrupt++;
    const bytes = corrupted(datagram.bytes, this.#random);
    return () => this.#deliver({ ...datagram, bytes });
  }

  #delayMs(): number {
    const r = this.#random;
    let delayMs = baseDelayMs;
    if (this.rates.reorder > 0 && r.chance(0.5)) {
      this.fired.reorder++;
      delayMs += r.between(0, this.rates.reorder * reorderDelayMsMax);
    }
    if (r.chance(this.rates.delay)) {
      this.fired.delay++;
      delayMs += r.between(0, longDelayMsMax);
    }
    return delayMs;
  }

  /** Cuts one host off from the other hosts for a while, in one direction or both; then plans the next cut. */
  #planPartition(): void {
    const r = this.#random;
    this.#time.after(r.between(50, 1500) / this.rates.partition, () => {
      const host = r.pick(this.#hosts);
      const ways = r.pick([['in'], ['out'], ['in', 'out'], ['in', 'out']] as const);
      const links = this.#hosts
        .filter((other) => other !== host)
        .flatMap((other) => ways.map((way) => (way === 'in' ? `${other} ${host}` : `${host} ${other}`)));
      for (const link of links) this.#cut.add(link);
      this.fired.partition++;
      this.#time.after(r.between(50, 1500), () => {
        for (const link of links) this.#cut.delete(link);
        this.#planPartition();
      });
    });
  }
}

/** A copy with one bit flipped, or cut short. */
const corrupted = (bytes: Uint8Array, random: Random): Uint8Array => {
  if (bytes.length > 1 && random.chance(0.3)) return bytes.slice(0, random.int(0, bytes.length - 1));
  const copy = bytes.slice();
  const at = random.int(0, copy.length - 1);
  copy[at] = (copy[at] as number) ^ (1 << random.int(0, 7));
  return copy;
};
