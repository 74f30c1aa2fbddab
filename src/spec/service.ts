/** Services: the centralized specs that clients rely on (IronFleet, SOSP 2015, section 3.1). */
import type { Check } from './check.js';
import type { EndPoint } from './endpoint.js';
import type { Packet } from './packet.js';
import type { O } from './prelude.js';

/** The packets ever sent, as far as a spec may look at them. */
export interface SentSet<M> {
  readonly has: (packet: Packet<M>) => boolean;
  readonly packets: () => Iterable<Packet<M>>;
  /** Those of one source, in the order of first sending; not to be changed. */
  readonly from: (source: EndPoint) => readonly Packet<M>[];
}

/**
 * A service as a state machine: `S` its state, `Step` one atomic step with its witnesses, `M` the messages by which
 * clients see it. Specs stay short enough to be read and trusted.
 */
export interface Service<S, Step, M> {
  readonly name: string;
  readonly init: S;
  /** The state after `step`, or `none` where the service may not take it. */
  readonly next: (state: S, step: Step) => O.Option<S>;
  /** Correspondence, half one: `packet`, once sent, is justified by `state` and by what was `sent` before. Holds for packets that are not client-visible. */
  readonly justifies: (state: S, packet: Packet<M>, sent: SentSet<M>) => Check;
  /** Correspondence, half two: what `step` takes from clients was really sent. */
  readonly asked: (step: Step, sent: SentSet<M>) => Check;
}
