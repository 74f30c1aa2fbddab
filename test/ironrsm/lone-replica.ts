/** One replica alone, against messages that the test makes; every step is checked for undeclared changes. */
import { expect } from 'vitest';
import type { EndPoint } from '../../src/spec/endpoint.js';
import type { Packet } from '../../src/spec/packet.js';
import type { AnyApplication } from '../../systems/ironrsm/application.js';
import { defaultParameters, type Parameters } from '../../systems/ironrsm/configuration.js';
import { ReplicaHost } from '../../systems/ironrsm/host.js';
import {
  type Ballot,
  batchCodec,
  type Cursor,
  digestOf,
  joined,
  type Message,
  type Request,
  type RsmMessage,
} from '../../systems/ironrsm/messages.js';
import { changesOf, faultsOf, inconsistenciesOf, stateOf } from './host-state.js';
import { anyRecorder, clientAt, replicaAt } from './recorder.js';
import { frozen, RecordingIo } from './recording-io.js';

/** A message of a kind, out of packets. */
export const messagesOf = <T extends RsmMessage['tag']>(tag: T, packets: readonly Packet<RsmMessage>[]): Message<T>[] =>
  packets.flatMap(({ message }) => (message.tag === tag ? [message as Message<T>] : []));

/** Text as bytes. */
export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

export const ballot = (seqno: number, proposer: number): Ballot => ({ seqno, proposer });

/** Client 0's request for a session. */
export const open = (nonce = 0, client = 0, ordered = false): Request => ({
  tag: 'open',
  client: clientAt(client),
  nonce,
  ordered,
});

/** A value with these operations. */
export const valueWith = (...operations: readonly string[]): Uint8Array => joined(operations.map(bytesOf));

/** What a test says of a request; without a word on its value it has the one operation `r` and its seqno. */
interface Asked {
  readonly session?: number;
  readonly floor?: number;
  /** Its one operation. */
  readonly text?: string;
  /** Its value, instead. */
  readonly value?: Uint8Array;
}

const valueFor = (seqno: number, { text = `r${seqno}`, value = valueWith(text) }: Asked): Uint8Array => value;

/** A request as a batch holds it. Client n has session n unless the test says otherwise. */
export const execute = (seqno: number, more: Asked & { client?: number } = {}): Request => {
  const { session = 0, floor = 1, client = session } = more;
  return { tag: 'execute', client: clientAt(client), session, seqno, floor, value: valueFor(seqno, more) };
};

/** A request as a client sends it. */
export const request = (seqno: number, more: Asked = {}): Message<'request'> => {
  const { session = 0, floor = 1 } = more;
  return { tag: 'request', session, seqno, floor, value: valueFor(seqno, more) };
};

/** Requests as an operation has them. */
export const batchOf = (...requests: readonly Request[]): Uint8Array => batchCodec.encode(requests);

export const heartbeat = (view: Ballot, more: Partial<Message<'heartbeat'>> = {}): Message<'heartbeat'> => ({
  tag: 'heartbeat',
  view,
  suspicious: false,
  opsComplete: 0,
  ...more,
});

type Incoming = readonly [EndPoint | number, RsmMessage];

const sourceOf = (from: EndPoint | number): EndPoint => (typeof from === 'number' ? replicaAt(from) : from);

/** Replica 1 of three, after its first step at time 0 and with its timers far away. */
export class LoneReplica {
  readonly host: ReplicaHost;
  readonly me = replicaAt(1);
  nowMs = 0;

  constructor(parameters: Partial<Parameters> = {}, app: AnyApplication = anyRecorder) {
    const far = { heartbeatPeriodMs: 100_000, retransmitPeriodMs: 100_000, retransmitPeriodMsMax: 100_000 };
    this.host = new ReplicaHost(
      { replicas: [0, 1, 2].map(replicaAt), app, parameters: { ...defaultParameters, ...far, ...parameters } },
      this.me,
    );
    this.step();
  }

  /** One step that takes messages, each from a replica's index or an end point. */
  step(...messages: readonly Incoming[]): RecordingIo {
    const inbox = messages.map(([from, message]) => ({
      source: sourceOf(from),
      target: this.me,
      message: frozen(message),
    }));
    const before = stateOf(this.host);
    const io = new RecordingIo(this.me, inbox, this.nowMs);
    this.host.next(io);
    expect(faultsOf(io, before, stateOf(this.host))).toEqual([]);
    expect(inconsistenciesOf(this.host)).toEqual([]);
    return io;
  }

  /** A step that takes one message. */
  take(from: EndPoint | number, message: RsmMessage): RecordingIo {
    return this.step([from, message]);
  }

  /** A step at a later time. */
  at(nowMs: number): RecordingIo {
    this.nowMs = nowMs;
    return this.step();
  }

  /** Whether the message leaves the state as it is and is answered by nothing. */
  ignores(from: EndPoint | number, message: RsmMessage): boolean {
    const before = stateOf(this.host);
    const io = this.take(from, message);
    return changesOf(before, stateOf(this.host)).length === 0 && io.sent.length + io.toSelf.length === 0;
  }

  /** Makes it leader of view (1, 1), with the promises of replicas 1 and 2, of which the second one reports `promised`. */
  lead(promised: Partial<Message<'1b'>> = {}): RecordingIo {
    this.take(0, heartbeat(ballot(1, 1)));
    return this.take(2, { tag: '1b', ballot: ballot(1, 1), truncationPoint: 0, votes: [], ...promised });
  }

  /** Lets it execute an operation that `proposer` got a quorum to vote for. */
  decide(proposer: number, ...requests: readonly Request[]): RecordingIo {
    return this.decideBytes(proposer, batchOf(...requests));
  }

  /** As `decide`, for bytes that need be no batch. */
  decideBytes(proposer: number, batch: Uint8Array): RecordingIo {
    const { maxBal } = this.host.acceptor;
    const seqno = maxBal.proposer === proposer ? maxBal.seqno : maxBal.seqno + 1;
    const of = { ballot: ballot(Math.max(9, seqno), proposer), opn: this.host.executor.opsComplete };
    const io = this.step(
      [proposer, { tag: '2a', ...of, batch }],
      [proposer === 0 ? 2 : 0, { tag: '2b', ...of, digest: digestOf(batch) }],
    );
    expect(this.host.executor.opsComplete).toBe(of.opn + 1);
    return io;
  }

  /** The operations that it executed, in order. */
  get executed(): readonly string[] {
    return this.host.executor.app as readonly string[];
  }
}

/** Where every state begins. */
export const firstCursor: Cursor = { tag: 'sessions', offset: 0 };

/** Replica 1 after operations 0, which opens the session 0, to `ops - 1`, which execute one request each. */
export const having = (ops: number, parameters = {}): LoneReplica => {
  const lone = new LoneReplica(parameters);
  lone.decide(0, open());
  for (let seqno = 1; seqno < ops; seqno++) lone.decide(0, execute(seqno));
  return lone;
};

/** Batches from operation `opn` on, of a replica that has executed `opsComplete`. */
export const supply = (opn: number, batches: readonly Uint8Array[], opsComplete: number): Message<'catchUpSupply'> => ({
  tag: 'catchUpSupply',
  opn,
  batches,
  opsComplete,
});
