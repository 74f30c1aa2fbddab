/** Every way in which a host may act (README.md, "Actions"). A field is a witness for an existential of the relation. */
import type { Successor } from '../../../src/protocol/protocol.js';
import type { Packet } from '../../../src/spec/packet.js';
import type { KvMessage, Observed } from '../messages.js';
import type { HostState } from './state.js';

/** `timeMs` is the clock reading of the host step. */
export type KvStep =
  /** `observed`: what the answer to a `statusRequest` says besides the state; null with any other packet. */
  | { readonly tag: 'process'; readonly packet: Packet<KvMessage>; readonly observed: Observed | null }
  /** `move`: a position in `moves`. */
  | { readonly tag: 'delegate'; readonly move: number; readonly timeMs: number }
  | { readonly tag: 'inform'; readonly move: number; readonly timeMs: number }
  /** `peer`: an index in the configuration's hosts. */
  | { readonly tag: 'announce' | 'resend'; readonly peer: number; readonly timeMs: number }
  | { readonly tag: 'expire' };

/** Where an action leads. */
export type Effect = Successor<HostState, KvMessage>;
