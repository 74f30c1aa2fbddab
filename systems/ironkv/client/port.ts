/** A client on its own socket. The light way in: settlements come by callback, and the caller tells the time. */
import { randomInt } from 'node:crypto';
import { monotonicNowMs } from '../../../src/host/real-time.js';
import { wireName } from '../../../src/host/wire-name.js';
import { bundleMessagesDefault, openTransport, type Transport } from '../../../src/network/transport.js';
import type { EndPoint } from '../../../src/spec/endpoint.js';
import { E } from '../../../src/spec/prelude.js';
import type { Command } from '../commands.js';
import { defaultParameters } from '../configuration.js';
import { type KvMessage, kvCodec, wireMax } from '../messages.js';
import { ClientCore } from './core.js';
import type { Settlement } from './outcome.js';

/** How a client reaches a cluster. */
export interface ClientOptions {
  /** The cluster's name, as in its configuration. */
  readonly cluster: string;
  /** Every host, in the configuration's order. */
  readonly hosts: readonly EndPoint[];
  /** The address of this machine that hosts answer to; any free port of it is taken. Default 127.0.0.1. */
  readonly address?: string;
  /** Bytes of the largest datagram to send. Default 1200, which passes every network. */
  readonly datagramBytesMax?: number;
  /** Whether requests are executed in the order in which they were made. Default false. */
  readonly ordered?: boolean;
  /** Requests that may be outstanding, at most the cluster's `sessionWindowMax`; more wait. Default that parameter's default. */
  readonly window?: number;
  /** The cluster's `keyBytesMax` and `valueBytesMax`; what is larger fails at once. Defaults those parameters' defaults. */
  readonly keyBytesMax?: number;
  readonly valueBytesMax?: number;
  /** The first wait for an answer before the question is sent again. Default 100. */
  readonly retryMs?: number;
  /** The longest wait between two tries. Default 1000. */
  readonly retryMsMax?: number;
}

/** The age at which a session in use is changed for a new one. */
export const renewMsDefault = 60_000;

/** Opens the socket of a client, at any free port or at the end point `me`. `Left`: one sentence. */
export const openClientTransport = (
  options: ClientOptions,
  me?: EndPoint,
): Promise<E.Either<string, Transport<KvMessage>>> =>
  openTransport({
    bind: me ?? { address: options.address ?? '127.0.0.1' },
    clusterName: wireName(options.cluster, 'ironkv'),
    codec: kvCodec,
    datagramBytesMax: options.datagramBytesMax ?? 1200,
    // Each datagram's messages are taken at once: as many as one may hold can wait.
    inboxMessagesMax: bundleMessagesDefault,
    messageIdBase: Date.now() * 16,
    nowMs: monotonicNowMs,
  });

/** One client and its socket. */
export class ClientPort {
  readonly #transport: Transport<KvMessage>;
  readonly #hosts: readonly EndPoint[];
  readonly #core: ClientCore;
  #onSettled: (id: number, settlement: Settlement) => void = () => undefined;
  /** Whether a flush is on its way, so that what is sent until then leaves with it. */
  #flushing = false;

  /** Takes over `transport`. */
  constructor(transport: Transport<KvMessage>, options: ClientOptions) {
    this.#transport = transport;
    this.#hosts = options.hosts;
    this.#core = new ClientCore(
      {
        hosts: options.hosts,
        ordered: options.ordered ?? false,
        window: options.window ?? defaultParameters.sessionWindowMax,
        retryMs: options.retryMs ?? 100,
        retryMsMax: options.retryMsMax ?? 1000,
        renewMs: renewMsDefault,
        random: Math.random,
        nonce: () => randomInt(wireMax.nonce + 1),
      },
      { send: this.#send, settled: (id, settlement) => this.#onSettled(id, settlement) },
    );
    transport.onMessages(this.#receive);
  }

  /** Opens a client. `Left` says in one sentence why that is not possible. */
  static async open(options: ClientOptions): Promise<E.Either<string, ClientPort>> {
    const transport = await openClientTransport(options);
    return E.isLeft(transport) ? transport : E.right(new ClientPort(transport.right, options));
  }

  /** Calls back once for each request, when its end is known; new requests may be made from there. */
  onSettled(callback: (id: number, settlement: Settlement) => void): void {
    this.#onSettled = callback;
  }

  /** Whether some request waits for its end. */
  get busy(): boolean {
    return this.#core.busy;
  }

  /** When `onTime` has something to do; `Infinity` while no request waits for its end. */
  get wakeAtMs(): number {
    return this.#core.wakeAtMs;
  }

  /** Makes a request; its id. It settles later than this call and at the latest `timeoutMs` from now. Requests made together leave together. */
  request(command: Command, timeoutMs: number): number {
    return this.#core.request(monotonicNowMs(), command, timeoutMs);
  }

  /** Asks again or gives up, as the time tells. */
  onTime(): void {
    this.#core.onTime(monotonicNowMs());
  }

  /** Closes the socket; what waits for its end settles as `Closed`. */
  async close(): Promise<void> {
    this.#core.close();
    await this.#transport.close();
  }

  readonly #send = (host: number, message: KvMessage): boolean => {
    this.#transport.send(this.#hosts[host] as EndPoint, kvCodec.encode(message));
    if (!this.#flushing) {
      this.#flushing = true;
      // After all promises that one datagram's replies fulfilled, with the requests that are made from there.
      process.nextTick(this.#flush);
    }
    return true;
  };

  readonly #flush = (): void => {
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
