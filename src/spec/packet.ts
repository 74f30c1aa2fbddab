/** Packets and the external events of a host step (IronFleet, SOSP 2015, section 3.4). */
import type { EndPoint } from './endpoint.js';

/** A message on its way. `source` is whom the packet names as its sender. */
export interface Packet<M> {
  readonly source: EndPoint;
  readonly target: EndPoint;
  readonly message: M;
}

/**
 * One event of a host step, in the order in which it happened.
 * `receive`, `clock`, `timeout` and `send` are external; `self` is a packet to oneself that was delivered inside the
 * step, which nobody else can see. A `timeout` (an inbox found empty) is a free choice of the host, never a fact about
 * the network.
 */
export type IoEvent<M> =
  | { readonly tag: 'receive'; readonly packet: Packet<M> }
  | { readonly tag: 'clock'; readonly timeMs: number }
  | { readonly tag: 'timeout' }
  | { readonly tag: 'send'; readonly packet: Packet<M> }
  | { readonly tag: 'self'; readonly packet: Packet<M> };
