/**
 * Hosts under a load that is known: keys with weights, of which each request is drawn. What hosts observe comes from these requests,
 * through their own sample; what they really have to do comes from the weights.
 */
import { Random } from '../../src/refinement/random.js';
import { averagedRanges, type Proposal, type RangeLoad } from '../../systems/ironkv/client.js';
import { bytesOfKey, textOfKey } from '../../systems/ironkv/commands.js';
import { DelegationMap } from '../../systems/ironkv/host/delegation-map.js';
import { LoadSample } from '../../systems/ironkv/host/load-sample.js';

/** A key, and how often it is asked for, compared with others. */
export interface WeightedKey {
  readonly key: string;
  readonly weight: number;
}

const nameOf = (n: number): string => `k${String(n).padStart(3, '0')}`;

/** A thousand keys that are asked for equally often. */
export const uniform: readonly WeightedKey[] = Array.from({ length: 1000 }, (_, n) => ({ key: nameOf(n), weight: 1 }));

/** `k050` gets `share` of all requests, 99 other keys around it the rest. */
export const hotKey = (share: number): readonly WeightedKey[] =>
  Array.from({ length: 100 }, (_, n) => ({ key: nameOf(n), weight: n === 50 ? share : (1 - share) / 99 }));

const periods = 3;

/** Hosts by index; the first owns everything at the start. */
export class LoadModel {
  readonly hosts: readonly number[];
  readonly #keys: readonly WeightedKey[];
  readonly #sum: number;
  readonly #requests: number;
  readonly #draws: 'random' | 'even';
  readonly #map = new DelegationMap(0);
  readonly #random = new Random(7);

  /** `requests` of all hosts in each period: by chance, or as near to the weights as whole numbers can be. */
  constructor(keys: readonly WeightedKey[], hosts: number, requests: number, draw: 'random' | 'even' = 'random') {
    this.hosts = Array.from({ length: hosts }, (_, host) => host);
    this.#keys = keys;
    this.#sum = keys.reduce((sum, { weight }) => sum + weight, 0);
    this.#requests = requests;
    this.#draws = draw;
  }

  /** The host of a key. */
  ownerOf(key: string): number {
    return this.#map.hostAt(this.#map.positionOf(key));
  }

  /** Gives a range to a host. */
  give(lo: string, hi: string | null, host: number): void {
    this.#map.assign(lo, hi, host);
  }

  /** Makes a move. */
  make({ lo, hi, to }: Proposal): void {
    this.give(textOfKey(lo), hi === null ? null : textOfKey(hi), to);
  }

  /** The share of all requests that each host has, by the weights. */
  totals(): readonly number[] {
    const totals = this.hosts.map(() => 0);
    for (const { key, weight } of this.#keys) {
      const owner = this.ownerOf(key);
      totals[owner] = (totals[owner] ?? 0) + weight / this.#sum;
    }
    return totals;
  }

  /** What hosts say after a few periods. */
  observed(): readonly RangeLoad[] {
    return averagedRanges(Array.from({ length: periods }, () => this.#period()));
  }

  #period(): readonly RangeLoad[] {
    const samples = this.hosts.map(() => new LoadSample(1000));
    for (const sample of samples) sample.begin(0);
    for (let i = 0; i < this.#requests; i++) {
      const key = this.#draw(this.#draws === 'even' ? (i + 0.5) / this.#requests : this.#random.next());
      samples[this.ownerOf(key)]?.count(key);
    }
    for (const sample of samples) sample.begin(1000);
    return this.#map.entries().map(({ lo, host }, position) => {
      const hi = this.#map.hiAt(position);
      const { requests, cuts } = (samples[host] as LoadSample).of(lo, hi);
      return {
        ...{ lo: bytesOfKey(lo), hi: hi === null ? null : bytesOfKey(hi), host, requests, keys: 0 },
        cuts: cuts.map(({ key, below }) => ({ key: bytesOfKey(key), below })),
      };
    });
  }

  #draw(share: number): string {
    let left = share * this.#sum;
    for (const { key, weight } of this.#keys) {
      left -= weight;
      if (left < 0) return key;
    }
    return this.#keys.at(-1)?.key ?? '';
  }
}
