/** What requests and moves cost in IronKV's host alone: no codec, no judge, no socket. Run with `npm run bench:ironkv-host`. */
import type { StepIo } from '../src/network/step-io.js';
import { type EndPoint, endPoint } from '../src/spec/endpoint.js';
import type { Packet } from '../src/spec/packet.js';
import { E } from '../src/spec/prelude.js';
import type { Command } from '../systems/ironkv/commands.js';
import { kvConfiguration } from '../systems/ironkv/configuration.js';
import { type KvAction, KvHost } from '../systems/ironkv/host.js';
import type { KvMessage } from '../systems/ironkv/messages.js';

/** A step IO that carries nothing but what is meant for another host, and counts replies. */
class NullIo implements StepIo<KvMessage, KvAction> {
  inbox: Packet<KvMessage>[] = [];
  outbox: Packet<KvMessage>[] = [];
  nowMs = 1;
  replies = 0;
  readonly me: EndPoint;
  readonly #other: EndPoint;
  /** Packets of the inbox that were taken. */
  #taken = 0;

  constructor(me: EndPoint, other: EndPoint) {
    this.me = me;
    this.#other = other;
  }

  receiveAll(countMax: number): readonly Packet<KvMessage>[] {
    const packets = this.inbox.slice(this.#taken, this.#taken + countMax);
    this.#taken += packets.length;
    if (this.#taken === this.inbox.length) {
      this.inbox = [];
      this.#taken = 0;
    }
    return packets;
  }

  receive(): undefined {
    return undefined;
  }

  clock(): number {
    return this.nowMs;
  }

  send(target: EndPoint, message: KvMessage): void {
    if (target === this.#other) this.outbox.push({ source: this.me, target, message });
    else if (message.tag === 'reply') this.replies++;
  }

  broadcast(): void {}

  deliverToSelf(): number {
    return 0;
  }

  record(): void {}

  touch(): void {}
}

const hosts = [endPoint('127.0.0.1:7001'), endPoint('127.0.0.1:7002')];
const administrator = endPoint('127.0.0.1:7100');
const made = kvConfiguration(hosts, [administrator]);
if (E.isLeft(made)) throw new Error(made.left.join('; '));
const configuration = made.right;
const [first, second] = hosts as [EndPoint, EndPoint];

const keyOf = (n: number): Uint8Array => new Uint8Array(Buffer.from(`key${String(n).padStart(9, '0')}`, 'latin1'));

const setOf = (n: number, valueBytes: number): Command => ({
  tag: 'set',
  key: keyOf(n),
  value: new Uint8Array(valueBytes),
  when: 'always',
});

const requestOf = (client: number, seqno: number, command: Command): Packet<KvMessage> => ({
  source: administrator,
  target: first,
  message: {
    tag: 'request',
    session: { number: client * 256, nonce: client * 7919 },
    seqno,
    floor: seqno,
    ordered: false,
    command,
  },
});

/** A host with `keys` keys of `valueBytes` bytes, in a shuffled order. */
const filled = (keys: number, valueBytes: number): { readonly host: KvHost; readonly io: NullIo } => {
  const host = new KvHost(configuration, first);
  const io = new NullIo(first, second);
  for (let n = 0; n < keys; n++) {
    io.inbox.push(requestOf(0, n, setOf((n * 7919) % keys, valueBytes)));
    if (io.inbox.length === 256) host.next(io);
  }
  host.next(io);
  return { host, io };
};

/** Microseconds of a request, in steps of `batch` packets, one for each of `batch` clients. */
const measure = (keys: number, batch: number, commandOf: (n: number) => Command): number => {
  const { host, io } = filled(keys, 128);
  const rounds = Math.ceil(400_000 / batch);
  let spentMs = 0;
  for (let round = 0; round < rounds; round++) {
    // New messages, as off the wire: what the host looks up in them it sees for the first time.
    const inbox = Array.from({ length: batch }, (_, client) => {
      return requestOf(client + 1, round, commandOf(((round * batch + client) * 48_271) % keys));
    });
    io.inbox = inbox;
    io.nowMs = 1 + Math.floor(round / 100);
    const from = performance.now();
    host.next(io);
    if (round > rounds / 4) spentMs += performance.now() - from;
  }
  return (spentMs * 1000) / (batch * (rounds - Math.floor(rounds / 4) - 1));
};

/** Moves a million keys of 100 bytes, and prints how long the steps of both hosts were. */
const measureMove = (): void => {
  const { host, io } = filled(1_000_000, 100);
  const recipient = { host: new KvHost(configuration, second), io: new NullIo(second, first) };
  const order = { tag: 'shard', seqno: 1, lo: new Uint8Array(), hi: null, recipient: second } as const;
  io.inbox.push({ source: administrator, target: first, message: order });
  const took: number[] = [];
  const step = (h: KvHost, stepIo: NullIo): void => {
    const from = performance.now();
    h.next(stepIo);
    took.push(performance.now() - from);
  };
  do {
    io.nowMs++;
    step(host, io);
    recipient.io.inbox.push(...io.outbox.splice(0));
    step(recipient.host, recipient.io);
    io.inbox.push(...recipient.io.outbox.splice(0));
  } while (host.moves.length > 0);
  took.sort((a, b) => a - b);
  const at = (share: number): string => (took[Math.floor((took.length - 1) * share)] as number).toFixed(2);
  const totalMs = took.reduce((sum, ms) => sum + ms, 0).toFixed(0);
  console.log(
    `move of ${recipient.host.table.size} keys: ${took.length} steps in ${totalMs} ms; a step p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms`,
  );
};

for (const keys of [1000, 1_000_000]) {
  for (const batch of [64, 256]) {
    const get = measure(keys, batch, (n) => ({ tag: 'get', key: keyOf(n) }));
    const set = measure(keys, batch, (n) => setOf(n, 128));
    const rate = (micros: number): string => `${micros.toFixed(2)} µs, ${Math.round(1e6 / micros)} a second`;
    console.log(`${keys} keys, ${batch} requests a step: get ${rate(get)}; set ${rate(set)}`);
  }
}
measureMove();
