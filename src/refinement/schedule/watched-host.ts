/** A host whose steps are watched from outside: what it received, what its clock showed, what it did and sent. */
import type { Host } from '../../host/host.js';
import type { Codec } from '../../network/codec.js';
import type { StepEvent, StepIo } from '../../network/step-io.js';
import type { EndPoint } from '../../spec/endpoint.js';
import type { Packet } from '../../spec/packet.js';

/** A step as it was seen, also one that ended in an exception. */
export interface WatchedStep<W> {
  readonly node: EndPoint;
  readonly events: readonly StepEvent[];
  readonly actions: readonly W[];
  readonly threw: boolean;
}

/** The step of a client to which packets come, as a watched one. */
export const clientStep = (
  node: EndPoint,
  receives: readonly { readonly source: EndPoint; readonly bytes: Uint8Array }[],
): WatchedStep<never> => ({
  node,
  events: receives.map(({ source, bytes }) => ({ tag: 'receive', source, bytes })),
  actions: [],
  threw: false,
});

/** Delegates every call of a step to the IO that the host was given, and notes it. */
class WatchingIo<M, W> implements StepIo<M, W> {
  readonly me: EndPoint;
  readonly events: StepEvent[] = [];
  readonly actions: W[] = [];
  readonly #io: StepIo<M, W>;
  readonly #codec: Codec<M>;

  constructor(io: StepIo<M, W>, codec: Codec<M>) {
    this.me = io.me;
    this.#io = io;
    this.#codec = codec;
  }

  receiveAll(countMax: number): readonly Packet<M>[] {
    const packets = this.#io.receiveAll(countMax);
    for (const packet of packets) this.#received(packet);
    return packets;
  }

  receive(): Packet<M> | undefined {
    const packet = this.#io.receive();
    if (packet === undefined) this.events.push({ tag: 'timeout' });
    else this.#received(packet);
    return packet;
  }

  clock(): number {
    const timeMs = this.#io.clock();
    this.events.push({ tag: 'clock', timeMs });
    return timeMs;
  }

  send(target: EndPoint, message: M): void {
    this.#io.send(target, message);
    this.events.push({ tag: 'send', target, bytes: this.#codec.encode(message) });
  }

  broadcast(targets: readonly EndPoint[], message: M): void {
    this.#io.broadcast(targets, message);
    if (targets.length === 0) return;
    const bytes = this.#codec.encode(message);
    for (const target of targets) this.events.push({ tag: 'send', target, bytes });
  }

  deliverToSelf(message: M): number {
    const index = this.#io.deliverToSelf(message);
    this.events.push({ tag: 'self', bytes: this.#codec.encode(message) });
    return index;
  }

  record(action: W): void {
    this.#io.record(action);
    this.actions.push(action);
  }

  touch(component: string, key?: string | number): void {
    this.#io.touch(component, key);
  }

  #received({ source, message }: Packet<M>): void {
    // Only canonical encodings are accepted from the wire, so these are the bytes that came.
    this.events.push({ tag: 'receive', source, bytes: this.#codec.encode(message) });
  }
}

/** Makes `host` tell `onStep` of each of its steps, when it has ended and before it is judged. Mutates and returns `host`. */
export const watched = <M, W, H extends Host<M, W>>(
  host: H,
  me: EndPoint,
  codec: Codec<M>,
  onStep: (step: WatchedStep<W>) => void,
): H => {
  const next = host.next.bind(host);
  host.next = (io: StepIo<M, W>): void => {
    const watching = new WatchingIo(io, codec);
    let threw = true;
    try {
      next(watching);
      threw = false;
    } finally {
      onStep({ node: me, events: watching.events, actions: watching.actions, threw });
    }
  };
  return host;
};
