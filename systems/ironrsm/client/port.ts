/** A client's session on its own socket. The light way in: outcomes come by callback, and the caller tells the time. */
import { monotonicNowMs } from '../../../src/host/real-time.js';
import { wireName } from '../../../src/host/wire-name.js';
import { openTransport, type Transport } from '../../../src/network/transport.js';
import type { EndPoint } from '../../../src/spec/endpoint.js';
import { E } from '../../../src/spec/prelude.js';
import type { RsmMessage } from '../messages.js';
import { rsmCodec } from '../messages.js';
import { ClientSession, type Outcome } from './core.js';

/** How a client reaches a cluster. */
export interface ClientOptions {
  /** The cluster's name, as in its configuration. */
  readonly cluster: string;
  readonly replicas: readonly EndPoint[];
  /** The address of this machine that replicas answer to; any free port of it is taken. Default 127.0.0.1. */
  readonly address?: string;
  /** Bytes of the largest datagram to send. Default 1200, which passes every network. */
  readonly datagramBytesMax?: number;
  /** The first wait for a reply before all replicas are asked. Default 150. */
  readonly retryMs?: number;
  /** The longest wait between two tries. Default 1000. */
  readonly retryMsMax?: number;
}

/** Replies that may wait for a client with one request outstanding; a flood beyond that is dropped. */
const inboxMessagesMax = 1024;

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

/** One session and its socket. */
export class ClientPort {
  readonly #transport: Transport<RsmMessage>;
  readonly #session: ClientSession;
  #onSettled: (outcome: Outcome) => void = () => undefined;

  /** Takes over `transport`. */
  constructor(transport: Transport<RsmMessage>, options: ClientOptions) {
    this.#transport = transport;
    this.#session = new ClientSession(
      {
        replicas: options.replicas,
        retryMs: options.retryMs ?? 150,
        retryMsMax: options.retryMsMax ?? 1000,
        // The port may have been another client's: the wall clock keeps seqnos growing from one to the next.
        seqnoFirst: Date.now() * 1000,
        random: Math.random,
      },
      { send: this.#send, settled: (outcome) => this.#onSettled(outcome) },
    );
    transport.onMessages(this.#receive);
  }

  /** Opens a session. `Left` says in one sentence why that is not possible. */
  static async open(options: ClientOptions): Promise<E.Either<string, ClientPort>> {
    const transport = await openClientTransport(options);
    return E.isLeft(transport) ? transport : E.right(new ClientPort(transport.right, options));
  }

  /** Calls back once for each request, when its outcome is known; a new request may be made from there. */
  onSettled(callback: (outcome: Outcome) => void): void {
    this.#onSettled = callback;
  }

  /** This client, as replicas know it. */
  get me(): EndPoint {
    return this.#transport.me;
  }

  get busy(): boolean {
    return this.#session.busy;
  }

  /** When `onTime` has something to do; `Infinity` while nothing is outstanding. */
  get wakeAtMs(): number {
    return this.#session.wakeAtMs;
  }

  /** Sends a request; throws while another is outstanding. Its outcome goes to `onSettled`, at the latest `timeoutMs` later. */
  request(value: Uint8Array, timeoutMs: number): void {
    this.#session.request(monotonicNowMs(), value, timeoutMs);
  }

  /** Asks again or gives up, as the time tells. */
  onTime(): void {
    this.#session.onTime(monotonicNowMs());
  }

  /** Closes the socket; an outstanding request settles as `Closed`. */
  async close(): Promise<void> {
    this.#session.close();
    await this.#transport.close();
  }

  readonly #send = (targets: readonly EndPoint[], message: RsmMessage): void => {
    const bytes = rsmCodec.encode(message);
    for (const target of targets) this.#transport.send(target, bytes);
    this.#transport.flush();
  };

  readonly #receive = (): void => {
    const { inbox } = this.#transport;
    for (let datum = inbox.shift(); datum !== undefined; datum = inbox.shift()) {
      this.#session.onPacket(datum.packet.source, datum.packet.message);
    }
  };
}
