/** The step in progress, as the roles of a replica see it: its clock, its sends, its packets to itself, and the ghost records. */
import type { StepIo } from '../../../src/network/step-io.js';
import type { EndPoint } from '../../../src/spec/endpoint.js';
import type { RsmMessage } from '../messages.js';
import type { ReplicaAction } from './action.js';
import type { Cluster } from './cluster.js';

/** The IO of one step of a replica. */
export type RsmIo = StepIo<RsmMessage, ReplicaAction>;

/** One object for the life of a replica, handed to all its roles; `begin` points it at the next step. */
export class StepScope {
  /** The one clock reading of the step, in milliseconds. */
  now = 0;
  readonly #cluster: Cluster;
  #io: RsmIo | undefined;
  // Two arrays with one cursor, so that a packet to oneself costs no object.
  readonly #selfMessages: RsmMessage[] = [];
  readonly #selfIndices: number[] = [];
  #selfTaken = 0;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** Starts a step. */
  begin(io: RsmIo, now: number): void {
    this.#io = io;
    this.now = now;
  }

  /** Sends to every replica. Its own copy waits for `nextToSelf` in this very step. */
  sendToAll(message: RsmMessage): void {
    const io = this.#current();
    io.broadcast(this.#cluster.others, message);
    this.#deliverToSelf(io, message);
  }

  /** Sends to every replica but this one. */
  sendToOthers(message: RsmMessage): void {
    this.#current().broadcast(this.#cluster.others, message);
  }

  /** Sends to one end point, which may be this replica's own. */
  send(target: EndPoint, message: RsmMessage): void {
    const io = this.#current();
    if (target === this.#cluster.me) this.#deliverToSelf(io, message);
    else io.send(target, message);
  }

  /** Ghost: what the replica is about to do. */
  record(action: ReplicaAction): void {
    this.#current().record(action);
  }

  /** Declares a change of a component of the state. */
  touch(component: string, key?: string | number): void {
    this.#current().touch(component, key);
  }

  /** Hands the packets to oneself, oldest first, to `consume`, with those that this adds. */
  drainToSelf(consume: (message: RsmMessage, index: number) => void): void {
    while (this.#selfTaken < this.#selfMessages.length) {
      const i = this.#selfTaken++;
      consume(this.#selfMessages[i] as RsmMessage, this.#selfIndices[i] as number);
    }
    this.#selfMessages.length = 0;
    this.#selfIndices.length = 0;
    this.#selfTaken = 0;
  }

  #deliverToSelf(io: RsmIo, message: RsmMessage): void {
    this.#selfIndices.push(io.deliverToSelf(message));
    this.#selfMessages.push(message);
  }

  #current(): RsmIo {
    if (this.#io === undefined) throw new Error('a replica acted outside a step');
    return this.#io;
  }
}
