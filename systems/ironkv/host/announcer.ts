/** Tells each peer which sessions of this host may be used, and which of its own are expired (README.md, "announce"). */
import type { Cluster } from './cluster.js';
import type { Deliveries } from './deliveries.js';
import type { SessionTable } from './session-table.js';
import type { StepScope } from './step-scope.js';

/** The announcements of a host. */
export class Announcer {
  readonly #cluster: Cluster;
  readonly #scope: StepScope;
  readonly #sessions: SessionTable;
  readonly #deliveries: Deliveries;

  constructor(cluster: Cluster, scope: StepScope, sessions: SessionTable, deliveries: Deliveries) {
    this.#cluster = cluster;
    this.#scope = scope;
    this.#sessions = sessions;
    this.#deliveries = deliveries;
  }

  /** Action for each peer that lacks something, and has room: a peer that does not answer holds up no other. */
  announce(): void {
    const { bounds, horizons } = this.#sessions;
    const bound = bounds[this.#cluster.myIndex] as number;
    for (const [index, peer] of this.#deliveries.peers) {
      const horizon = horizons[index] as number;
      if (peer.announced >= bound && peer.warned >= horizon) continue;
      if (!this.#deliveries.hasRoom(index)) continue;
      this.#scope.record({ action: 'announce', peer: index });
      peer.announced = bound;
      peer.warned = horizon;
      this.#deliveries.send(index, { tag: 'announce', bound, horizon });
    }
  }
}
