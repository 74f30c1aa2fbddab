/** Single delivery: streams of numbered bodies between hosts, each accepted once and in order (IronFleet, SOSP 2015, section 5.2.1). */

import type { EndPoint } from '../../../src/spec/endpoint.js';
import { add, successor } from '../../../src/spec/nat.js';
import { unreachable } from '../../../src/spec/prelude.js';
import type { Body, Knowledge, Message, Pair } from '../messages.js';
import type { Cluster } from './cluster.js';
import type { StepScope } from './step-scope.js';

/** Both streams between this host and another. */
export interface Peer {
  /** The last seqno accepted from it. */
  received: number;
  /** The last seqno of the stream to it. */
  sent: number;
  acked: number;
  /** The bodies with seqnos `acked + 1` to `sent`. */
  readonly unacked: Body[];
  /** The sum of their sizes. */
  unackedBytes: number;
  /** The stamp up to which the stream to it tells of sessions. */
  told: number;
  /** The last bound of my sessions that was announced to it. */
  announced: number;
  /** The last horizon of its own sessions of which it was warned. */
  warned: number;
  resendAtMs: number;
  waitMs: number;
  ackedAtCheck: number;
}

/** Bytes that count for a pair beside its key and value; for a session, and for each of its records. */
const pairOverheadBytes = 16;
const sessionBytes = 16;
const recordBytes = 16;

const pairsBytes = (pairs: readonly Pair[]): number =>
  pairs.reduce((sum, { key, value }) => sum + key.length + value.length + pairOverheadBytes, 0);

const knowledgeBytes = (sessions: readonly Knowledge[]): number =>
  sessions.reduce((sum, { records }) => sum + sessionBytes + recordBytes * records.length, 0);

/** The size of a body: about what it is on the wire, where an announcement is next to nothing. */
const bodyBytes = (body: Body): number => {
  switch (body.tag) {
    case 'announce':
      return 0;
    case 'inform':
      return knowledgeBytes(body.sessions);
    case 'delegate':
      return pairsBytes(body.pairs) + knowledgeBytes(body.sessions);
    default:
      return unreachable(body);
  }
};

/** The streams to and from all other hosts. */
export class Deliveries {
  /** By index, ascending. */
  readonly peers = new Map<number, Peer>();
  readonly #cluster: Cluster;
  readonly #scope: StepScope;

  constructor(cluster: Cluster, scope: StepScope) {
    this.#cluster = cluster;
    this.#scope = scope;
    const { resendMs, sessionsAnnounced } = cluster.parameters;
    for (const index of cluster.hosts.keys()) {
      if (index === cluster.myIndex) continue;
      const timers = { resendAtMs: 0, waitMs: resendMs, ackedAtCheck: 0 };
      const knowledge = { told: 0, announced: sessionsAnnounced, warned: 0 };
      const streams = { received: 0, sent: 0, acked: 0, unacked: [], unackedBytes: 0 };
      this.peers.set(index, { ...streams, ...knowledge, ...timers });
    }
  }

  /** Whether the peer may be sent another body, however small: the flow control. */
  hasRoom(index: number): boolean {
    return this.peer(index).unacked.length < this.#cluster.parameters.deliveriesMax;
  }

  /** Whether the peer may be sent another body, however large. */
  hasRoomForBytes(index: number): boolean {
    return this.hasRoom(index) && this.peer(index).unackedBytes < this.#cluster.parameters.deliveryBytesMax;
  }

  /** The peer at `index`, which is another host's. */
  peer(index: number): Peer {
    const peer = this.peers.get(index);
    if (peer === undefined) throw new Error(`host ${index} is no peer`);
    return peer;
  }

  /** Sends a body, which nobody changes from now on, to a peer, again and again until it is acked; returns its seqno. */
  send(index: number, body: Body): number {
    const peer = this.peer(index);
    if (peer.unacked.length === 0) {
      const { resendMs } = this.#cluster.parameters;
      peer.resendAtMs = add(this.#scope.now, resendMs);
      peer.waitMs = resendMs;
      peer.ackedAtCheck = peer.acked;
    }
    peer.sent = successor(peer.sent);
    peer.unacked.push(body);
    peer.unackedBytes += bodyBytes(body);
    this.#scope.touchAt('peers', index);
    this.#scope.touchAt('peers.unacked', `${index}/${peer.sent}`);
    this.#deliver(index, peer.sent, body);
    return peer.sent;
  }

  /** Takes a body of a peer's stream: it is to be accepted now if it is the next one, and `isRight`, of which the next one alone is asked. */
  receive(index: number, { seqno, body }: Message<'deliver'>, isRight: (body: Body) => boolean): Body | undefined {
    const peer = this.peer(index);
    // What is above came before what it rests on; it will come again.
    if (seqno > peer.received + 1) return undefined;
    const isNext = seqno === peer.received + 1;
    if (isNext) {
      if (!isRight(body)) return undefined;
      peer.received = seqno;
      this.#scope.touchAt('peers', index);
    }
    this.#scope.send(this.#endPoint(index), { tag: 'ack', seqno: peer.received });
    return isNext ? body : undefined;
  }

  /** A peer has accepted the stream up to `seqno`; says whether that was news. */
  acknowledge(index: number, seqno: number): boolean {
    const peer = this.peer(index);
    if (seqno <= peer.acked || seqno > peer.sent) return false;
    for (let dropped = peer.acked + 1; dropped <= seqno; dropped++) {
      this.#scope.touchAt('peers.unacked', `${index}/${dropped}`);
    }
    for (const body of peer.unacked.splice(0, seqno - peer.acked)) peer.unackedBytes -= bodyBytes(body);
    peer.acked = seqno;
    this.#scope.touchAt('peers', index);
    return true;
  }

  /** Action for each peer: send the oldest bodies again that wait too long. Progress since the last look counts as an answer. */
  resend(): void {
    const { resendMs, resendMsMax, resendMax } = this.#cluster.parameters;
    for (const [index, peer] of this.peers) {
      if (this.#scope.now < this.#resendDueMs(peer)) continue;
      this.#scope.record({ action: 'resend', peer: index });
      if (peer.acked > peer.ackedAtCheck) peer.waitMs = resendMs;
      else {
        for (const [i, body] of peer.unacked.slice(0, resendMax).entries()) {
          this.#deliver(index, peer.acked + 1 + i, body);
        }
        peer.waitMs = Math.min(2 * peer.waitMs, resendMsMax);
      }
      peer.ackedAtCheck = peer.acked;
      peer.resendAtMs = add(this.#scope.now, peer.waitMs);
      this.#scope.touchAt('peers', index);
    }
  }

  /** When `resend` next has something to do; `Infinity` while nothing is unacked. */
  wakeAtMs(): number {
    let earliest = Number.POSITIVE_INFINITY;
    for (const peer of this.peers.values()) earliest = Math.min(earliest, this.#resendDueMs(peer));
    return earliest;
  }

  /** What is large may be under way for long, and is repeated by the transport: repeating it here meanwhile would be in vain. */
  #resendDueMs({ unacked, unackedBytes, resendAtMs }: Peer): number {
    if (unacked.length === 0) return Number.POSITIVE_INFINITY;
    return add(resendAtMs, Math.floor(unackedBytes / this.#cluster.parameters.deliveryBytesPerMs));
  }

  #deliver(index: number, seqno: number, body: Body): void {
    this.#scope.send(this.#endPoint(index), { tag: 'deliver', seqno, body });
  }

  #endPoint(index: number): EndPoint {
    return this.#cluster.hosts[index] as EndPoint;
  }
}
