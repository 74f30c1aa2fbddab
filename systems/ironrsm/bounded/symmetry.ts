/**
 * The acceptors of the bounded model are interchangeable: an acceptor's steps depend on its index only in the source of what it sends,
 * and proposers and learner are roles apart from it. A permutation renames acceptors in the packets to and from them, in the
 * promises that proposers hold, and in the senders that the learner counts.
 */
import { PersistentMap } from '../../../src/protocol/persistent-map.js';
import type { EndPoint } from '../../../src/spec/endpoint.js';
import type { BoundedState } from './claims.js';
import type { LearnerRole, ProposerRole, RsmPacket } from './roles.js';

/** `permutation[i]` is the new index of acceptor `i`. */
export type Permutation = readonly number[];

/** All permutations of 0 to n - 1, the identity first. */
export const permutations = (n: number): readonly Permutation[] => {
  if (n === 0) return [[]];
  const shorter = permutations(n - 1);
  return Array.from({ length: n }, (_, i) => n - 1 - i).flatMap((at) =>
    shorter.map((rest) => [...rest.slice(0, at), n - 1, ...rest.slice(at)]),
  );
};

/** Renames the parts of a state by one permutation. */
export class Renaming {
  readonly #permutation: Permutation;
  readonly #replicas: readonly EndPoint[];

  constructor(permutation: Permutation, replicas: readonly EndPoint[]) {
    this.#permutation = permutation;
    this.#replicas = replicas;
  }

  #index(i: number): number {
    return this.#permutation[i] as number;
  }

  #endPoint(at: EndPoint): EndPoint {
    return this.#replicas[this.#index(this.#replicas.indexOf(at))] as EndPoint;
  }

  acceptors(list: BoundedState['acceptors']): BoundedState['acceptors'] {
    const renamed = [...list];
    list.forEach((acceptor, i) => {
      renamed[this.#index(i)] = acceptor;
    });
    return renamed;
  }

  proposer(role: ProposerRole): ProposerRole {
    const { promises } = role.proposer;
    if (promises.size === 0) return role;
    const renamed = PersistentMap.of([...promises].map(([i, promise]) => [this.#index(i), promise] as const));
    return { ...role, proposer: { ...role.proposer, promises: renamed } };
  }

  learner(role: LearnerRole): LearnerRole {
    const { slots } = role.learner;
    if (slots.size === 0) return role;
    const renamed = [...slots].map(([opn, slot]) => {
      const senders = slot.senders.map((i) => this.#index(i)).sort((a, b) => a - b);
      return [opn, { ...slot, senders }] as const;
    });
    return { ...role, learner: { ...role.learner, slots: PersistentMap.of(renamed) } };
  }

  packet(packet: RsmPacket): RsmPacket {
    const { tag } = packet.message;
    if (tag === '1a' || tag === '2a') return { ...packet, target: this.#endPoint(packet.target) };
    return { ...packet, source: this.#endPoint(packet.source) };
  }
}
