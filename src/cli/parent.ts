/** The program that started a node as its child, if one did: it hears when the node is ready, and what it counted. */
import type { EndPoint } from '../spec/endpoint.js';
import type { NodeStats } from './systems.js';

/** What a node tells the program that started it. */
export type NodeMessage =
  | { readonly tag: 'ready'; readonly node: string; readonly address: EndPoint }
  | { readonly tag: 'stats'; readonly stats: NodeStats }
  /** The last message: the node has closed its socket. */
  | { readonly tag: 'stopped'; readonly stats: NodeStats | undefined };

/** What the program may send: it is answered with `stats`. */
export const statsRequest = 'stats';

/** What a parent may cause. */
export interface ParentEvents {
  readonly stats: () => NodeStats | undefined;
  /** The parent ended without a word: its nodes must not outlive it. */
  readonly stop: () => void;
}

/** The channel to the parent; without one, every call does nothing. */
export class Parent {
  constructor(events: ParentEvents) {
    if (process.send === undefined) return;
    process.on('message', (message) => {
      if (message !== statsRequest) return;
      const stats = events.stats();
      if (stats !== undefined) this.#send({ tag: 'stats', stats });
    });
    process.on('disconnect', events.stop);
  }

  /** The node listens. */
  ready(node: string, address: EndPoint): void {
    this.#send({ tag: 'ready', node, address });
  }

  /** Says goodbye; resolves when the message is out, after which the channel no longer keeps this process alive. */
  async farewell(stats: NodeStats | undefined): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#send({ tag: 'stopped', stats }, resolve);
    });
    if (process.connected) process.disconnect();
  }

  #send(message: NodeMessage, sent: () => void = () => undefined): void {
    if (process.send === undefined || !process.connected) sent();
    else process.send(message, undefined, undefined, () => sent());
  }
}
