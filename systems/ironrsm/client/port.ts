/** A client of IronRSM on its own socket. The light way in: outcomes come by callback, and the caller tells the time. */
import { randomInt } from 'node:crypto';
import { type ClientSocketOptions, openClientSocket, SessionPort } from '../../../src/client/session-port.js';
import type { Transport } from '../../../src/network/transport.js';
import type { EndPoint } from '../../../src/spec/endpoint.js';
import { E } from '../../../src/spec/prelude.js';
import { defaultParameters } from '../configuration.js';
import { type RsmMessage, rsmCodec } from '../messages.js';
import { ClientCore } from './core.js';
import type { ClientSession } from './options.js';
import type { Outcome } from './outcome.js';

/** How a client reaches a cluster. */
export interface ClientOptions extends ClientSocketOptions {
  readonly replicas: readonly EndPoint[];
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

const nonceMax = 2 ** 48 - 1;

/** Opens the socket of a client or of a question for the status of replicas. `Left`: one sentence. */
export const openClientTransport = (options: ClientOptions): Promise<E.Either<string, Transport<RsmMessage>>> =>
  openClientSocket('ironrsm', rsmCodec, options);

/** One client and its socket. */
export class ClientPort extends SessionPort<RsmMessage, Uint8Array, Outcome, ClientCore> {
  /** Takes over `transport`. */
  constructor(transport: Transport<RsmMessage>, options: ClientOptions) {
    super(
      transport,
      rsmCodec,
      ({ send, defer, settled }) =>
        new ClientCore(
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
          {
            send: (targets, messages) => {
              for (const message of messages) send(targets, message);
            },
            settled,
            defer,
          },
        ),
    );
  }

  /** Opens a client. `Left` says in one sentence why that is not possible. */
  static async open(options: ClientOptions): Promise<E.Either<string, ClientPort>> {
    const transport = await openClientTransport(options);
    return E.isLeft(transport) ? transport : E.right(new ClientPort(transport.right, options));
  }

  /** The session, `undefined` while none is open. */
  get session(): ClientSession | undefined {
    return this.core.session;
  }
}
