/** A state of acceptors and packets for one operation. */
import type { AcceptorRole, RsmPacket } from '../bounded/roles.js';

/** Acceptors, and every packet sent. `digests` is constant: how the domain's batches are named. */
export interface AcceptorsState {
  readonly acceptors: readonly AcceptorRole[];
  readonly sent: readonly RsmPacket[];
  readonly digests: Names;
}

/** The names of batches by their bytes and by their digests, in hexadecimal, cut at 32 digits. */
export interface Names {
  readonly batches: ReadonlyMap<string, string>;
  readonly names: ReadonlyMap<string, string>;
}

/** All sublists. */
export const subsetsOf = <T>(items: readonly T[]): readonly (readonly T[])[] => {
  let lists: readonly (readonly T[])[] = [[]];
  for (const item of items) lists = [...lists, ...lists.map((list) => [...list, item])];
  return lists;
};
