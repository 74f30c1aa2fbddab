/**
 * The acceptors of the bounded model are interchangeable: an acceptor's steps depend on its index only in the source of what it sends,
 * and proposers and learner are roles apart from it. A permutation renames acceptors in the packets to and from them, in the
 * promises that proposers hold, and in the senders that the learner counts.
 */
import { PersistentMap } from '../../../src/protocol/persistent-map.js';
import type { EndPoint } from '../../../src/spec/endpoint.js';
import type { BoundedState } from './claims.js';
import type { LearnerRole, ProposerRole, Role, RsmPacket } from './roles.js';
import type { Sent, SentPool } from './sent.js';

/** `permutation[i]` is the new index of acceptor `i`. */
type Permutation = readonly number[];

/** All permutations of 0 to n - 1, the identity first. */
const permutations = (n: number): readonly Permutation[] => {
  if (n === 0) return [[]];
  const shorter = permutations(n - 1);
  return Array.from({ length: n }, (_, i) => n - 1 - i).flatMap((at) =>
    shorter.map((rest) => [...rest.slice(0, at), n - 1, ...rest.slice(at)]),
  );
};

/** Renames the parts of a state by one permutation. */
class Renaming {
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

/** A renaming, and the parts that it was applied to. */
interface RenamedParts {
  readonly renaming: Renaming;
  readonly proposers: Map<ProposerRole, ProposerRole>;
  readonly learners: Map<LearnerRole, LearnerRole>;
  readonly sets: Map<Sent, Sent>;
}

const remembered = <K, V>(known: Map<K, V>, key: K, compute: () => V): V => {
  const old = known.get(key);
  if (old !== undefined) return old;
  const value = compute();
  known.set(key, value);
  return value;
};

const isBefore = (a: Int32Array, b: Int32Array): boolean => {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return (a[i] as number) < (b[i] as number);
  return false;
};

/** Finds what stands for all states that are equal up to the names of acceptors. */
export class Symmetry {
  readonly #proposers: readonly Role<ProposerRole>[];
  readonly #learner: Role<LearnerRole>;
  readonly #sets: SentPool;
  readonly #keyOf: (state: BoundedState) => Int32Array;
  readonly #renamings: readonly RenamedParts[];

  constructor(
    replicas: readonly EndPoint[],
    proposers: readonly Role<ProposerRole>[],
    learner: Role<LearnerRole>,
    sets: SentPool,
    keyOf: (state: BoundedState) => Int32Array,
  ) {
    this.#proposers = proposers;
    this.#learner = learner;
    this.#sets = sets;
    this.#keyOf = keyOf;
    this.#renamings = permutations(replicas.length).map((permutation) => ({
      renaming: new Renaming(permutation, replicas),
      proposers: new Map(),
      learners: new Map(),
      sets: new Map(),
    }));
  }

  /** The one with the least key. */
  canonical(state: BoundedState): BoundedState {
    let best = state;
    let least: Int32Array | undefined;
    for (const parts of this.#renamings) {
      const renamed = this.#renamed(state, parts);
      const key = this.#keyOf(renamed);
      if (least !== undefined && !isBefore(key, least)) continue;
      least = key;
      best = renamed;
    }
    return best;
  }

  #renamed(state: BoundedState, { renaming, proposers, learners, sets }: RenamedParts): BoundedState {
    const sent = this.#sets.of(state.sent);
    const renamedSent = remembered(sets, sent, () => this.#sets.of(sent.packets.map((p) => renaming.packet(p))));
    return {
      proposers: state.proposers.map((value, i) => {
        const { pool } = this.#proposers[i] as Role<ProposerRole>;
        return remembered(proposers, value, () => pool.of(renaming.proposer(value)).value);
      }),
      acceptors: renaming.acceptors(state.acceptors),
      learner: remembered(learners, state.learner, () => this.#learner.pool.of(renaming.learner(state.learner)).value),
      sent: renamedSent.packets,
    };
  }
}
