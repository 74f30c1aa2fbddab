/** A client of IronKV on its own socket. The light way in: settlements come by callback, and the caller tells the time. */
import { randomInt } from 'node:crypto';
import { type ClientSocketOptions, openClientSocket, SessionPort } from '../../../src/client/session-port.js';
import type { Transport } from '../../../src/network/transport.js';
import type { EndPoint } from '../../../src/spec/endpoint.js';
import { E } from '../../../src/spec/prelude.js';
import type { Command } from '../commands.js';
import { defaultParameters } from '../configuration.js';
import { type KvMessage, kvCodec, wireMax } from '../messages.js';
import { ClientCore } from './core.js';
import type { Settlement } from './outcome.js';

/** How a client reaches a cluster. */
export interface ClientOptions extends ClientSocketOptions {
  /** Every host, in the configuration's order. */
  readonly hosts: readonly EndPoint[];
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
): Promise<E.Either<string, Transport<KvMessage>>> => openClientSocket('ironkv', kvCodec, options, me);

/** One client and its socket. */
export class ClientPort extends SessionPort<KvMessage, Command, Settlement, ClientCore> {
  /** Takes over `transport`. */
  constructor(transport: Transport<KvMessage>, options: ClientOptions) {
    const targets = options.hosts.map((host) => [host]);
    super(
      transport,
      kvCodec,
      ({ send, settled }) =>
        new ClientCore(
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
          {
            send: (host, message) => {
              send(targets[host] as readonly EndPoint[], message);
              return true;
            },
            settled,
          },
        ),
    );
  }

  /** Opens a client. `Left` says in one sentence why that is not possible. */
  static async open(options: ClientOptions): Promise<E.Either<string, ClientPort>> {
    const transport = await openClientTransport(options);
    return E.isLeft(transport) ? transport : E.right(new ClientPort(transport.right, options));
  }
}
