/**
 * Hosts of IronKV under test, without a judge: packets go through the codec, sends between hosts wait to be delivered, and
 * after each step whatever changed must have been declared.
 */
import { expect } from 'vitest';
import { PhaseError, type StepIo, type Touch } from '../../src/network/step-io.js';
import { type EndPoint, endPoint } from '../../src/spec/endpoint.js';
import type { Packet } from '../../src/spec/packet.js';
import { E } from '../../src/spec/prelude.js';
import { bytesOfKey, type Command, textOfKey } from '../../systems/ironkv/commands.js';
import { type Configuration, kvConfiguration } from '../../systems/ironkv/configuration.js';
import { type KvAction, KvHost } from '../../systems/ironkv/host.js';
import { type KvMessage, kvCodec, type Message, type Session } from '../../systems/ironkv/messages.js';

/** A session that the first host may have opened. */
export const session = (n = 0): Session => ({ number: n * 256, nonce: 7 });

export const hostAt = (index: number): EndPoint => endPoint(`10.0.0.1:${7000 + index}`);
export const clientAt = (index = 0): EndPoint => endPoint(`10.0.0.2:${8000 + index}`);
export const administrator = endPoint('10.0.0.3:9000');

export const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));
export const textOf = (value: Uint8Array): string => Buffer.from(value).toString('latin1');

export const get = (key: string): Command => ({ tag: 'get', key: bytes(key) });
export const set = (key: string, value: string): Command => ({
  tag: 'set',
  key: bytes(key),
  value: bytes(value),
  when: 'always',
});

/** One step's IO: what the host did in it. */
export class RecordingIo implements StepIo<KvMessage, KvAction> {
  readonly sent: Packet<KvMessage>[] = [];
  readonly actions: KvAction[] = [];
  readonly touches: Touch[] = [];
  readonly me: EndPoint;
  readonly #inbox: Packet<KvMessage>[];
  readonly #nowMs: number;
  #receiving = true;

  constructor(me: EndPoint, inbox: Packet<KvMessage>[], nowMs: number) {
    this.me = me;
    this.#inbox = inbox;
    this.#nowMs = nowMs;
  }

  receiveAll(countMax: number): readonly Packet<KvMessage>[] {
    this.#receivingOnly();
    return this.#inbox.splice(0, countMax);
  }

  receive(): undefined {
    throw new Error('not used by the host');
  }

  clock(): number {
    this.#receivingOnly();
    this.#receiving = false;
    return this.#nowMs;
  }

  send(target: EndPoint, message: KvMessage): void {
    // What arrives shares nothing with the sender, as on the wire.
    this.sent.push({ source: this.me, target, message: overTheWire(message) });
  }

  broadcast(targets: readonly EndPoint[], message: KvMessage): void {
    for (const target of targets) this.send(target, message);
  }

  deliverToSelf(): number {
    throw new Error('not used by the host');
  }

  record(action: KvAction): void {
    this.actions.push(action);
  }

  touch(component: string, key?: string | number): void {
    this.touches.push(key === undefined ? { component } : { component, key });
  }

  #receivingOnly(): void {
    if (!this.#receiving) throw new PhaseError('receives and the clock come first');
  }
}

/** The message as another process reads it. Throws where it would not. */
export const overTheWire = (message: KvMessage): KvMessage => {
  const decoded = kvCodec.decode(kvCodec.encode(message));
  if (E.isLeft(decoded)) throw new Error(decoded.left);
  return decoded.right;
};

/** A host's state, entry by entry: what `touch` speaks of. */
export const stateOf = (host: KvHost): Map<string, string> => {
  const state = new Map<string, string>();
  const put = (name: string, value: unknown): void => {
    state.set(name, JSON.stringify(value));
  };
  for (const [key, value] of host.table) put(`table ${key}`, textOf(value));
  put('map', host.map.entries());
  for (const [key, entry] of host.sessions) put(`sessions ${key}`, entry);
  put('horizons', host.horizons);
  put('bounds', host.bounds);
  put('counts', [host.stamp, host.opened]);
  for (const [index, { unacked, ...peer }] of host.peers) {
    put(`peers ${index}`, peer);
    for (const [i, body] of unacked.entries()) put(`peers.unacked ${index}/${peer.acked + 1 + i}`, body);
  }
  put('moves', host.moves);
  for (const [key, order] of host.shards) put(`shards ${key}`, order);
  return state;
};

const declared = (touches: readonly Touch[]): Set<string> =>
  new Set(touches.map(({ component, key }) => (key === undefined ? component : `${component} ${key}`)));

/** Hosts with one inbox each. Packets between hosts wait in `underWay` until `deliver`; those to others are kept in `answers`. */
export class HostCluster {
  readonly configuration: Configuration;
  readonly hosts: readonly KvHost[];
  readonly inboxes: readonly Packet<KvMessage>[][];
  readonly underWay: Packet<KvMessage>[] = [];
  readonly answers: Packet<KvMessage>[] = [];
  nowMs = 1_000_000;

  constructor(size = 1, parameters: Readonly<Record<string, number>> = {}) {
    const indices = Array.from({ length: size }, (_, i) => i);
    // The clock stands still in most tests: a host that rests would never go on.
    const made = kvConfiguration(indices.map(hostAt), [administrator], { delegateRestMs: 0, ...parameters });
    if (E.isLeft(made)) throw new Error(made.left.join('; '));
    this.configuration = made.right;
    this.hosts = indices.map((i) => new KvHost(made.right, hostAt(i)));
    this.inboxes = indices.map(() => []);
  }

  host(index = 0): KvHost {
    return this.hosts[index] as KvHost;
  }

  put(index: number, source: EndPoint, message: KvMessage): void {
    this.inboxes[index]?.push({ source, target: hostAt(index), message: overTheWire(message) });
  }

  /** One step of one host. */
  step(index = 0): RecordingIo {
    const io = new RecordingIo(hostAt(index), this.inboxes[index] as Packet<KvMessage>[], this.nowMs);
    const host = this.host(index);
    const before = stateOf(host);
    host.next(io);
    const after = stateOf(host);
    const touched = declared(io.touches);
    for (const name of new Set([...before.keys(), ...after.keys()])) {
      if (before.get(name) !== after.get(name)) expect(touched).toContain(name);
    }
    for (const packet of io.sent) {
      const toHost = this.hosts.some((_, i) => hostAt(i) === packet.target);
      (toHost ? this.underWay : this.answers).push(packet);
    }
    return io;
  }

  /** Hands a packet to the inbox of its target. */
  deliver(packet: Packet<KvMessage>): void {
    this.inboxes[this.hosts.findIndex((_, i) => hostAt(i) === packet.target)]?.push(packet);
  }

  /** Delivers and steps until nothing is under way and no host asks for a step now. */
  settle(): void {
    for (let round = 0; round < 10_000; round++) {
      for (const packet of this.underWay.splice(0)) this.deliver(packet);
      const busy = this.hosts.filter((h, i) => (this.inboxes[i]?.length ?? 0) > 0 || h.wakeAtMs() <= this.nowMs);
      if (busy.length === 0) return;
      for (const host of busy) this.step(this.hosts.indexOf(host));
    }
    throw new Error('the hosts never come to rest');
  }

  /** Sends one message to a host in a step of its own; what the host answered to its source. */
  ask(message: KvMessage, { host = 0, source = clientAt() } = {}): KvMessage[] {
    this.put(host, source, message);
    return this.step(host).sent.flatMap((p) => (p.target === source ? [p.message] : []));
  }

  /** As `ask`, for a request; the one answer, `undefined` where there is none. */
  request(command: Command, options: RequestOptions = {}): KvMessage | undefined {
    const { seqno = 0, floor = seqno, ordered = false, of = session(), host = 0, source = clientAt() } = options;
    const answers = this.ask({ tag: 'request', session: of, seqno, floor, ordered, command }, { host, source });
    expect(answers.length).toBeLessThan(2);
    return answers[0];
  }

  /** Orders a move from host to host, and returns the verdict. */
  shard(seqno: number, lo: string, hi: string | null, to: number, { host = 0, source = administrator } = {}): string {
    const bound = hi === null ? null : bytesOfKey(hi);
    const shard: KvMessage = { tag: 'shard', seqno, lo: bytesOfKey(lo), hi: bound, recipient: hostAt(to) };
    const answer = this.ask(shard, { host, source }).find((m) => m.tag === 'shardReply');
    return answer?.tag === 'shardReply' ? answer.verdict : 'nothing';
  }

  status(host = 0, from = ''): Message<'status'> {
    const [answer] = this.ask({ tag: 'statusRequest', nonce: 1, from: bytesOfKey(from) }, { host });
    if (answer?.tag !== 'status') throw new Error('no status');
    return answer;
  }
}

/** What a request has beside its command. */
export interface RequestOptions {
  readonly seqno?: number;
  readonly floor?: number;
  readonly ordered?: boolean;
  readonly of?: Session;
  readonly host?: number;
  readonly source?: EndPoint;
}

/** An answer in short: `reply done true`, `refused OUT_OF_ORDER`, `redirect a b 1`. */
export const short = (m: KvMessage | undefined): string => {
  if (m === undefined) return 'nothing';
  if (m.tag === 'refused') return `refused ${m.reason}`;
  if (m.tag === 'redirect') return `redirect ${textOfKey(m.lo)} ${m.hi === null ? null : textOfKey(m.hi)} ${m.host}`;
  if (m.tag !== 'reply') return m.tag;
  const { outcome } = m;
  switch (outcome.tag) {
    case 'value':
      return outcome.value === null ? 'value null' : `value ${textOf(outcome.value)}`;
    case 'length':
      return `length ${outcome.length}`;
    case 'done':
      return `done ${outcome.done}`;
    case 'number':
      return `number ${outcome.number}`;
    case 'failed':
      return `failed ${outcome.error}`;
  }
};
