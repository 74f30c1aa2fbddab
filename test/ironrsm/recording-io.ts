/** A step IO for tests of a host alone: it keeps what the host did, and freezes messages so that a change of one throws. */
import { PhaseError, type StepIo, type Touch } from '../../src/network/step-io.js';
import type { EndPoint } from '../../src/spec/endpoint.js';
import type { Packet } from '../../src/spec/packet.js';
import type { ReplicaAction } from '../../systems/ironrsm/host.js';
import type { RsmMessage } from '../../systems/ironrsm/messages.js';

/** One step: hand it to `host.next`, then look at what it holds. */
export class RecordingIo implements StepIo<RsmMessage, ReplicaAction> {
  readonly me: EndPoint;
  readonly received: Packet<RsmMessage>[] = [];
  readonly sent: Packet<RsmMessage>[] = [];
  readonly toSelf: RsmMessage[] = [];
  readonly actions: ReplicaAction[] = [];
  readonly touches: Touch[] = [];
  readonly #inbox: Packet<RsmMessage>[];
  readonly #nowMs: number;
  #receiving = true;

  /** Takes packets out of `inbox`. */
  constructor(me: EndPoint, inbox: Packet<RsmMessage>[], nowMs: number) {
    this.me = me;
    this.#inbox = inbox;
    this.#nowMs = nowMs;
  }

  receiveAll(countMax: number): readonly Packet<RsmMessage>[] {
    this.#receivingOnly();
    this.received.push(...this.#inbox.splice(0, countMax));
    return this.received;
  }

  receive(): Packet<RsmMessage> | undefined {
    throw new Error('not used by the host');
  }

  clock(): number {
    this.#receivingOnly();
    this.#receiving = false;
    return this.#nowMs;
  }

  send(target: EndPoint, message: RsmMessage): void {
    this.sent.push({ source: this.me, target, message: frozen(message) });
  }

  broadcast(targets: readonly EndPoint[], message: RsmMessage): void {
    for (const target of targets) this.send(target, message);
  }

  deliverToSelf(message: RsmMessage): number {
    return this.toSelf.push(frozen(message)) - 1;
  }

  record(action: ReplicaAction): void {
    this.actions.push(action);
  }

  touch(component: string, key?: string | number): void {
    this.touches.push(key === undefined ? { component } : { component, key });
  }

  #receivingOnly(): void {
    if (!this.#receiving) throw new PhaseError('receives and the clock come first');
  }
}

/** `value` itself, frozen all the way down. Bytes cannot be frozen. */
export const frozen = <A>(value: A): A => {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array || Object.isFrozen(value))
    return value;
  Object.values(value).forEach(frozen);
  return Object.freeze(value);
};
