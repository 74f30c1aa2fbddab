/**
 * Planted bugs: patches to the built code that a loader applies in memory, so that hosts and protocols carry no hook for
 * them (docs/adr/0004-plants-are-source-patches.md). A check that none of them trips is not trusted.
 */
import type { CheckKind } from './check-kind.js';

/** One change of one built file: `find` must occur exactly once, blanks counting as equal, or the plant has failed. */
export interface Patch {
  /** Path of the source below the package's root, with the ending `.js`. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** How a plant is looked for: options of `simulate`. */
export interface Hunt {
  /** Seeds tried for one search, at most. */
  readonly runs: number;
  readonly steps: number;
  readonly nodes?: number;
  /** Names of faults; all unless given. */
  readonly faults?: readonly string[];
}

/** A known bug; or a control, an equivalent change that must stay green; or a fault of a check. */
export interface Plant {
  readonly id: string;
  readonly title: string;
  /** Systems or texts in which the bug was seen. */
  readonly seenIn: string;
  /** Where it is planted here, and what stands in for the original form if that has no place. */
  readonly planted: string;
  /** The checks that must report it, of which one suffices; none for a control. Of a fault of a check: those that must fall silent. */
  readonly checks: readonly CheckKind[];
  readonly patches: readonly Patch[];
  /**
   * The patches are a fault of a check, and this is the id of a bug that the check reports: both are planted together, and the
   * fault is noticed by that bug no longer being reported by `checks`.
   */
  readonly breaks?: string;
  readonly hunt: Hunt;
}

/** A bug of the protocol, and where the explorer must find it: `ironkeel explore MODEL --plant ID`. */
export interface ExplorationPlant {
  readonly id: string;
  readonly title: string;
  readonly seenIn: string;
  readonly patches: readonly Patch[];
  /** The flags of `explore` with which it is looked for, where it is not told otherwise. */
  readonly size: number;
  readonly bound: number;
  readonly operations?: number;
}

/** What a plant is there to show. */
export type PlantKind = 'bug' | 'control' | 'check fault';

/** What `plant` is there to show. */
export const kindOf = ({ checks, breaks }: Plant): PlantKind =>
  breaks !== undefined ? 'check fault' : checks.length === 0 ? 'control' : 'bug';

/** Thrown where a patch does not fit the file: the plant is out of date, and has shown nothing. */
export class PatchMismatch extends Error {
  override readonly name = 'PatchMismatch';
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** The patched source. */
export const applyPatch = (source: string, patch: Patch): string => {
  const pattern = new RegExp(patch.find.trim().split(/\s+/).map(escaped).join('\\s+'), 'g');
  const places = source.match(pattern)?.length ?? 0;
  if (places !== 1)
    throw new PatchMismatch(`"${patch.find}" occurs ${places} times in ${patch.file}, and must occur once`);
  return source.replace(pattern, () => patch.replace);
};
