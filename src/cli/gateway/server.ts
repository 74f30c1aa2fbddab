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

/** A TCP port, taken before there is a store to serve: whoever connects early waits for it. */
export class RespPort {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #serveOne: (socket: Socket) => void = () => undefined;

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      // The socket closes after an error, which nobody else may hear yet.
      socket.on('error', () => undefined);
      this.#serveOne(socket);
    });
  }

  /** Listens. `Left`: why that is not possible, in one sentence. */
  static async take({ host, port }: GatewayAddress): Promise<E.Either<string, RespPort>> {
    // A client may close its side once it has asked, and is answered all the same.
    const server = createServer({ allowHalfOpen: true });
    server.maxConnections = connectionsMax;
    const taken = new RespPort(server);
    const error = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
      server.once('error', resolve);
      server.listen({ host, port, exclusive: true }, () => resolve(undefined));
    });
    if (error !== undefined) return E.left(`${host}:${port} cannot be listened on (${error.code ?? error.message})`);
    return E.right(taken);
  }

  /** The port that it listens on. */
  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** Serves `store`, which the gateway takes over, to those who wait and those who come. To be called once. */
  serve(store: RespStore, limits: ConnectionLimits = connectionLimits): RespGateway {
    const gateway = new RespGateway(this, store, limits);
    this.#serveOne = (socket) => gateway.serve(socket);
    for (const socket of this.#sockets) gateway.serve(socket);
    return gateway;
  }

  /** Ends all connections, and listens no more. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

/** Serves a store to clients of Redis. */
export class RespGateway {
  readonly #port: RespPort;
  readonly #store: RespStore;
  readonly #limits: ConnectionLimits;
  readonly #held: HeldBytes;
  readonly #serverVersion = packageVersion();
  #lastId = 0;

  /** Takes over `port` and `store`; `RespPort.serve` is the way to make one. */
  constructor(port: RespPort, store: RespStore, limits: ConnectionLimits) {
    this.#port = port;
    this.#store = store;
    this.#limits = limits;
    this.#held = new HeldBytes(limits.allHeldBytesMax);
  }

  /** The port that it listens on. */
  get port(): number {
    return this.#port.port;
  }

  /** Serves one connection until it ends. */
  serve(socket: Socket): void {
    const [store, limits, all, serverVersion] = [this.#store, this.#limits, this.#held, this.#serverVersion];
    new RespConnection({ socket, store, limits, all, id: ++this.#lastId, serverVersion });
  }

  /** Bytes that its connections hold. */
  get heldBytes(): number {
    return this.#held.bytes;
  }

  /** Ends all connections, without their outstanding replies, and the store's sessions. */
  async close(): Promise<void> {
    await this.#port.close();
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
