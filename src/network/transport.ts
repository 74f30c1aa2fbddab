/**
 * The transport of a node: one UDP socket, whose life dgram-as-promised owns. Datagrams come from the socket's own
 * events and go out without a promise: a promise per datagram loses packets on the way in and time on the way out.
 */
import type * as dgram from 'node:dgram';
import { DgramAsPromised, type SocketAsPromised } from 'dgram-as-promised';
import { addressOf, type EndPoint, endPoint, portOf } from '../spec/endpoint.js';
import { E } from '../spec/prelude.js';
import type { Codec } from './codec.js';
import { type NetworkCounters, newCounters } from './counters.js';
import { Inbox } from './inbox.js';
import type { Lane, PacingLimits } from './lane.js';
import type { ReassemblyLimits } from './reassembly.js';
import { Receiver } from './receiver.js';
import { Sender } from './sender.js';
import { type After, realAfter } from './transport-time.js';

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
  /** The clock for large messages, in milliseconds, which never goes back. */
  readonly nowMs: () => number;
  /** Timers for large messages, which go with `nowMs`; default Node's. */
  readonly after?: After;
  /** Bounds on what is put together from chunks; the defaults are in `reassemblyDefaults`. */
  readonly reassembly?: Partial<ReassemblyLimits>;
  /** Bounds on large messages on their way out; the defaults are in `pacingDefaults`. */
  readonly pacing?: Partial<PacingLimits>;
  /** Messages per datagram, sent and accepted; all nodes of a cluster have the same. Default `bundleMessagesDefault`. */
  readonly bundleMessagesMax?: number;
  /** Another dgram module: the simulated network's. */
  readonly dgram?: typeof dgram;
}

/** Messages per datagram where nothing else is said. */
export const bundleMessagesDefault = 4096;

const mebibyte = 1024 * 1024;

/**
 * What is held of unfinished messages where nothing else is said. One source can hold one message of the largest size, and
 * all together two, so that one source cannot keep the others out. The age is above `giveUpMs` of a sender and its last wait.
 */
export const reassemblyDefaults: ReassemblyLimits = {
  messageBytesMax: 512 * mebibyte,
  heldBytesMax: 1152 * mebibyte,
  heldBytesPerSourceMax: 576 * mebibyte,
  messagesPerSourceMax: 64,
  ageMsMax: 15_000,
};

/**
 * How large messages leave where nothing else is said. The window fits Linux's default receive buffer of 208 KiB, which holds
 * 184 datagrams of 1,200 bytes, with a quarter to spare. Held are two messages of the largest size.
 */
export const pacingDefaults: PacingLimits = {
  windowBytesMax: 160 * 1024,
  queuedBytesMax: 32 * mebibyte,
  unacknowledgedBytesMax: 1040 * mebibyte,
  giveUpMs: 10_000,
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
  #silent = false;
  #closed: Promise<void> | undefined;

  /** Takes over `socket`, which is bound to `me`; `openTransport` is the way to make one. */
  constructor(socket: SocketAsPromised, me: EndPoint, options: TransportOptions<M>) {
    this.me = me;
    this.inbox = new Inbox(options.inboxMessagesMax);
    this.#socket = socket;
    const reassembly = { ...reassemblyDefaults, ...options.reassembly };
    const bundleMessagesMax = options.bundleMessagesMax ?? bundleMessagesDefault;
    const { counters, inbox } = this;
    const time = { nowMs: options.nowMs, after: options.after ?? realAfter };
    const { messageBytesMax } = reassembly;
    const pacing = { ...pacingDefaults, ...options.pacing };
    const common = { ...options, counters, bundleMessagesMax, time };
    const sender = new Sender({ ...common, messageBytesMax, pacing, emit: this.#emit });
    this.#sender = sender;
    this.#receiver = new Receiver({
      ...common,
      me,
      inbox,
      reassembly,
      answer: (source, ack) => sender.answer(source, ack),
      acknowledge: (source, ack) => sender.acknowledge(source, ack),
    });
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

  /** Bytes of large messages held until they have arrived, bookkeeping included. */
  get unacknowledgedBytes(): number {
    return this.#sender.heldBytes;
  }

  /** Bytes of large messages in flight to a destination, and how many may be; `undefined` where none were sent of late. */
  windowTo(target: EndPoint): Lane['window'] | undefined {
    return this.#sender.windowTo(target);
  }

  /** Calls back after each datagram from which the inbox gained a packet; the callback must not block. */
  onMessages(callback: () => void): void {
    this.#onMessages = callback;
  }

  /** What the socket calls with each datagram, of any bytes; never throws. Acks and the chunks that they ask for may leave at once. */
  readonly receive = (datagram: Uint8Array, from: { readonly address: string; readonly port: number }): void => {
    if (this.#silent) return;
    if (this.#receiver.take(datagram, from.address, from.port)) this.#onMessages();
  };

  /** Queues a message for `target` until `flush`; nobody may write to `bytes` any more. */
  send(target: EndPoint, bytes: Uint8Array): void {
    if (this.#silent) this.counters.sendFailures++;
    else this.#sender.send(target, bytes);
  }

  /**
   * Hands all queued messages to the system, bundled per destination; those larger than a datagram leave as their receiver
   * takes them in. A failure is counted, as the loss of a datagram.
   */
  flush(): void {
    this.#sender.flush();
  }

  /** Drops all that is not yet sent or acknowledged; nothing leaves and nothing is heard any more. The socket stays open. */
  silence(): void {
    this.#silent = true;
    this.#sender.abandon();
    this.#receiver.clear();
  }

  /** Closes the socket; what has not left is not sent. May be called again. */
  close(): Promise<void> {
    this.silence();
    this.#closed ??= this.#socket.close();
    return this.#closed;
  }

  readonly #onSent = (error: Error | null): void => {
    if (error !== null) this.counters.sendFailures++;
  };

  readonly #emit = (datagram: Buffer, port: number, address: string): void => {
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
