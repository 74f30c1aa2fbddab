/**
 * The replicas of the bounded model as roles that take steps of the protocol itself. A role is the part of a replica's state
 * that its steps read and change; each step is taken in a replica that is otherwise as at first, and must leave the rest so.
 */
import { PartPool } from '../../../src/refinement/explorer/part-pool.js';
import { equalValues } from '../../../src/refinement/values.js';
import { endPoint } from '../../../src/spec/endpoint.js';
import type { Packet } from '../../../src/spec/packet.js';
import { O } from '../../../src/spec/prelude.js';
import { counter } from '../applications/counter.js';
import { type Configuration, defaultParameters } from '../configuration.js';
import type { RsmMessage } from '../messages.js';
import {
  type Acceptor,
  type Executor,
  initReplica,
  ironrsmProtocol,
  type Replica,
  type ReplicaStep,
} from '../protocol.js';

export type RsmPacket = Packet<RsmMessage>;

/** A replica as a proposer. */
export type ProposerRole = Pick<Replica, 'proposer' | 'election'>;
/** A replica as an acceptor. */
export type AcceptorRole = Acceptor;
/** A replica as a learner and executor. */
export interface LearnerRole {
  readonly learner: Replica['learner'];
  readonly executor: Executor;
}

/** The cluster of the model: periods of 0, since time only guards steps, and batches of one request. */
export const boundedConfiguration = (acceptors: number): Configuration => ({
  replicas: Array.from({ length: acceptors }, (_, i) => endPoint(`10.0.0.${i + 1}:7000`)),
  app: counter,
  parameters: {
    ...defaultParameters,
    batchRequestsMax: 1,
    logLengthMax: 8,
    heartbeatPeriodMs: 0,
    viewTimeoutMs: 0,
    viewTimeoutMsMax: 0,
    retransmitPeriodMs: 0,
  },
});

/** Where a step leads. `sends` is kept: one array for one step. */
export interface Taken<R> {
  readonly role: R;
  readonly sends: readonly RsmPacket[];
}

/** How a role lies in a replica. */
interface Shape<R> {
  readonly into: (replica: Replica, role: R) => Replica;
  readonly from: (replica: Replica) => R;
}

/** A step of a role did what the model holds to be impossible: the reductions would not be sound. */
export class ReductionFault extends Error {
  override readonly name = 'ReductionFault';
}

/** One role of one replica: its states, each kept once, and its steps, each taken once. */
export class Role<R extends object> {
  readonly initial: R;
  readonly pool = new PartPool<R>();
  readonly #replica: Replica;
  readonly #shape: Shape<R>;
  readonly #taken = new Map<R, Map<unknown, Taken<R> | undefined>>();
  readonly #keeps: (packet: RsmPacket) => boolean;

  /** `keeps`: the packets that the model's network holds; it drops the rest. */
  constructor(configuration: Configuration, index: number, shape: Shape<R>, keeps: (packet: RsmPacket) => boolean) {
    this.#replica = initReplica(configuration, configuration.replicas[index] as Replica['constants']['me']);
    this.#shape = shape;
    this.#keeps = keeps;
    this.initial = this.pool.of(shape.from(this.#replica)).value;
  }

  /** What `steps` are called, so that they need not be taken again, is `key`, an object or a text. The first step that is not enabled ends them all: `undefined`. */
  take(from: R, key: unknown, steps: () => readonly ReplicaStep[]): Taken<R> | undefined {
    let known = this.#taken.get(from);
    if (known === undefined) {
      known = new Map();
      this.#taken.set(from, known);
    }
    if (known.has(key)) return known.get(key);
    const taken = this.#steps(from, steps());
    // Twice: a step that is no function of the state is noticed.
    const again = this.#steps(from, steps());
    if (taken?.role !== again?.role || !equalValues(taken?.sends ?? [], again?.sends ?? []))
      throw new ReductionFault(`a step of the protocol is not deterministic: ${JSON.stringify(steps()[0]?.tag)}`);
    if (!this.pool.isIntact(this.pool.of(from)))
      throw new ReductionFault(`a step of the protocol changes its state in place: ${JSON.stringify(steps()[0]?.tag)}`);
    known.set(key, taken);
    return taken;
  }

  /** The step that consumes a packet; always possible. */
  consume(from: R, packet: RsmPacket): Taken<R> {
    const taken = this.take(from, packet, () => [{ tag: 'process', packet, timeMs: 0 }]);
    if (taken === undefined) throw new ReductionFault(`a ${packet.message.tag} could not be consumed`);
    return taken;
  }

  #steps(from: R, steps: readonly ReplicaStep[]): Taken<R> | undefined {
    let replica = this.#shape.into(this.#replica, from);
    const sends: RsmPacket[] = [];
    for (const step of steps) {
      const next = ironrsmProtocol.step(replica, step);
      if (O.isNone(next)) return undefined;
      replica = next.value.state;
      sends.push(...next.value.sends.filter(this.#keeps));
    }
    const role = this.#shape.from(replica);
    const rest = this.#shape.into(replica, this.initial);
    for (const part of Object.keys(rest) as (keyof Replica)[]) {
      if (part !== 'constants' && rest[part] !== this.#replica[part] && !equalValues(rest[part], this.#replica[part]))
        throw new ReductionFault(`${steps.map(({ tag }) => tag).join(', ')} changed the ${part} of another role`);
    }
    return { role: this.pool.of(role).value, sends };
  }
}

/** The shapes of the three roles. */
export const shapes: {
  readonly proposer: Shape<ProposerRole>;
  readonly acceptor: Shape<AcceptorRole>;
  readonly learner: Shape<LearnerRole>;
} = {
  proposer: {
    into: (replica, role) => ({ ...replica, ...role }),
    from: ({ proposer, election }) => ({ proposer, election }),
  },
  acceptor: { into: (replica, acceptor) => ({ ...replica, acceptor }), from: ({ acceptor }) => acceptor },
  learner: {
    into: (replica, role) => ({ ...replica, ...role }),
    from: ({ learner, executor }) => ({ learner, executor }),
  },
};
