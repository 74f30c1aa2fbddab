/**
 * A node of the lock as a machine runs it: imperative, in step with the clock (IronFleet, SOSP 2015, section 3.4). It is
 * written from README.md alone; `refinement.ts` ties it to the protocol, step by step.
 */
import type { Host } from '../../src/host/host.js';
import type { StepIo } from '../../src/network/step-io.js';
import type { EndPoint } from '../../src/spec/endpoint.js';
import { add, successor } from '../../src/spec/nat.js';
import type { Packet } from '../../src/spec/packet.js';
import type { LockConfiguration, Parameters } from './configuration.js';
import type { LockMessage, Message } from './messages.js';

/** What a node did, for the judge. `index` says which packet of the step it consumed, from 0. */
export type LockAction =
  | { readonly action: 'grant' }
  | { readonly action: 'resend' }
  | { readonly action: 'accept'; readonly index: number }
  | { readonly action: 'answerAgain'; readonly index: number }
  | { readonly action: 'settle'; readonly index: number }
  | { readonly action: 'answerStatus'; readonly index: number }
  | { readonly action: 'ignore'; readonly index: number };

type Io = StepIo<LockMessage, LockAction>;

/** The parts of a node's state in which it declares changes. */
type Component = 'epoch' | 'role';

/** The host of one node. Others may look at its state, and must not change it. */
export class LockHost implements Host<LockMessage, LockAction> {
  readonly ring: { readonly me: EndPoint; readonly before: EndPoint; readonly after: EndPoint };
  readonly parameters: Parameters;
  /** Whether this node holds the lock. */
  holds: boolean;
  /** Whether this node granted the lock and does not know yet that the grant arrived. */
  awaitsAnswer = false;
  /** The last epoch in which this node held the lock; 0 before the first. */
  epoch: number;
  /** When a holder may grant, or a granter sends again; without meaning for others. */
  dueMs = 0;

  /** The node at `me` as it starts; throws where the configuration does not name it. */
  constructor({ nodes, parameters }: LockConfiguration, me: EndPoint) {
    const index = nodes.indexOf(me);
    if (index < 0) throw new Error(`${me} is no node of this lock`);
    const around = (steps: number): EndPoint => nodes[(index + steps + nodes.length) % nodes.length] ?? me;
    this.ring = { me, before: around(-1), after: around(1) };
    this.parameters = parameters;
    this.holds = index === 0;
    this.epoch = this.holds ? 1 : 0;
  }

  /** One macro step: takes what came, then does what is due. */
  next(io: Io): void {
    const packets = io.receiveAll(this.parameters.receiveMax);
    const now = io.clock();
    for (const [index, packet] of packets.entries()) this.#process(io, packet, index, now);
    if (now < this.dueMs) return;
    if (this.holds) this.#grant(io, now);
    else if (this.awaitsAnswer) this.#resend(io, now);
  }

  /** A node that neither holds nor waits for an answer sleeps until a packet comes. */
  wakeAtMs(): number {
    return this.holds || this.awaitsAnswer ? this.dueMs : Number.POSITIVE_INFINITY;
  }

  #process(io: Io, { source, message }: Packet<LockMessage>, index: number, now: number): void {
    if (message.tag === 'transfer' && source === this.ring.before) this.#onTransfer(io, message, index, now);
    else if (message.tag === 'locked' && source === this.ring.after) this.#onLocked(io, message, index);
    else if (message.tag === 'statusRequest') this.#onStatusRequest(io, source, message, index);
    else io.record({ action: 'ignore', index });
  }

  #onTransfer(io: Io, { epoch }: Message<'transfer'>, index: number, now: number): void {
    if (!this.holds && epoch > this.epoch) {
      io.record({ action: 'accept', index });
      this.epoch = epoch;
      touch(io, 'epoch');
      this.#become(io, 'holder', add(now, this.parameters.holdMs));
      io.send(this.ring.before, { tag: 'locked', epoch });
    } else if (epoch === this.epoch) {
      // The granter sends again because the answer was lost; without another one it would go on for ever.
      io.record({ action: 'answerAgain', index });
      io.send(this.ring.before, { tag: 'locked', epoch });
    } else io.record({ action: 'ignore', index });
  }

  #onLocked(io: Io, { epoch }: Message<'locked'>, index: number): void {
    const settles = this.awaitsAnswer && epoch === this.epoch + 1;
    io.record({ action: settles ? 'settle' : 'ignore', index });
    if (settles) this.#become(io, 'bystander', 0);
  }

  #onStatusRequest(io: Io, asker: EndPoint, { nonce }: Message<'statusRequest'>, index: number): void {
    io.record({ action: 'answerStatus', index });
    io.send(asker, { tag: 'status', nonce, holds: this.holds, epoch: this.epoch });
  }

  #grant(io: Io, now: number): void {
    io.record({ action: 'grant' });
    this.#sendGrant(io, now);
  }

  #resend(io: Io, now: number): void {
    io.record({ action: 'resend' });
    this.#sendGrant(io, now);
  }

  #sendGrant(io: Io, now: number): void {
    this.#become(io, 'granter', add(now, this.parameters.resendMs));
    io.send(this.ring.after, { tag: 'transfer', epoch: successor(this.epoch) });
  }

  #become(io: Io, role: 'holder' | 'granter' | 'bystander', dueMs: number): void {
    this.holds = role === 'holder';
    this.awaitsAnswer = role === 'granter';
    this.dueMs = dueMs;
    touch(io, 'role');
  }
}

const touch = (io: Io, component: Component): void => io.touch(component);
