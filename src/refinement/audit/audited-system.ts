/** What a system adds to be audited. */
import type { Host } from '../../host/host.js';
import type { EndPoint } from '../../spec/endpoint.js';
import type { Packet } from '../../spec/packet.js';
import type { ClusterModel, Tagged } from '../cluster.js';
import type { SystemDefinition } from '../system.js';

/** What an audited cluster holds that may be forgotten in part. */
export interface Retained<S, M, G, Spec> {
  readonly history: G;
  readonly spec: Spec;
  /** The last known state of every host. */
  readonly hosts: ReadonlyMap<EndPoint, S>;
  /** Hosts that take no further step. */
  readonly ended: ReadonlySet<EndPoint>;
  /** Of the packets of those who are no nodes, keeps for the spec those that are `needed`; all the others, until they are received again, it sees no more. */
  readonly keepFromOutside: (needed: (packet: Packet<M>) => boolean) => void;
}

export interface AuditedSystem<C, H extends Host<M, W>, S, M extends Tagged, Step, W, G, Spec, SpecStep> {
  readonly definition: SystemDefinition<C, H, S, M, Step, W>;
  readonly model: (constants: C) => ClusterModel<S, M, G, Spec, SpecStep>;
  /** The kinds of messages that someone who is no node may send. */
  readonly clientMessages: readonly M['tag'][];
  /** How many requests of clients a step of the service answers, for the comparison with what clients recorded. */
  readonly requestsIn: (step: SpecStep) => number;
  /**
   * Takes out of the history (in place) what no invariant will look at again, whatever the running hosts do next, and gives the
   * service's state without what no reply will need again. Without it, memory follows the journals.
   */
  readonly forget?: (retained: Retained<S, M, G, Spec>) => Spec;
}
