/** Transports on virtual time and a network that loses, repeats, delays and cuts datagrams, the same in every run of a seed. */

import { codecOf } from '../../src/network/message-codec.js';
import { schema } from '../../src/network/schema.js';
import { type SimulatedDatagram, SimulatedNetwork } from '../../src/network/simulated-network.js';
import { openTransport, type Transport, type TransportOptions } from '../../src/network/transport.js';
import { Random } from '../../src/refinement/random.js';
import { VirtualTime } from '../../src/refinement/simulation/virtual-time.js';
import { type EndPoint, endPoint } from '../../src/spec/endpoint.js';
import { E } from '../../src/spec/prelude.js';

export const blobCodec = codecOf(
  schema((S) => S.sum('tag')({ blob: S.struct({ tag: S.literal('blob'), bytes: S.bytes(2 ** 30) }) })),
);
export type Blob = { readonly tag: 'blob'; readonly bytes: Uint8Array };

/** Probabilities, and the longest delay in milliseconds. */
export interface Weather {
  readonly loss: number;
  readonly duplicate: number;
  readonly truncate: number;
  readonly delayMsMax: number;
}

export const calm: Weather = { loss: 0, duplicate: 0, truncate: 0, delayMsMax: 1 };

export class LossyNetwork {
  readonly time = new VirtualTime();
  weather: Weather;
  /** Sees each datagram before its fate is drawn; `false` swallows it. */
  onDatagram: (datagram: SimulatedDatagram) => boolean = () => true;
  readonly #random: Random;
  readonly #network: SimulatedNetwork;

  constructor(seed: number, weather: Weather) {
    this.weather = weather;
    this.#random = new Random(seed);
    this.#network = new SimulatedNetwork((datagram) => this.#send(datagram));
  }

  /** Hands a datagram of a test's own making to its target at once. */
  inject(datagram: SimulatedDatagram): void {
    this.#network.deliver(datagram);
  }

  async open(bind: EndPoint, change: Partial<TransportOptions<Blob>> = {}): Promise<Transport<Blob>> {
    const { time } = this;
    const opened = await openTransport<Blob>({
      bind,
      clusterName: 'test',
      codec: blobCodec,
      datagramBytesMax: 1_200,
      inboxMessagesMax: 1_000,
      messageIdBase: 100,
      nowMs: () => time.nowMs,
      after: (delayMs, callback) => time.after(delayMs, callback),
      dgram: this.#network.dgram,
      ...change,
    });
    if (E.isLeft(opened)) throw new Error(opened.left);
    return opened.right;
  }

  /** Lets time pass until `done`, or until nothing is left to happen, or `ms` have passed; whether it was done. */
  run(ms: number, done: () => boolean = () => false): boolean {
    const untilMs = this.time.nowMs + ms;
    while (!done()) {
      if (this.time.nextMs > untilMs) {
        if (untilMs !== Infinity) this.time.at(untilMs, () => undefined);
        this.time.runNext();
        return done();
      }
      this.time.runNext();
    }
    return true;
  }

  #send(datagram: SimulatedDatagram): void {
    if (!this.onDatagram(datagram)) return;
    const { loss, duplicate, truncate, delayMsMax } = this.weather;
    const copies = this.#random.chance(duplicate) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      if (this.#random.chance(loss)) continue;
      const { bytes } = datagram;
      const cut = this.#random.chance(truncate) ? bytes.subarray(0, this.#random.int(0, bytes.length - 1)) : bytes;
      this.time.after(this.#random.between(0.1, delayMsMax), () => this.#network.deliver({ ...datagram, bytes: cut }));
    }
  }
}

export const a = endPoint('10.0.0.1:1');
export const b = endPoint('10.0.0.2:1');
export const c = endPoint('10.0.0.3:1');

/** Sends a blob of these bytes at once. */
export const sendBlob = (from: Transport<Blob>, target: EndPoint, bytes: Uint8Array): void => {
  from.send(target, blobCodec.encode({ tag: 'blob', bytes }));
  from.flush();
};

/** Takes all blobs out of an inbox. */
export const takeBlobs = (transport: Transport<Blob>): readonly Uint8Array[] => {
  const taken: Uint8Array[] = [];
  for (let datum = transport.inbox.shift(); datum !== undefined; datum = transport.inbox.shift())
    taken.push(datum.packet.message.bytes);
  return taken;
};
