/**
 * A dgram module without a network: sockets of one process whose datagrams go to a simulator, which decides when, how
 * often and whether they arrive. A `Transport` runs on it unchanged.
 */
import type * as dgram from 'node:dgram';
import { EventEmitter } from 'node:events';
import { addressOf, type EndPoint, endPoint, portOf } from '../spec/endpoint.js';

/** A datagram on its way. Nobody writes to `bytes`: all deliveries of it share them. */
export interface SimulatedDatagram {
  readonly source: EndPoint;
  readonly target: EndPoint;
  readonly bytes: Uint8Array;
}

const ephemeralPortMin = 49_152;

const systemError = (code: string, what: string): Error => Object.assign(new Error(`${what}: ${code}`), { code });

type SendCallback = (error: Error | null, bytes: number) => void;

/** The part of dgram's Socket that a transport and dgram-as-promised call. */
class SimulatedSocket extends EventEmitter {
  readonly #network: SimulatedNetwork;
  #bound: EndPoint | undefined;
  #closed = false;

  constructor(network: SimulatedNetwork) {
    super();
    this.#network = network;
  }

  bind(options: dgram.BindOptions): this {
    // As in Node, whoever waits for the outcome may subscribe after the call.
    queueMicrotask(() => {
      if (this.#closed) return;
      const bound = this.#network.claim(this, options.address ?? '127.0.0.1', options.port ?? 0);
      if (bound === undefined) {
        this.emit('error', systemError('EADDRINUSE', `bind ${options.address}:${options.port}`));
        return;
      }
      this.#bound = bound;
      this.emit('listening');
    });
    return this;
  }

  address(): { readonly address: string; readonly port: number; readonly family: string } {
    const bound = this.#running();
    return { address: addressOf(bound), port: portOf(bound), family: 'IPv4' };
  }

  /** Calls back at once, so that a simulation that never awaits piles up nothing. */
  send(bytes: Uint8Array, port: number, address: string, callback?: SendCallback): void {
    this.#network.onSend({ source: this.#running(), target: endPoint(`${address}:${port}`), bytes });
    callback?.(null, bytes.length);
  }

  close(): this {
    if (this.#closed) throw systemError('ERR_SOCKET_DGRAM_NOT_RUNNING', 'close');
    this.#closed = true;
    if (this.#bound !== undefined) this.#network.release(this.#bound);
    queueMicrotask(() => this.emit('close'));
    return this;
  }

  #running(): EndPoint {
    if (this.#bound === undefined || this.#closed) throw systemError('ERR_SOCKET_DGRAM_NOT_RUNNING', 'not running');
    return this.#bound;
  }
}

/** The sockets of a simulation, by where they are bound. */
export class SimulatedNetwork {
  /** What a socket calls with each datagram that it sends: the simulator's, which later calls `deliver`, or not. */
  readonly onSend: (datagram: SimulatedDatagram) => void;
  readonly #bound = new Map<EndPoint, EventEmitter>();
  #nextEphemeralPort = ephemeralPortMin;

  constructor(onSend: (datagram: SimulatedDatagram) => void) {
    this.onSend = onSend;
  }

  /** What a transport takes as `dgram`: of that module it has `createSocket` only. */
  get dgram(): typeof dgram {
    return { createSocket: () => new SimulatedSocket(this) } as unknown as typeof dgram;
  }

  /** Hands a datagram to the socket at its target at once; `false` where nobody listens there. */
  deliver(datagram: SimulatedDatagram): boolean {
    const socket = this.#bound.get(datagram.target);
    if (socket === undefined) return false;
    const { source, bytes } = datagram;
    const from = { address: addressOf(source), port: portOf(source), family: 'IPv4', size: bytes.length };
    return socket.emit('message', bytes, from);
  }

  /** For sockets: binds `socket`, port 0 standing for any; `undefined` where the end point is taken. */
  claim(socket: EventEmitter, address: string, port: number): EndPoint | undefined {
    const wanted = endPoint(`${address}:${port === 0 ? this.#nextEphemeralPort++ : port}`);
    if (this.#bound.has(wanted)) return port === 0 ? this.claim(socket, address, port) : undefined;
    this.#bound.set(wanted, socket);
    return wanted;
  }

  /** For sockets: frees an end point, so that it can be bound again. */
  release(bound: EndPoint): void {
    this.#bound.delete(bound);
  }
}
