/** A client on its own socket. The light way in: outcomes come by callback, and the caller tells the time. */
import { randomInt } from 'node:crypto';
import { monotonicNowMs } from '../../../src/host/real-time.js';
import { wireName } from '../../../src/host/wire-name.js';
import { bundleMessagesDefault, openTransport, type Transport } from '../../../src/network/transport.js';
import type { EndPoint } from '../../../src/spec/endpoint.js';
import { E } from '../../../src/spec/prelude.js';
import { defaultParameters } from '../configuration.js';
import type { RsmMessage } from '../messages.js';
import { rsmCodec } from '../messages.js';
import { ClientCore, type ClientSession } from './core.js';
import type { Outcome } from './outcome.js';

/** How a client reaches a cluster. */
export interface ClientOptions {
  /** The cluster's name, as in its configuration. */
  readonly cluster: string;
  readonly replicas: readonly EndPoint[];
  /** The address of this machine that replicas answer to; any free port of it is taken. Default 127.0.0.1. */
  readonly address?: string;
  /** Bytes of the largest datagram to send. Default 1200, which passes every network. */
  readonly datagramBytesMax?: number;
  /** Whether requests are executed in the order in which they were made. Default false. */
  readonly ordered?: boolean;
  /** The cluster's `requestBytesMax`: a larger operation fails at once, and requests of several stay within it. Without it the replicas refuse what is too large. */
  readonly requestBytesMax?: number;
  /** Requests that may be outstanding, at most the cluster's `sessionWindow`; more wait. Default that parameter's default. */
  readonly window?: number;
  /** The first wait for a reply before all replicas are asked. Default 150. */
  readonly retryMs?: number;
  /** The longest wait between two tries. Default 1000. */
  readonly retryMsMax?: number;
}

/** Each datagram's messages are taken at once: as many as one may hold can wait. */
const inboxMessagesMax = bundleMessagesDefault;

const nonceMax = 2 ** 48 - 1;

/** Opens the socket of a client or of a question for the status of replicas. `Left`: one sentence. */
export const openClientTransport = (options: ClientOptions): Promise<E.Either<string, Transport<RsmMessage>>> =>
  openTransport({
    bind: { address: options.address ?? '127.0.0.1' },
    clusterName: wireName(options.cluster, 'ironrsm'),
    codec: rsmCodec,
    datagramBytesMax: options.datagramBytesMax ?? 1200,
    inboxMessagesMax,
    messageIdBase: Date.now() * 16,
    nowMs: monotonicNowMs,
  });

/** One client and its socket. */
export class ClientPort {
  readonly #transport: Transport<RsmMessage>;
  readonly #core: ClientCore;
  #onSettled: (id: number, outcome: Outcome) => void = () => undefined;
  /** Whether a flush is on its way, so that what is sent until then leaves with it. */
  #flushing = false;

  /** Takes over `transport`. */
  constructor(transport: Transport<RsmMessage>, options: ClientOptions) {
    this.#transport = transport;
    this.#core = new ClientCore(
      {
        replicas: options.replicas,
        ordered: options.ordered ?? false,
        ...(options.requestBytesMax === undefined ? {} : { requestBytesMax: options.requestBytesMax }),
        window: options.window ?? defaultParameters.sessionWindow,
        retryMs: options.retryMs ?? 150,
        retryMsMax: options.retryMsMax ?? 1000,
        random: Math.random,
        // The port may have been another client's, whose answers may still be on their way.
        nonce: () => randomInt(nonceMax),
      },
      { send: this.#send, settled: (id, outcome) => this.#onSettled(id, outcome), defer: this.#defer },
    );
    transport.onMessages(this.#receive);
  }

  /** Opens a client. `Left` says in one sentence why that is not possible. */
  static async open(options: ClientOptions): Promise<E.Either<string, ClientPort>> {
    const transport = await openClientTransport(options);
    return E.isLeft(transport) ? transport : E.right(new ClientPort(transport.right, options));
  }

  /** Calls back once for each request, when its outcome is known; new requests may be made from there. */
  onSettled(callback: (id: number, outcome: Outcome) => void): void {
    this.#onSettled = callback;
  }

  /** This client, as replicas know it. */
  get me(): EndPoint {
    return this.#transport.me;
  }

  get busy(): boolean {
    return this.#core.busy;
  }

  /** The session, `undefined` while none is open. */
  get session(): ClientSession | undefined {
    return this.#core.session;
  }

  /** When `onTime` has something to do; `Infinity` while no request waits for its outcome. */
  get wakeAtMs(): number {
    return this.#core.wakeAtMs;
  }

  /** Makes a request; its id. Its outcome goes to `onSettled`, later than this call and at the latest `timeoutMs` from now. Requests made together leave together. */
  request(value: Uint8Array, timeoutMs: number): number {
    return this.#core.request(monotonicNowMs(), value, timeoutMs);
  }

  /** Asks again or gives up, as the time tells. */
  onTime(): void {
    this.#core.onTime(monotonicNowMs());
  }

  /** Closes the socket; what waits for its outcome settles as `Closed`. */
  async close(): Promise<void> {
    this.#core.close();
    await this.#transport.close();
  }

  readonly #send = (targets: readonly EndPoint[], messages: readonly RsmMessage[]): void => {
    for (const message of messages) {
      const bytes = rsmCodec.encode(message);
      for (const target of targets) this.#transport.send(target, bytes);
    }
    this.#defer();
  };

  readonly #defer = (): void => {
    if (this.#flushing) return;
    this.#flushing = true;
    // After all promises that one datagram's replies fulfilled, with the operations that are asked for from there.
    process.nextTick(this.#flush);
  };

  readonly #flush = (): void => {
    this.#core.flush(monotonicNowMs());
    this.#flushing = false;
    this.#transport.flush();
  };

  readonly #receive = (): void => {
    const { inbox } = this.#transport;
    const nowMs = monotonicNowMs();
    for (let datum = inbox.shift(); datum !== undefined; datum = inbox.shift()) {
      this.#core.onPacket(datum.packet.source, datum.packet.message, nowMs);
    }
  };
}
