/**
 * The IO of one host step, in phases: receive*; (clock | timeout)?; send*. It refuses what would break the reduction
 * obligation (IronFleet, SOSP 2015, section 3.6), and records what the judge will read.
 */
import type { EndPoint } from '../spec/endpoint.js';
import type { Packet } from '../spec/packet.js';

/** A packet together with the bytes of its message as they were on the wire. */
export interface Datum<M> {
  readonly packet: Packet<M>;
  readonly bytes: Uint8Array;
}

/** One event of a step, as the journal keeps it: with bytes, so that the ghost record is what was really on the wire. */
export type StepEvent =
  | { readonly tag: 'receive'; readonly source: EndPoint; readonly bytes: Uint8Array }
  | { readonly tag: 'clock'; readonly timeMs: number }
  | { readonly tag: 'timeout' }
  | { readonly tag: 'send'; readonly target: EndPoint; readonly bytes: Uint8Array }
  | { readonly tag: 'self'; readonly bytes: Uint8Array };

/** A declared change: a component of the host's state, and the key in it where the component is a table. */
export interface Touch {
  readonly component: string;
  readonly key?: string | number;
}

/**
 * One step of one host. `W` is the host's ghost record of what it did (its action records), which `refinement.ts`
 * turns into protocol steps. Numbered from 1 within an incarnation.
 */
export interface StepRecord<W> {
  readonly step: number;
  readonly events: readonly StepEvent[];
  readonly actions: readonly W[];
  readonly touches: readonly Touch[];
}

/** What a host may do in a step. Calls that would leave the phase order throw `PhaseError` and the step is refused. */
export interface StepIo<M, W> {
  readonly me: EndPoint;
  /** Up to `countMax` packets from the inbox, in order; the i-th receive of the step is named by its index i from 0. */
  receiveAll(countMax: number): readonly Packet<M>[];
  /** The next packet of the inbox. Finding it empty is recorded as a timeout and ends receiving. */
  receive(): Packet<M> | undefined;
  /** The clock, in whole milliseconds, at most once a step. */
  clock(): number;
  /**
   * Sends once the step is judged. The message is encoded at once; the caller keeps it. An object that was just sent is not
   * encoded again, so it must not be changed and sent as another message in the same step.
   */
  send(target: EndPoint, message: M): void;
  /** As `send` to each target, encoding once. */
  broadcast(targets: readonly EndPoint[], message: M): void;
  /** Journals a packet to oneself that this very step consumes; returns its index among the step's packets to oneself. */
  deliverToSelf(message: M): number;
  /** Ghost: records what the host did, for the judge only. */
  record(action: W): void;
  /** Declares a change of a component of the host's state (`key`: of that entry of a table). */
  touch(component: string, key?: string | number): void;
}

/** A call that would break receive*; (clock | timeout)?; send*. */
export class PhaseError extends Error {
  override readonly name = 'PhaseError';
}
