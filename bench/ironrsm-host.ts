/** What a request costs in the leader's host alone: no codec, no judge, no socket. Run with `npx tsx bench/ironrsm-host.ts` or built. */
import type { StepIo } from '../src/network/step-io.js';
import { type EndPoint, endPoint } from '../src/spec/endpoint.js';
import type { Packet } from '../src/spec/packet.js';
import type { AnyApplication } from '../systems/ironrsm/application.js';
import { counter } from '../systems/ironrsm/applications/counter.js';
import { encodeCommand, kv } from '../systems/ironrsm/applications/kv.js';
import { defaultParameters } from '../systems/ironrsm/configuration.js';
import { type ReplicaAction, ReplicaHost } from '../systems/ironrsm/host.js';
import { digestOf, joined, type RsmMessage } from '../systems/ironrsm/messages.js';

/** A step IO that carries nothing and counts what is sent to clients. The followers' votes are made from the leader's 2a's. */
class NullIo implements StepIo<RsmMessage, ReplicaAction> {
  inbox: Packet<RsmMessage>[] = [];
  readonly votes: Packet<RsmMessage>[] = [];
  nowMs = 1;
  replies = 0;
  touches = 0;
  readonly opened: number[] = [];
  #toSelf = 0;
  readonly me: EndPoint;
  readonly #follower: EndPoint;

  constructor(me: EndPoint, follower: EndPoint) {
    this.me = me;
    this.#follower = follower;
  }

  receiveAll(): readonly Packet<RsmMessage>[] {
    this.#toSelf = 0;
    const packets = this.inbox;
    this.inbox = [];
    return packets;
  }

  receive(): undefined {
    return undefined;
  }

  clock(): number {
    return this.nowMs;
  }

  send(_target: EndPoint, message: RsmMessage): void {
    if (message.tag === 'reply') this.replies++;
    if (message.tag === 'opened') this.opened.push(message.session);
  }

  broadcast(_targets: readonly EndPoint[], message: RsmMessage): void {
    const answer = this.#answerOf(message);
    if (answer !== undefined) this.votes.push({ source: this.#follower, target: this.me, message: answer });
  }

  deliverToSelf(): number {
    return this.#toSelf++;
  }

  record(): void {
    this.touches++;
  }

  touch(): void {
    this.touches++;
  }

  #answerOf(message: RsmMessage): RsmMessage | undefined {
    if (message.tag === '1a') return { tag: '1b', ballot: message.ballot, truncationPoint: 0, votes: [] };
    if (message.tag === '2a') {
      const { ballot, opn, batch } = message;
      return { tag: '2b', ballot, opn, digest: digestOf(batch) };
    }
    return message.tag === 'heartbeat' ? { ...message } : undefined;
  }
}

const measure = (app: AnyApplication, value: Uint8Array, clients: number, rounds: number): number => {
  const replicas = [1, 2, 3].map((i) => endPoint(`127.0.0.1:700${i}`));
  const me = replicas[0] as EndPoint;
  const host = new ReplicaHost({ replicas, app, parameters: { ...defaultParameters, viewTimeoutMs: 60_000 } }, me);
  const io = new NullIo(me, replicas[1] as EndPoint);
  const step = (): void => {
    host.next(io);
    io.inbox.push(...io.votes);
    io.votes.length = 0;
  };
  for (let i = 0; i < 5; i++) step();
  for (let nonce = 0; nonce < clients; nonce++) {
    const source = endPoint('127.0.0.1:9999');
    io.inbox.push({ source, target: me, message: { tag: 'open', nonce, ordered: false } });
  }
  while (io.opened.length < clients) step();
  const sources = Array.from({ length: clients }, (_, i) => `127.0.0.1:${10_000 + i}`);
  let spentMs = 0;
  for (let seqno = 1; seqno <= rounds; seqno++) {
    // End points come off the wire as new strings.
    for (const [i, source] of sources.entries()) {
      const session = io.opened[i] as number;
      const message: RsmMessage = { tag: 'request', session, seqno, floor: seqno, value };
      io.inbox.push({ source: endPoint(`${source}`.slice()), target: me, message });
    }
    io.nowMs++;
    const from = performance.now();
    while (io.replies < clients * seqno) step();
    if (seqno > rounds / 5) spentMs += performance.now() - from;
  }
  return (spentMs * 1000) / (clients * (rounds - Math.floor(rounds / 5)));
};

const set = joined([encodeCommand({ tag: 'set', key: Buffer.from('key'), value: new Uint8Array(128) })]);
for (const clients of [1, 16, 64, 1000]) {
  const rounds = Math.ceil(400_000 / clients / (clients === 1 ? 4 : 1));
  const counterMicros = measure(counter as AnyApplication, joined([new Uint8Array(8)]), clients, rounds).toFixed(2);
  const kvMicros = measure(kv as AnyApplication, set, clients, rounds).toFixed(2);
  console.log(`${clients} clients: counter ${counterMicros} µs a request at the leader, kv set ${kvMicros} µs`);
}
