/** What a system adds to be simulated: how a seed draws a cluster, who its clients are, and what a campaign must have reached. */
import type * as fc from 'fast-check';
import type { Host } from '../../host/host.js';
import type { NetworkSemantics } from '../../protocol/network.js';
import type { EndPoint } from '../../spec/endpoint.js';
import type { Packet } from '../../spec/packet.js';
import type { Change, ClusterModel, Tagged } from '../cluster.js';
import type { HistoryVerdict } from '../linearizability.js';
import type { Random } from '../random.js';
import type { SystemDefinition } from '../system.js';
import type { Transition } from '../transition.js';
import type { Healed, Progress } from './progress.js';

/** What a client of the simulation may do. */
export interface ClientIo<M> {
  readonly me: EndPoint;
  readonly random: Random;
  nowMs(): number;
  /** False where the message was not taken, which only the host that the client is `beside` may say. */
  send(target: EndPoint, message: M): boolean;
  after(delayMs: number, callback: () => void): void;
}

/** A client: asks, retries, and listens. */
export interface ClientProgram<M> {
  /** Where the client sends from; by default anywhere. */
  readonly bind?: EndPoint;
  /** The host in whose process it is, if any: between the two nothing is lost, repeated or reordered. */
  readonly beside?: EndPoint | undefined;
  start(io: ClientIo<M>): void;
  receive(packet: Packet<M>): void;
}

/** What the clients of a run asked and were told. `S` are the hosts' protocol states. */
export interface ClientHistory<M, S = unknown> {
  /** Called for each packet of someone who is no host and no client: nobody sees the replies. */
  strangerSent(packet: Packet<M>): void;
  /** A host consumed a packet: what may tell when a request took effect. A hint, which `judge` must not believe. */
  handled?(change: Change<S, M>): void;
  /** Asked once, at the end of a run without a violation. Reads no clock: equal runs have equal answers. */
  judge(): HistoryVerdict;
  /** Adds what no order explains, for a canary: `judge` must say so then. */
  spoil(): void;
}

/**
 * The clients of a scheduled run. They have no program: what they asked and were told follows from their packets. A request is
 * asked when it is first received by a host, which is no earlier than it was in the run; that leaves a history fewer orders.
 */
export interface ScheduledClients<M> {
  /**
   * Someone who is no host sends a packet; told once, when it is first received. False for what no client could have sent, such
   * as another request under a number that it used before: the packet then does not exist.
   */
  sends(packet: Packet<M>): boolean;
  /** A packet reaches a client; false where it takes no notice of it. */
  receives(packet: Packet<M>): boolean;
  /** Asked once, at the end. */
  judge(): HistoryVerdict;
}

/** A cluster as a seed draws it. `S` are its hosts' protocol states. */
export interface SimulatedCluster<C, M, S> {
  readonly constants: C;
  readonly hosts: readonly EndPoint[];
  readonly clients: readonly ClientProgram<M>[];
  /** Called once the faults have healed: what is demanded from then on. Without it a run has no liveness phase. */
  readonly progress?: (healed: Healed<S>) => Progress;
  /** What `clients` record, to be judged for linearizability. */
  readonly history?: ClientHistory<M, S>;
}

/** Options of a system's own, such as the number of nodes. */
export interface DrawOptions {
  readonly nodes: number | undefined;
  /** Requests of all clients together in a simulated second. */
  readonly rate?: number | undefined;
  /** Clients, for a system that has some. */
  readonly clients?: number | undefined;
  /** Requests of each client before the heal, at most. */
  readonly requests?: number | undefined;
}

/** Under which networks a system claims what. */
export interface Claims {
  readonly safeUnder: readonly NetworkSemantics[];
  /** Under the others no progress is demanded of it. */
  readonly liveUnder: readonly NetworkSemantics[];
}

export interface SimulatedSystem<
  C,
  H extends Host<M, W>,
  S,
  M extends Tagged,
  Step extends Tagged,
  W,
  G,
  Spec,
  SpecStep,
> {
  readonly definition: SystemDefinition<C, H, S, M, Step, W>;
  readonly draw: (random: Random, options: DrawOptions) => SimulatedCluster<C, M, S>;
  readonly claims: Claims;
  /** Whether the packet is from someone without the right to send it, so that it must change nothing. */
  readonly withoutRight?: (packet: Packet<M>, constants: C) => boolean;
  /** Clients of schedules; without them a history that is not linearizable is kept as a whole run. */
  readonly scheduledClients?: (constants: C) => ScheduledClients<M>;
  readonly model: (constants: C) => ClusterModel<S, M, G, Spec, SpecStep>;
  /** Messages that someone who is no host may send. */
  readonly strangers: fc.Arbitrary<M>;
  /** Names of what a campaign must reach, or it was vacuous. */
  readonly goals: readonly string[];
  /** The goal that a protocol step reaches, if any. */
  readonly reached: (transition: Transition<S, M, Step>) => string | undefined;
}
