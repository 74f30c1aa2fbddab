/** Drives the real cores of clients under the simulated clock and network, several of them on one machine, as a program may have them. */
import type { EndPoint } from '../../spec/endpoint.js';
import type { Packet } from '../../spec/packet.js';
import type { ClientIo } from './simulated-system.js';

/** A client as a deterministic state machine. */
export interface DrivenClient<M> {
  /** When `onTime` wants to be called; `Infinity` while it waits for nothing. */
  readonly wakeAtMs: number;
  onPacket(source: EndPoint, message: M, nowMs: number): void;
  onTime(nowMs: number): void;
}

/** The clients of one machine, which share its end point: each gets every packet. */
export class DrivenClients<M> {
  readonly #io: ClientIo<M>;
  readonly #clients: () => readonly DrivenClient<M>[];
  #wakeAtMs = Infinity;

  /** `clients`: those that there are at the moment. */
  constructor(io: ClientIo<M>, clients: () => readonly DrivenClient<M>[]) {
    this.#io = io;
    this.#clients = clients;
  }

  /** Hands a packet to all clients. */
  receive({ source, message }: Packet<M>): void {
    const nowMs = this.#io.nowMs();
    for (const client of this.#clients()) {
      client.onPacket(source, message, nowMs);
      this.wake(client);
    }
  }

  /** To be called where something was asked of `client`: it may want to be woken earlier. */
  wake(client: DrivenClient<M>): void {
    const atMs = client.wakeAtMs;
    if (atMs >= this.#wakeAtMs) return;
    this.#wakeAtMs = atMs;
    this.#io.after(Math.max(1, atMs - this.#io.nowMs()), () => {
      // An earlier call made this one needless.
      if (this.#wakeAtMs === atMs) this.#onTime();
    });
  }

  #onTime(): void {
    this.#wakeAtMs = Infinity;
    const nowMs = this.#io.nowMs();
    for (const client of this.#clients()) {
      if (nowMs >= client.wakeAtMs) client.onTime(nowMs);
      this.wake(client);
    }
  }
}
