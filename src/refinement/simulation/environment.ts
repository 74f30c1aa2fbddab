/** Everyone outside the cluster: its clients, and a stranger who has no right to anything. */
import * as fc from 'fast-check';
import type { DoorListener, LocalDoor } from '../../host/doors.js';
import type { Codec } from '../../network/codec.js';
import type { SimulatedNetwork } from '../../network/simulated-network.js';
import { openTransport, type Transport } from '../../network/transport.js';
import { type EndPoint, endPoint } from '../../spec/endpoint.js';
import type { Packet } from '../../spec/packet.js';
import { E } from '../../spec/prelude.js';
import type { Random } from '../random.js';
import type { ClientIo, ClientProgram } from './simulated-system.js';
import type { VirtualTime } from './virtual-time.js';

/** Where the stranger's packets come from. */
export const stranger = endPoint('10.66.6.6:6666');
const strangerMessages = 64;

/** What the outside world is made of. */
export interface EnvironmentParts<M> {
  readonly codec: Codec<M>;
  readonly network: SimulatedNetwork;
  readonly time: VirtualTime;
  /** Told of each packet before it is sent. */
  readonly onSend: (packet: Packet<M>) => void;
  /** Opens a door of the host `beside`. */
  readonly openDoor: (beside: EndPoint, client: EndPoint, listener: DoorListener) => LocalDoor<M>;
}

/** The stranger's habits. */
export interface StrangerParts<M> {
  readonly messages: fc.Arbitrary<M>;
  readonly hosts: readonly EndPoint[];
  readonly random: Random;
  /** Packets in a simulated millisecond, in the mean. */
  readonly rate: number;
  /** Told of each packet; `false` ends the stranger's visit. */
  readonly onSend: () => boolean;
}

/** Owns the transports of everyone outside. */
export class Environment<M> {
  readonly #parts: EnvironmentParts<M>;
  readonly #transports: Transport<M>[] = [];

  constructor(parts: EnvironmentParts<M>) {
    this.#parts = parts;
  }

  /** Gives a client a socket, and starts it. */
  async openClient(program: ClientProgram<M>, random: Random): Promise<void> {
    const { time } = this.#parts;
    const transport = await this.#open(program.bind ?? { address: '10.9.9.9' });
    const { beside } = program;
    const door = beside === undefined ? undefined : this.#openDoor(program, beside, transport.me);
    const io: ClientIo<M> = {
      me: transport.me,
      random,
      nowMs: () => Math.floor(time.nowMs),
      send: (target, message) => {
        if (door === undefined || target !== beside) return this.#sendAs(transport, target, message);
        this.#parts.onSend({ source: transport.me, target, message });
        return door.put(message, this.#parts.codec.encode(message));
      },
      after: (delayMs, callback) => {
        time.after(delayMs, callback);
      },
    };
    transport.onMessages(() => {
      for (let datum = transport.inbox.shift(); datum !== undefined; datum = transport.inbox.shift())
        program.receive(datum.packet);
    });
    program.start(io);
  }

  /** Someone who is no host and no client sends valid messages of every kind to hosts. */
  async openStranger({ messages, hosts, random, rate, onSend }: StrangerParts<M>): Promise<void> {
    const { time } = this.#parts;
    const transport = await this.#open(stranger);
    transport.onMessages(() => {
      while (transport.inbox.shift() !== undefined);
    });
    const sample = fc.sample(messages, { numRuns: strangerMessages, seed: random.int(0, 2 ** 31 - 1) });
    const sendNext = (): void => {
      if (!onSend()) return;
      this.#sendAs(transport, random.pick(hosts), random.pick(sample));
      time.after(random.between(1, 2 / rate), sendNext);
    };
    time.after(random.between(0, 50), sendNext);
  }

  #openDoor(program: ClientProgram<M>, beside: EndPoint, me: EndPoint): LocalDoor<M> {
    const { codec, openDoor } = this.#parts;
    return openDoor(beside, me, (messages) => {
      for (const bytes of messages) {
        const message = codec.decode(bytes);
        if (E.isLeft(message)) throw new Error(message.left);
        program.receive({ source: beside, target: me, message: message.right });
      }
    });
  }

  async close(): Promise<void> {
    for (const transport of this.#transports) await transport.close();
  }

  async #open(bind: EndPoint | { readonly address: string }): Promise<Transport<M>> {
    const { codec, network, time } = this.#parts;
    const opened = await openTransport({
      bind,
      clusterName: 'simulation',
      codec,
      datagramBytesMax: 1400,
      inboxMessagesMax: 64,
      messageIdBase: 0,
      nowMs: () => time.nowMs,
      after: (delayMs, callback) => time.after(delayMs, callback),
      dgram: network.dgram,
    });
    if (E.isLeft(opened)) throw new Error(opened.left);
    this.#transports.push(opened.right);
    return opened.right;
  }

  #sendAs(transport: Transport<M>, target: EndPoint, message: M): boolean {
    this.#parts.onSend({ source: transport.me, target, message });
    transport.send(target, this.#parts.codec.encode(message));
    transport.flush();
    return true;
  }
}
