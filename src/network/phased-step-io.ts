/**
 * The step IO of a node over its inbox. The phases are those of the reduction obligation (IronFleet, SOSP 2015, section
 * 3.6); only the main loop begins and ends a step.
 */
import type { EndPoint } from '../spec/endpoint.js';
import type { Packet } from '../spec/packet.js';
import type { Codec } from './codec.js';
import type { Inbox } from './inbox.js';
import { PhaseError, type StepEvent, type StepIo, type StepRecord, type Touch } from './step-io.js';

/** What a `PhasedStepIo` works on. */
export interface StepIoParts<M> {
  readonly me: EndPoint;
  readonly inbox: Pick<Inbox<M>, 'shift'>;
  readonly codec: Codec<M>;
  /** The clock in milliseconds; fractions are cut off. */
  readonly nowMs: () => number;
  /** Whether what the host records for the judge is kept. Without a judge it costs nothing. */
  readonly ghost: boolean;
}

/** receive*; (clock | timeout)?; send*: a step only moves to the right. Outside of a step everything is refused. */
type Phase = 'receiving' | 'timed' | 'sending' | 'outside';

/** One object serves all steps of a node, between `begin` and `finish`. */
export class PhasedStepIo<M, W> implements StepIo<M, W> {
  readonly me: EndPoint;
  readonly #parts: StepIoParts<M>;
  #phase: Phase = 'outside';
  #broken: PhaseError | undefined;
  #step = 0;
  #events: StepEvent[] = [];
  #actions: W[] = [];
  #touches: Touch[] = [];
  #toSelf = 0;
  /** The message encoded last in this step: a broadcast and the packet to oneself that follows it share their bytes. */
  #lastMessage: M | undefined;
  #lastBytes: Uint8Array = new Uint8Array();

  constructor(parts: StepIoParts<M>) {
    this.me = parts.me;
    this.#parts = parts;
  }

  /** Opens step `step` for the host; what an unfinished step did is forgotten. */
  begin(step: number): StepIo<M, W> {
    this.#step = step;
    this.#phase = 'receiving';
    this.#broken = undefined;
    this.#events = [];
    this.#actions = [];
    this.#touches = [];
    this.#toSelf = 0;
    this.#lastMessage = undefined;
    return this;
  }

  /**
   * Ends the step and hands over its record, whose send events are what is to be released. Throws the `PhaseError` of
   * a step that left the phases, even where the host caught it.
   */
  finish(): StepRecord<W> {
    if (this.#broken !== undefined) throw this.#broken;
    if (this.#phase === 'outside') throw new PhaseError('no step was begun');
    this.#phase = 'outside';
    return { step: this.#step, events: this.#events, actions: this.#actions, touches: this.#touches };
  }

  receiveAll(countMax: number): readonly Packet<M>[] {
    this.#require('receiving', 'receive');
    const first = countMax >= 1 ? this.#shift() : undefined;
    if (first === undefined) return [];
    // Not pushed to an empty list, which would make room for many: hosts may ask for one at a time.
    const packets = [first];
    while (packets.length < countMax) {
      const packet = this.#shift();
      if (packet === undefined) break;
      packets.push(packet);
    }
    return packets;
  }

  receive(): Packet<M> | undefined {
    this.#require('receiving', 'receive');
    const packet = this.#shift();
    if (packet === undefined) {
      this.#events.push({ tag: 'timeout' });
      this.#phase = 'timed';
    }
    return packet;
  }

  clock(): number {
    this.#require('receiving', 'read the clock');
    const timeMs = Math.floor(this.#parts.nowMs());
    this.#events.push({ tag: 'clock', timeMs });
    this.#phase = 'timed';
    return timeMs;
  }

  send(target: EndPoint, message: M): void {
    this.#requireStep('send');
    this.#pushSend(target, this.#encoded(message));
  }

  broadcast(targets: readonly EndPoint[], message: M): void {
    this.#requireStep('send');
    if (targets.length === 0) return;
    const bytes = this.#encoded(message);
    for (const target of targets) this.#pushSend(target, bytes);
  }

  deliverToSelf(message: M): number {
    this.#requireStep('deliver to itself');
    this.#events.push({ tag: 'self', bytes: this.#encoded(message) });
    return this.#toSelf++;
  }

  record(action: W): void {
    if (this.#parts.ghost) this.#actions.push(action);
  }

  touch(component: string, key?: string | number): void {
    if (this.#parts.ghost) this.#touches.push(key === undefined ? { component } : { component, key });
  }

  #encoded(message: M): Uint8Array {
    if (message !== this.#lastMessage) {
      this.#lastBytes = this.#parts.codec.encode(message);
      this.#lastMessage = message;
    }
    return this.#lastBytes;
  }

  #shift(): Packet<M> | undefined {
    const datum = this.#parts.inbox.shift();
    if (datum === undefined) return undefined;
    this.#events.push({ tag: 'receive', source: datum.packet.source, bytes: datum.bytes });
    return datum.packet;
  }

  #pushSend(target: EndPoint, bytes: Uint8Array): void {
    this.#phase = 'sending';
    this.#events.push({ tag: 'send', target, bytes });
  }

  #require(phase: Phase, what: string): void {
    if (this.#phase !== phase) this.#refuse(what);
  }

  #requireStep(what: string): void {
    if (this.#phase === 'outside') this.#refuse(what);
  }

  #refuse(what: string): never {
    const where = { receiving: 'receives', timed: 'has read the clock or timed out', sending: 'has sent' };
    const error = new PhaseError(
      this.#phase === 'outside'
        ? `a host may not ${what} outside of a step`
        : `a host may not ${what} in step ${this.#step}, which ${where[this.#phase]}`,
    );
    if (this.#phase !== 'outside') this.#broken ??= error;
    throw error;
  }
}
