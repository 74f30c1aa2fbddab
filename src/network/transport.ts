/**
 * The transport of a node: one UDP socket, whose life dgram-as-promised owns. Datagrams come from the socket's own
 * events and go out without a promise: a promise per datagram loses packets on the way in and time on the way out.
 */
import type * as dgram from 'node:dgram';
import { DgramAsPromised, type SocketAsPromised } from 'dgram-as-promised';
import { addressOf, type EndPoint, endPoint, portOf } from '../spec/endpoint.js';
import { E } from '../spec/prelude.js';
import type { ReassemblyLimits } from './chunk.js';
import type { Codec } from './codec.js';
import { type NetworkCounters, newCounters } from './counters.js';
import { Inbox } from './inbox.js';
import { Receiver } from './receiver.js';
import { Sender } from './sender.js';

/** With the system's default a receiver that stalls for a moment keeps few packets. The system may grant less. */
const recvBufferBytes = 4 * 1024 * 1024;

/** What `openTransport` needs. */
export interface TransportOptions<M> {
  /** Where to listen: an end point, or an address with any free port. */
  readonly bind: EndPoint | { readonly address: string };
  /** Only datagrams of the same cluster are heard. */
  readonly clusterName: string;
  readonly codec: Codec<M>;
  /** The largest datagram to send: 1,200 across networks, up to 65,507 on loopback. All sizes are received. */
  readonly datagramBytesMax: number;
  /** Packets that may wait; more are dropped and counted. */
  readonly inboxMessagesMax: number;
  /** Where the ids of chunked messages start; no incarnation of this node may use an id of another (clock or random). */
  readonly messageIdBase: number;
  /** For the age of chunks, in milliseconds. */
  readonly nowMs: () => number;
  /** Bounds on what is put together from chunks; the defaults are in `reassemblyDefaults`. */
  readonly reassembly?: Partial<ReassemblyLimits>;
  /** Messages per datagram, sent and accepted; all nodes of a cluster have the same. Default `bundleMessagesDefault`. */
  readonly bundleMessagesMax?: number;
  /** Another dgram module: the simulated network's. */
  readonly dgram?: typeof dgram;
}

/** Messages per datagram where nothing else is said. */
export const bundleMessagesDefault = 4096;

/** What is held of unfinished messages where nothing else is said. */
export const reassemblyDefaults: ReassemblyLimits = {
  messageBytesMax: 32 * 1024 * 1024,
  heldBytesMax: 96 * 1024 * 1024,
  messagesPerSourceMax: 16,
  ageMsMax: 5_000,
};

/** Every address is a number already: looking it up at once saves a trip through the event loop for each datagram. */
const lookup: NonNullable<dgram.SocketOptions['lookup']> = (address, _options, callback) => callback(null, address, 4);

/** An open socket with what it received and what waits to be sent. */
export class Transport<M> {
  /** Where this node listens. */
  readonly me: EndPoint;
  readonly inbox: Inbox<M>;
  readonly counters: NetworkCounters = newCounters();
  readonly #socket: SocketAsPromised;
  readonly #receiver: Receiver<M>;
  readonly #sender: Sender;
  #onMessages: () => void = () => undefined;
  #closed: Promise<void> | undefined;

  /** Takes over `socket`, which is bound to `me`; `openTransport` is the way to make one. */
  constructor(socket: SocketAsPromised, me: EndPoint, options: TransportOptions<M>) {
    this.me = me;
    this.inbox = new Inbox(options.inboxMessagesMax);
    this.#socket = socket;
    const reassembly = { ...reassemblyDefaults, ...options.reassembly };
    const bundleMessagesMax = options.bundleMessagesMax ?? bundleMessagesDefault;
    const { counters, inbox } = this;
    this.#receiver = new Receiver({ ...options, me, inbox, counters, bundleMessagesMax, reassembly });
    const { messageBytesMax } = reassembly;
    this.#sender = new Sender({ ...options, counters, bundleMessagesMax, messageBytesMax, emit: this.#emit });
    socket.socket.on('message', this.receive);
    socket.socket.on('error', () => {
      counters.socketErrors++;
    });
  }

  /** Packets that wait in the inbox. */
  get pending(): number {
    return this.inbox.size;
  }

  /** Bytes of unfinished messages held, bookkeeping included. */
  get heldBytes(): number {
    return this.#receiver.heldBytes;
  }

  /** Calls back after each datagram from which the inbox gained a packet; the callback must not block. */
  onMessages(callback: () => void): void {
    this.#onMessages = callback;
  }

  /** What the socket calls with each datagram, of any bytes; never throws, and never answers by itself. */
  readonly receive = (datagram: Uint8Array, from: { readonly address: string; readonly port: number }): void => {
    if (this.#receiver.take(datagram, from.address, from.port)) this.#onMessages();
  };

  /** Queues a message for `target` until `flush`; `bytes` must not change before. */
  send(target: EndPoint, bytes: Uint8Array): void {
    this.#sender.send(target, bytes);
  }

  /** Hands all queued messages to the system, bundled per destination. A failure is counted, as the loss of a datagram. */
  flush(): void {
    this.#sender.flush();
  }

  /** Closes the socket; what was not flushed is not sent. May be called again. */
  close(): Promise<void> {
    this.#closed ??= this.#socket.close();
    return this.#closed;
  }

  readonly #onSent = (error: Error | null): void => {
    if (error !== null) this.counters.sendFailures++;
  };

  readonly #emit = (datagram: Buffer, port: number, address: string): void => {
    if (this.#closed !== undefined) {
      this.counters.sendFailures++;
      return;
    }
    this.#socket.socket.send(datagram, port, address, this.#onSent);
  };
}

const whyNot = (where: string, error: unknown): string => {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  if (code === 'EADDRINUSE') return `${where} is in use: stop the other program there, or choose another port`;
  if (code === 'EADDRNOTAVAIL') return `${where} is not an address of this machine`;
  if (code === 'EACCES') return `${where} needs a permission that this program lacks: choose a port above 1023`;
  return `${where} cannot be listened on (${code})`;
};

/** Binds a socket; `Left` says in one sentence why that is not possible. Throws on limits that make no sense. */
export const openTransport = async <M>(options: TransportOptions<M>): Promise<E.Either<string, Transport<M>>> => {
  const { bind } = options;
  const [address, port] = typeof bind === 'string' ? [addressOf(bind), portOf(bind)] : [bind.address, 0];
  const socket = DgramAsPromised.createSocket({
    type: 'udp4',
    reuseAddr: false,
    recvBufferSize: recvBufferBytes,
    lookup,
    ...(options.dgram === undefined ? {} : { dgram: options.dgram }),
  });
  let bound: Awaited<ReturnType<typeof socket.bind>>;
  try {
    bound = await socket.bind({ address, port, exclusive: true });
  } catch (error) {
    await socket.close();
    return E.left(whyNot(typeof bind === 'string' ? bind : address, error));
  }
  try {
    return E.right(new Transport(socket, endPoint(`${bound.address}:${bound.port}`), options));
  } catch (error) {
    await socket.close();
    throw error;
  }
};
