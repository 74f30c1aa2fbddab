/** The step in progress, as the parts of a host see it: its clock, its sends, and the ghost records. */
import type { StepIo } from '../../../src/network/step-io.js';
import type { EndPoint } from '../../../src/spec/endpoint.js';
import type { KvMessage } from '../messages.js';
import type { KvAction } from './action.js';

/** The IO of one step of a host. */
export type KvIo = StepIo<KvMessage, KvAction>;

/** The components that are compared as a whole. */
export type WholeComponent = 'map' | 'horizons' | 'bounds' | 'counts' | 'moves';

/** The components that are compared by key. */
export type TableComponent = 'table' | 'sessions' | 'peers' | 'peers.unacked' | 'shards';

/** One object for the life of a host, handed to all its parts; `begin` points it at the next step. */
export class StepScope {
  /** The one clock reading of the step, in milliseconds. */
  now = 0;
  #io: KvIo | undefined;
  readonly #touched: WholeComponent[] = [];

  /** Starts a step. */
  begin(io: KvIo, now: number): void {
    this.#io = io;
    this.now = now;
    this.#touched.length = 0;
  }

  /** Sends to any end point, its own included: such a packet comes back like any other. */
  send(target: EndPoint, message: KvMessage): void {
    this.#current().send(target, message);
  }

  /** Ghost: what the host is about to do. */
  record(action: KvAction): void {
    this.#current().record(action);
  }

  /** Declares a change of a component. Once a step is enough, and a step may hold hundreds. */
  touch(component: WholeComponent): void {
    if (this.#touched.includes(component)) return;
    this.#touched.push(component);
    this.#current().touch(component);
  }

  /** Declares a change of one entry of a component. */
  touchAt(component: TableComponent, key: string | number): void {
    this.#current().touch(component, key);
  }

  #current(): KvIo {
    if (this.#io === undefined) throw new Error('a host acted outside a step');
    return this.#io;
  }
}
