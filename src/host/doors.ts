/** Doors of a node: how a client in its process reaches it, and is answered, without a network in between. */
import type { Transport } from '../network/transport.js';
import type { EndPoint } from '../spec/endpoint.js';
import type { LoopTransport } from './main-loop.js';

/** A way to a node for a client in its process: its packets are received as if they came from a socket, and nothing is lost on the way. */
export interface LocalDoor<M> {
  /** Puts a packet of the client at the end of the inbox; `bytes` encode `message`. `false` where the inbox is full. */
  put(message: M, bytes: Uint8Array): boolean;
  close(): void;
}

/** Takes what a step of the node sent to a client in its process, in order. */
export type DoorListener = (messages: readonly Uint8Array[]) => void;

/** The transport of a node with doors: what is sent to a client in the process does not reach the socket. */
export class DooredTransport<M> implements LoopTransport {
  readonly #transport: Transport<M>;
  readonly #soon: (callback: () => void) => void;
  readonly #doors = new Map<EndPoint, { readonly listener: DoorListener; messages: Uint8Array[] }>();

  /** `soon` calls back after the step, when the loop has ended its work. */
  constructor(transport: Transport<M>, soon: (callback: () => void) => void) {
    this.#transport = transport;
    this.#soon = soon;
  }

  get pending(): number {
    return this.#transport.pending;
  }

  send(target: EndPoint, bytes: Uint8Array): void {
    const door = this.#doors.size === 0 ? undefined : this.#doors.get(target);
    if (door === undefined) {
      this.#transport.send(target, bytes);
      return;
    }
    if (door.messages.length === 0) {
      this.#soon(() => {
        const { messages } = door;
        door.messages = [];
        door.listener(messages);
      });
    }
    door.messages.push(bytes);
  }

  flush(): void {
    this.#transport.flush();
  }

  /** Opens a door for `client`, which has none yet; `wake` asks the node for a step. */
  open(client: EndPoint, listener: DoorListener, wake: () => void): LocalDoor<M> {
    if (this.#doors.has(client)) throw new Error(`${client} has a door already`);
    this.#doors.set(client, { listener, messages: [] });
    const { inbox, me } = this.#transport;
    return {
      put: (message, bytes) => {
        if (!inbox.push({ packet: { source: client, target: me, message }, bytes })) return false;
        wake();
        return true;
      },
      close: () => {
        this.#doors.delete(client);
      },
    };
  }
}
