/** A client's core on its own socket. The light way in: outcomes come by callback, and the caller tells the time. */
import { monotonicNowMs } from '../host/real-time.js';
import { wireName } from '../host/wire-name.js';
import type { Codec } from '../network/codec.js';
import { bundleMessagesDefault, openTransport, type Transport } from '../network/transport.js';
import type { EndPoint } from '../spec/endpoint.js';
import type { E } from '../spec/prelude.js';

/** The socket of a client. */
export interface ClientSocketOptions {
  /** The cluster's name, as in its configuration. */
  readonly cluster: string;
  /** The address of this machine that servers answer to; any free port of it is taken. Default 127.0.0.1. */
  readonly address?: string;
  /** Bytes of the largest datagram to send. Default 1200, which passes every network. */
  readonly datagramBytesMax?: number;
}

/** Opens a socket to a cluster of `system`, at any free port or at the end point `me`. `Left`: why not, in one sentence. */
export const openClientSocket = <M>(
  system: string,
  codec: Codec<M>,
  { cluster, address = '127.0.0.1', datagramBytesMax = 1200 }: ClientSocketOptions,
  me?: EndPoint,
): Promise<E.Either<string, Transport<M>>> =>
  openTransport({
    bind: me ?? { address },
    clusterName: wireName(cluster, system),
    codec,
    datagramBytesMax,
    // Each datagram's messages are taken at once: as many as one may hold can wait.
    inboxMessagesMax: bundleMessagesDefault,
    messageIdBase: Date.now() * 16,
    nowMs: monotonicNowMs,
  });

/** A client as a deterministic state machine. `M` its messages, `A` what is asked of it. */
export interface ClientMachine<M, A> {
  /** Whether something waits for its outcome. */
  readonly busy: boolean;
  /** When `onTime` wants to be called; `Infinity` while nothing waits for its outcome. */
  readonly wakeAtMs: number;
  /** Asks; the id of the request. It settles by `timeoutMs` from now, and not during this call. */
  request(nowMs: number, asked: A, timeoutMs: number): number;
  /** Takes a packet from anywhere. */
  onPacket(source: EndPoint, message: M, nowMs: number): void;
  /** Asks again or gives up, as the time tells. */
  onTime(nowMs: number): void;
  /** Sends what it asked to `defer`. */
  flush?(nowMs: number): void;
  /** Settles what waits. */
  close(): unknown;
}

/** What a port does for its core. */
export interface PortEffects<M, O> {
  /** Sends `message` to each target, with all else that is sent in this turn. */
  send(targets: readonly EndPoint[], message: M): void;
  /** Has `flush` called at the end of this turn. */
  defer(): void;
  /** Tells how the request `id` ended. */
  settled(id: number, outcome: O): void;
}

/** One client and its socket. `O` is how a request ends. */
export class SessionPort<M, A, O, C extends ClientMachine<M, A>> {
  readonly #transport: Transport<M>;
  readonly #codec: Codec<M>;
  protected readonly core: C;
  #onSettled: (id: number, outcome: O) => void = () => undefined;
  #onWake: () => void = () => undefined;
  /** Whether a flush is on its way, so that what is sent until then leaves with it. */
  #flushing = false;

  /** Takes over `transport`. `coreOf` makes the core, which must not send yet. */
  constructor(transport: Transport<M>, codec: Codec<M>, coreOf: (effects: PortEffects<M, O>) => C) {
    this.#transport = transport;
    this.#codec = codec;
    this.core = coreOf({
      send: this.#send,
      defer: this.#defer,
      settled: (id, outcome) => this.#onSettled(id, outcome),
    });
    transport.onMessages(this.#receive);
  }

  /** Calls back once for each request, when its outcome is known; new requests may be made from there. */
  onSettled(callback: (id: number, outcome: O) => void): void {
    this.#onSettled = callback;
  }

  /** Calls back where `wakeAtMs` may have changed otherwise than by a call of `request` or `onTime`. */
  onWake(callback: () => void): void {
    this.#onWake = callback;
  }

  /** This client, as servers know it. */
  get me(): EndPoint {
    return this.#transport.me;
  }

  /** Whether some request waits for its outcome. */
  get busy(): boolean {
    return this.core.busy;
  }

  /** When `onTime` has something to do; `Infinity` while no request waits for its outcome. */
  get wakeAtMs(): number {
    return this.core.wakeAtMs;
  }

  /** Makes a request; its id. It settles later than this call and at the latest `timeoutMs` from now. Requests made together leave together. */
  request(asked: A, timeoutMs: number): number {
    return this.core.request(monotonicNowMs(), asked, timeoutMs);
  }

  /** Asks again or gives up, as the time tells. */
  onTime(): void {
    this.core.onTime(monotonicNowMs());
  }

  /** Closes the socket; what waits for its outcome settles as `Closed`. */
  async close(): Promise<void> {
    this.core.close();
    await this.#transport.close();
  }

  readonly #send = (targets: readonly EndPoint[], message: M): void => {
    const bytes = this.#codec.encode(message);
    for (const target of targets) this.#transport.send(target, bytes);
    this.#defer();
  };

  readonly #defer = (): void => {
    if (this.#flushing) return;
    this.#flushing = true;
    // After all promises that one datagram's replies fulfilled, with the requests that are made from there.
    process.nextTick(this.#flush);
  };

  readonly #flush = (): void => {
    this.core.flush?.(monotonicNowMs());
    this.#flushing = false;
    this.#transport.flush();
    this.#onWake();
  };

  readonly #receive = (): void => {
    const { inbox } = this.#transport;
    const nowMs = monotonicNowMs();
    for (let datum = inbox.shift(); datum !== undefined; datum = inbox.shift()) {
      this.core.onPacket(datum.packet.source, datum.packet.message, nowMs);
    }
    this.#onWake();
  };
}
