/** Every way in which a replica may act (README.md, "Actions"). A field is a witness for an existential of the relation. */
import type { Successor } from '../../../src/protocol/protocol.js';
import type { Packet } from '../../../src/spec/packet.js';
import type { RsmMessage } from '../messages.js';
import type { Replica } from './state.js';

/** `timeMs` is the clock reading of the host step; only the processing of a heartbeat uses it among the messages. */
export type ReplicaStep =
  | { readonly tag: 'process'; readonly packet: Packet<RsmMessage>; readonly timeMs: number | undefined }
  | { readonly tag: 'enterNewView' }
  | { readonly tag: 'enterPhase2' }
  | { readonly tag: 'nominate'; readonly count: number }
  | { readonly tag: 'truncate' }
  | { readonly tag: 'decide' }
  | { readonly tag: 'execute' }
  | { readonly tag: 'catchUp' }
  | { readonly tag: 'checkViewTimeout'; readonly timeMs: number }
  | { readonly tag: 'checkSuspicions'; readonly timeMs: number }
  | { readonly tag: 'heartbeat'; readonly timeMs: number }
  | {
      readonly tag: 'checkProgress';
      readonly timeMs: number;
      /** The replicas asked for a batch and for what was decided; null for none. */
      readonly fetchFrom: number | null;
      readonly askFrom: number | null;
    };

/** Where an action leads. */
export type Effect = Successor<Replica, RsmMessage>;

/** No change, nothing sent. */
export const nothing = (state: Replica): Effect => ({ state, sends: [] });
