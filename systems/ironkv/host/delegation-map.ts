/**
 * The delegation map: the infinite map from keys to hosts as the finite list of the places where the host changes
 * (IronFleet, SOSP 2015, section 5.2.2). It is canonical: the first bound is the empty key, bounds ascend, and no two
 * neighbours name one host, so that equal maps have equal lists.
 */
import { floorPosition, lowerBound } from './ordered-table.js';

/** The keys from `lo`, a key text, up to the next entry's belong to the host with index `host`. */
export interface MapEntry {
  readonly lo: string;
  readonly host: number;
}

/** A mutable total map from key texts to hosts' indices. */
export class DelegationMap {
  readonly #los: string[] = [''];
  readonly #hosts: number[];
  #entries: readonly MapEntry[] | undefined;

  /** The map that gives every key to `host`. */
  constructor(host: number) {
    this.#hosts = [host];
  }

  get length(): number {
    return this.#los.length;
  }

  /** The list, the same one until the map changes. */
  entries(): readonly MapEntry[] {
    this.#entries ??= this.#los.map((lo, at) => ({ lo, host: this.#hosts[at] as number }));
    return this.#entries;
  }

  /** The position of the entry in which `key` lies. */
  positionOf(key: string): number {
    return floorPosition(this.#los, key);
  }

  /** The lowest key of the entry at a position that exists. */
  loAt(position: number): string {
    return this.#los[position] as string;
  }

  /** The first key above those of the entry; null where there is none. */
  hiAt(position: number): string | null {
    return this.#los[position + 1] ?? null;
  }

  /** The host of the entry at a position that exists. */
  hostAt(position: number): number {
    return this.#hosts[position] as number;
  }

  /** Whether `host` owns every key of `[lo, hi)`, which is not empty; `hi` null is beyond every key. Neighbours are merged, so that one entry tells. */
  ownsAll(host: number, lo: string, hi: string | null): boolean {
    const position = this.positionOf(lo);
    if (this.hostAt(position) !== host) return false;
    const end = this.hiAt(position);
    return end === null || (hi !== null && hi <= end);
  }

  /** Whether `host` owns any key of `[lo, hi)`, which is not empty. Costs the entries that the range meets. */
  ownsAny(host: number, lo: string, hi: string | null): boolean {
    const { length } = this.#los;
    for (let at = this.positionOf(lo); at < length && (hi === null || (this.#los[at] as string) < hi); at++) {
      if (this.#hosts[at] === host) return true;
    }
    return false;
  }

  /** Gives `[lo, hi)` to `host`; `hi` null is beyond every key. An empty range changes nothing. */
  assign(lo: string, hi: string | null, host: number): void {
    if (hi !== null && lo >= hi) return;
    // Entries from `from` up to `to` are replaced. `to` is the first whose keys all stay as they are.
    const from = lowerBound(this.#los, lo);
    let to = hi === null ? this.#los.length : lowerBound(this.#los, hi);
    const los: string[] = [];
    const hosts: number[] = [];
    if (from === 0 || this.#hosts[from - 1] !== host) {
      los.push(lo);
      hosts.push(host);
    }
    if (hi !== null && this.#los[to] !== hi) {
      // The last entry that the range meets goes on above it.
      const rest = this.#hosts[to - 1] as number;
      if (rest !== host) {
        los.push(hi);
        hosts.push(rest);
      }
    } else if (this.#hosts[to] === host) to++;
    this.#los.splice(from, to - from, ...los);
    this.#hosts.splice(from, to - from, ...hosts);
    this.#entries = undefined;
  }
}
