/** Random behaviors of a protocol without any host code: sequences of enabled steps, for fuzzing invariants and refinement. */
import type { EndPoint } from '../spec/endpoint.js';
import { add } from '../spec/nat.js';
import type { Packet } from '../spec/packet.js';
import { O } from '../spec/prelude.js';
import { deliverable, type NetworkSemantics } from './network.js';
import type { ProtocolHost } from './protocol.js';
import { type PacketKey, type SystemState, systemInit, systemStep, withSent } from './system.js';

/** A free choice: a whole number from 0 to `count` - 1. The source of all randomness, so that a behavior can be replayed. */
export type Choose = (count: number) => number;

/** What a host can react to: packets that the network would deliver to it now, and the time. */
export interface Surroundings<M> {
  readonly inbox: readonly Packet<M>[];
  readonly nowMs: number;
}

/** Every way in which a host in `state` might act next. The protocol decides which of them are enabled. */
export type EnabledSteps<S, M, Step> = (state: S, surroundings: Surroundings<M>) => readonly Step[];

/** A system to run at random. */
export interface BehaviorParts<C, S, M, Step> {
  readonly protocol: ProtocolHost<C, S, M, Step>;
  readonly enabledSteps: EnabledSteps<S, M, Step>;
  readonly keyOf: PacketKey<M>;
  readonly constants: C;
  readonly hosts: readonly EndPoint[];
  readonly network: NetworkSemantics;
  /** What clients send, in flight from the start. */
  readonly clientPackets: readonly Packet<M>[];
  /** The clock moves by up to this many milliseconds at a time. */
  readonly tickMsMax: number;
}

/** One step of one host in a behavior. */
export interface BehaviorStep<S, M, Step> {
  readonly host: EndPoint;
  readonly before: S;
  readonly step: Step;
  readonly after: S;
  readonly sends: readonly Packet<M>[];
}

/** Packets that one host is offered at a time; which ones is chosen anew for each step. */
const inboxMax = 4;

/** A behavior of `moves` moves, of which those of hosts are yielded; the others move the clock or lose a packet. */
export function* behavior<C, S, M, Step>(
  parts: BehaviorParts<C, S, M, Step>,
  choose: Choose,
  moves: number,
): Generator<BehaviorStep<S, M, Step>, SystemState<S, M>> {
  const run = new Run(parts, choose);
  for (let i = 0; i < moves; i++) {
    const step = run.move();
    if (step !== undefined) yield step;
  }
  return run.state;
}

class Run<C, S, M, Step> {
  readonly #parts: BehaviorParts<C, S, M, Step>;
  readonly #choose: Choose;
  readonly #inFlight: Packet<M>[];
  #nowMs = 0;
  #state: SystemState<S, M>;

  constructor(parts: BehaviorParts<C, S, M, Step>, choose: Choose) {
    const { protocol, constants, hosts, clientPackets, keyOf } = parts;
    this.#parts = parts;
    this.#choose = choose;
    this.#inFlight = [...clientPackets];
    this.#state = withSent(systemInit(protocol, constants, hosts), clientPackets, keyOf);
  }

  get state(): SystemState<S, M> {
    return this.#state;
  }

  /** The step of a host; `undefined` for a move of the environment. */
  move(): BehaviorStep<S, M, Step> | undefined {
    const kind = this.#choose(8);
    if (kind === 0 && this.#parts.network.drops && this.#inFlight.length > 0) {
      this.#inFlight.splice(this.#choose(this.#inFlight.length), 1);
      return undefined;
    }
    const stepped = kind <= 1 ? undefined : this.#stepHost();
    if (stepped === undefined) this.#nowMs = add(this.#nowMs, this.#choose(this.#parts.tickMsMax + 1));
    return stepped;
  }

  #stepHost(): BehaviorStep<S, M, Step> | undefined {
    const { hosts, enabledSteps, protocol, keyOf } = this.#parts;
    const host = hosts[this.#choose(hosts.length)] as EndPoint;
    const steps = enabledSteps(this.#state.hosts.get(host) as S, { inbox: this.#inboxOf(host), nowMs: this.#nowMs });
    const enabled = steps.flatMap((step) => {
      const next = systemStep(protocol, keyOf, this.#state, host, step);
      return O.isSome(next) ? [{ step, ...next.value }] : [];
    });
    const taken = enabled.length === 0 ? undefined : enabled[this.#choose(enabled.length)];
    if (taken === undefined) return undefined;
    const { step, state, before, after, sends } = taken;
    this.#account(protocol.consumes(step), sends);
    this.#state = state;
    return { host, before, step, after, sends };
  }

  #inboxOf(host: EndPoint): readonly Packet<M>[] {
    const waiting = deliverable(this.#parts.network, this.#inFlight)
      .map((i) => this.#inFlight[i] as Packet<M>)
      .filter((packet) => packet.target === host);
    const inbox: Packet<M>[] = [];
    while (waiting.length > 0 && inbox.length < inboxMax) {
      inbox.push(...waiting.splice(this.#choose(waiting.length), 1));
    }
    return inbox;
  }

  /** What was delivered is no longer in flight, unless it may come again; what was sent is. */
  #account(consumed: Packet<M> | undefined, sends: readonly Packet<M>[]): void {
    const { duplicates } = this.#parts.network;
    const at = consumed === undefined ? -1 : this.#inFlight.indexOf(consumed);
    if (at >= 0 && !duplicates) this.#inFlight.splice(at, 1);
    this.#inFlight.push(...sends);
  }
}
