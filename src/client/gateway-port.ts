/**
 * How the sessions of a gateway in a node's process reach the cluster: the node of the process through its door, where nothing is lost
 * and what is sent enters the inbox like any other packet, the others through a socket of the gateway.
 */
import type { LocalDoor } from '../host/node.js';
import { monotonicNowMs } from '../host/real-time.js';
import type { Codec } from '../network/codec.js';
import type { Transport } from '../network/transport.js';
import type { EndPoint } from '../spec/endpoint.js';
import { E } from '../spec/prelude.js';

/** Opens the door of a node (`RunningNode.openDoor`). */
export type OpenDoor<M> = (client: EndPoint, listener: (messages: readonly Uint8Array[]) => void) => LocalDoor<M>;

/** What a gateway's sessions are told. */
export interface GatewayEvents<M> {
  /** A packet came, from whomever. */
  received(source: EndPoint, message: M, nowMs: number): void;
  /** Time has passed. */
  ticked(nowMs: number): void;
  /** What was sent in this turn is about to leave; more may be sent. */
  leaving?(nowMs: number): void;
}

/** Sessions of closed connections that a gateway keeps for others. */
export const spareSessionsMax = 1024;

const tickMs = 10;

/** The way of one gateway. */
export class GatewayPort<M> {
  readonly #transport: Transport<M>;
  readonly #codec: Codec<M>;
  readonly #node: EndPoint;
  readonly #door: LocalDoor<M>;
  readonly #events: GatewayEvents<M>;
  readonly #ticker: NodeJS.Timeout;
  #flushing = false;
  #closed = false;

  /** Takes over `transport`. `node` is the end point of the process's node. */
  constructor(
    transport: Transport<M>,
    codec: Codec<M>,
    node: EndPoint,
    openDoor: OpenDoor<M>,
    events: GatewayEvents<M>,
  ) {
    this.#transport = transport;
    this.#codec = codec;
    this.#node = node;
    this.#events = events;
    this.#door = openDoor(transport.me, this.#fromNode);
    this.#ticker = setInterval(this.#tick, tickMs);
    transport.onMessages(this.#fromSocket);
  }

  /** Whether it was closed: nothing is sent any more. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Sends `message`, with all else that is sent in this turn. `false` where one of the targets is the process's node, whose inbox had no room. */
  send(targets: readonly EndPoint[], message: M): boolean {
    if (this.#closed) return true;
    const bytes = this.#codec.encode(message);
    let taken = true;
    for (const target of targets) {
      if (target === this.#node) taken = this.#door.put(message, bytes);
      else {
        this.#transport.send(target, bytes);
        this.flushSoon();
      }
    }
    return taken;
  }

  /** Has what was sent leave at the end of this turn. */
  flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    process.nextTick(this.#flush);
  }

  /** Closes the socket and the door. May be called again. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#ticker);
    this.#door.close();
    await this.#transport.close();
  }

  readonly #fromNode = (messages: readonly Uint8Array[]): void => {
    if (this.#closed) return;
    const nowMs = monotonicNowMs();
    for (const bytes of messages) {
      const message = this.#codec.decode(bytes);
      if (E.isRight(message)) this.#events.received(this.#node, message.right, nowMs);
    }
  };

  readonly #fromSocket = (): void => {
    const { inbox } = this.#transport;
    const nowMs = monotonicNowMs();
    for (let datum = inbox.shift(); datum !== undefined; datum = inbox.shift()) {
      this.#events.received(datum.packet.source, datum.packet.message, nowMs);
    }
  };

  readonly #flush = (): void => {
    if (this.#closed) return;
    this.#events.leaving?.(monotonicNowMs());
    this.#flushing = false;
    this.#transport.flush();
  };

  readonly #tick = (): void => this.#events.ticked(monotonicNowMs());
}
