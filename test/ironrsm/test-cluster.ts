/** Replicas in one process on a network that the test controls; every step is checked for undeclared changes. */
import type { EndPoint } from '../../src/spec/endpoint.js';
import type { Packet } from '../../src/spec/packet.js';
import type { AnyApplication } from '../../systems/ironrsm/application.js';
import { defaultParameters, type Parameters } from '../../systems/ironrsm/configuration.js';
import { type ReplicaAction, ReplicaHost } from '../../systems/ironrsm/host.js';
import { type Ballot, parted, type RsmMessage } from '../../systems/ironrsm/messages.js';
import { faultsOf, inconsistenciesOf, stateOf } from './host-state.js';
import { messagesOf, valueWith } from './lone-replica.js';
import { anyRecorder, clientAt, replicaAt } from './recorder.js';
import { frozen, RecordingIo } from './recording-io.js';

type Packets = Packet<RsmMessage>[];

/** `size` replicas. Packets go through `network`, which gives those that arrive, at once and in order unless the test says otherwise. */
export class TestCluster {
  readonly replicas: readonly EndPoint[];
  readonly hosts: readonly ReplicaHost[];
  /** Packets sent to others than replicas. */
  readonly toClients: Packets = [];
  readonly taken = new Set<ReplicaAction['action']>();
  nowMs = 1000;
  steps = 0;
  network: (packet: Packet<RsmMessage>) => Packets = (packet) => [packet];
  readonly #inboxes: readonly Packets[];
  readonly #sessions: number[] = [];

  constructor(size: number, parameters: Partial<Parameters> = {}, app: AnyApplication = anyRecorder) {
    this.replicas = Array.from({ length: size }, (_, i) => replicaAt(i));
    const configuration = { replicas: this.replicas, app, parameters: { ...defaultParameters, ...parameters } };
    this.hosts = this.replicas.map((replica) => new ReplicaHost(configuration, replica));
    this.#inboxes = this.replicas.map(() => []);
  }

  host(index: number): ReplicaHost {
    return this.hosts[index] as ReplicaHost;
  }

  /** The operations that replica `index` executed, in order. */
  executed(index: number): readonly string[] {
    return this.host(index).executor.app as readonly string[];
  }

  /** Puts a packet on the network. */
  send(packet: Packet<RsmMessage>): void {
    for (const arrived of this.network(frozen(packet))) this.deliver(arrived);
  }

  /** Puts a packet where it is to go, past the network. */
  deliver(packet: Packet<RsmMessage>): void {
    const inbox = this.#inboxes[this.replicas.indexOf(packet.target)];
    (inbox ?? this.toClients).push(packet);
  }

  /** Opens a session for each of the clients 0 to `count - 1` that has none, in that order, and waits for it. */
  openSessions(count: number, stopped: readonly number[] = []): void {
    for (let client = this.#sessions.length; client < count; client++) {
      const message = { tag: 'open', nonce: client, ordered: false } as const;
      for (const target of this.replicas) this.send({ source: clientAt(client), target, message });
    }
    this.advance(200, stopped);
    for (const { nonce, session } of messagesOf('opened', this.toClients)) this.#sessions[nonce] = session;
    for (let client = 0; client < count; client++) this.session(client);
  }

  /** The session of a client. */
  session(client: number): number {
    const session = this.#sessions[client];
    if (session === undefined) throw new Error(`client ${client} has no session`);
    return session;
  }

  /** Sends a client's request, of one operation or of several, to the replicas, all of them unless `targets` says which. */
  request(
    client: number,
    seqno: number,
    text: string | readonly string[],
    targets = this.replicas.map((_, i) => i),
  ): void {
    const session = this.session(client);
    const message = { tag: 'request', session, seqno, floor: 1, value: valueWith(...[text].flat()) } as const;
    for (const i of targets) this.send({ source: clientAt(client), target: replicaAt(i), message });
  }

  /** The replies that `client` got for `seqno`, as text: those to the operations of one request in one text. */
  replies(client: number, seqno: number): string[] {
    return this.toClients.flatMap(({ target, message }) =>
      target === clientAt(client) && message.tag === 'reply' && message.seqno === seqno
        ? [
            parted(message.value)
              .map((reply) => Buffer.from(reply).toString())
              .join(' '),
          ]
        : [],
    );
  }

  /** One step of replica `index`, whose sends go out; throws where the judge would have something to say. */
  step(index: number): RecordingIo {
    const host = this.host(index);
    const before = stateOf(host);
    const io = new RecordingIo(replicaAt(index), this.#inboxes[index] as Packets, this.nowMs);
    host.next(io);
    const faults = [...faultsOf(io, before, stateOf(host)), ...inconsistenciesOf(host)];
    if (faults.length > 0) throw new Error(`replica ${index}: ${faults.join('; ')}`);
    this.steps++;
    for (const { action } of io.actions) this.taken.add(action);
    for (const packet of io.sent) this.send(packet);
    return io;
  }

  /** Steps the replicas that have packets or wish it, in turn, until none does. */
  settle(stopped: readonly number[] = []): void {
    const waits = (i: number): boolean =>
      !stopped.includes(i) && ((this.#inboxes[i] as Packets).length > 0 || this.host(i).wakeAtMs() <= this.nowMs);
    for (let turns = 0; this.hosts.some((_, i) => waits(i)); turns++) {
      if (turns > 100_000) throw new Error('the cluster does not come to rest');
      this.hosts.forEach((_, i) => {
        if (waits(i)) this.step(i);
      });
    }
    for (const i of stopped) (this.#inboxes[i] as Packets).length = 0;
  }

  /** Lets time pass in steps of 10 ms. */
  advance(milliseconds: number, stopped: readonly number[] = []): void {
    this.settle(stopped);
    for (const end = this.nowMs + milliseconds; this.nowMs < end; ) {
      this.nowMs += 10;
      this.settle(stopped);
    }
  }
}

/** A cluster that has elected its first leader, with a session for each of the clients 0 to `clients - 1`. */
export const ready = (size = 3, parameters = {}, clients = 2): TestCluster => {
  const cluster = new TestCluster(size, parameters);
  cluster.settle();
  cluster.openSessions(clients);
  return cluster;
};

/** The ballot of the first view. */
export const firstView: Ballot = { seqno: 1, proposer: 0 };
