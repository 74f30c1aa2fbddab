/** The gateway's listening socket and its connections. */
import { createServer, type Server, type Socket } from 'node:net';
import { E } from '../../spec/prelude.js';
import { packageVersion } from '../package-root.js';
import { type ConnectionLimits, connectionLimits, RespConnection } from './connection.js';
import { HeldBytes } from './held-bytes.js';
import type { RespStore } from './store.js';

/** Where a gateway listens. */
export interface GatewayAddress {
  readonly host: string;
  readonly port: number;
}

/** Connections at a time; more are closed at once. */
const connectionsMax = 10_000;

/** Serves a store to clients of Redis. */
export class RespGateway {
  readonly #server: Server;
  readonly #store: RespStore;
  readonly #sockets = new Set<Socket>();
  readonly #held: HeldBytes;
  #lastId = 0;

  private constructor(server: Server, store: RespStore, limits: ConnectionLimits) {
    this.#server = server;
    this.#store = store;
    const all = new HeldBytes(limits.allHeldBytesMax);
    this.#held = all;
    const serverVersion = packageVersion();
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      new RespConnection({ socket, store, limits, all, id: ++this.#lastId, serverVersion });
    });
  }

  /** Listens, and takes over `store`. `Left`: why not, in one sentence. */
  static async listen(
    store: RespStore,
    { host, port }: GatewayAddress,
    limits: ConnectionLimits = connectionLimits,
  ): Promise<E.Either<string, RespGateway>> {
    // A client may close its side once it has asked, and is answered all the same.
    const server = createServer({ allowHalfOpen: true });
    server.maxConnections = connectionsMax;
    const error = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
      server.once('error', resolve);
      server.listen({ host, port, exclusive: true }, () => resolve(undefined));
    });
    if (error !== undefined) return E.left(`${host}:${port} cannot be listened on (${error.code ?? error.message})`);
    return E.right(new RespGateway(server, store, limits));
  }

  /** The port that it listens on. */
  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** Bytes that its connections hold. */
  get heldBytes(): number {
    return this.#held.bytes;
  }

  /** Ends all connections, without their outstanding replies, and the store's sessions. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    await this.#store.close();
  }
}

/** The address in the flag `--resp`: `PORT`, on the loopback interface alone, or `ADDRESS:PORT`; `undefined` where it is neither. */
export const gatewayAddressOf = (text: string): GatewayAddress | undefined => {
  const match = /^(?:(\d{1,3}(?:\.\d{1,3}){3}):)?(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const port = Number(match[2]);
  return port > 65_535 ? undefined : { host: match[1] ?? '127.0.0.1', port };
};
