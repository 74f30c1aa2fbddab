/** How replicas that lag catch up: from the log of another one, or by its state in pieces (README.md, "The state on the wire"). */
import { equalBytes } from '../../../src/spec/bytes.js';
import type { EndPoint } from '../../../src/spec/endpoint.js';
import { E } from '../../../src/spec/prelude.js';
import type { AnyApplication } from '../application.js';
import { type Cursor, digestOf, type Message, sessionsCodec } from '../messages.js';
import { actions } from './action.js';
import type { Cluster } from './cluster.js';
import type { Election } from './election.js';
import type { Executor } from './executor.js';
import { firstCursor, type Inbound, InboundState, isConsistent, isFollowedBy, isSameCursor } from './inbound-state.js';
import { ownBytes } from './own-bytes.js';
import type { StepScope } from './step-scope.js';

/** A state that is being sent. */
export interface Outbound {
  readonly opn: number;
  readonly app: unknown;
  readonly sessions: Uint8Array;
  /** Whether it was asked for in this epoch. */
  readonly fresh: boolean;
}

type MutableOutbound = { -readonly [K in keyof Outbound]: Outbound[K] };

/** The roles of the replica that its transfers look at. */
export interface TransferPeers {
  readonly executor: Executor;
  readonly election: Election;
}

/** The native state of the transfers and their reactions. */
export class Transfer {
  /** By operation number, batches that a replica ahead supplied. */
  readonly supplied = new Map<number, Uint8Array>();
  /** The replica to go on asking. */
  source: number | null = null;
  askedOpn = -1;
  readonly #outbound = new Map<number, MutableOutbound>();
  #inbound: InboundState | undefined = undefined;
  readonly #application: AnyApplication;
  readonly #cluster: Cluster;
  readonly #scope: StepScope;
  readonly #peers: TransferPeers;

  constructor(application: AnyApplication, cluster: Cluster, scope: StepScope, peers: TransferPeers) {
    this.#application = application;
    this.#cluster = cluster;
    this.#scope = scope;
    this.#peers = peers;
  }

  /** The state that is being received. */
  get inbound(): Inbound | undefined {
    return this.#inbound;
  }

  /** By replica, the state that it is being sent. */
  get outbound(): ReadonlyMap<number, Outbound> {
    return this.#outbound;
  }

  /** A replica asks for what was decided. */
  onCatchUpRequest(sender: number, { opn }: Message<'catchUpRequest'>): void {
    const { executor } = this.#peers;
    if (opn >= executor.opsComplete) return;
    if (opn < executor.logStart) {
      this.#beginOutbound(sender, opn);
      return;
    }
    const { catchUpOpsMax, catchUpBytesMax } = this.#cluster.parameters;
    const batches: Uint8Array[] = [];
    let bytes = 0;
    for (let n = opn; n < executor.opsComplete; n++) {
      const batch = executor.log.get(n) as Uint8Array;
      bytes += batch.length;
      if (batches.length > 0 && (batches.length >= catchUpOpsMax || bytes > catchUpBytesMax)) break;
      batches.push(batch);
    }
    this.#send(sender, { tag: 'catchUpSupply', opn, batches, opsComplete: executor.opsComplete });
  }

  /** A replica supplies what was decided. */
  onCatchUpSupply(sender: number, { opn, batches, opsComplete }: Message<'catchUpSupply'>): void {
    const { executor } = this.#peers;
    for (let i = 0; i < batches.length; i++) {
      const n = opn + i;
      const isOpen = n > executor.opsComplete || (n === executor.opsComplete && executor.decided === undefined);
      if (!isOpen || n - executor.opsComplete >= this.#cluster.parameters.logLengthMax || this.supplied.has(n))
        continue;
      this.supplied.set(n, ownBytes(batches[i] as Uint8Array));
      this.#scope.touch('transfer.supplied', n);
    }
    this.#setSource(opsComplete - opn > batches.length ? sender : null);
  }

  /** A replica asks for the next piece of a state. */
  onStateRequest(sender: number, { opn, at }: Message<'stateRequest'>): void {
    const outbound = this.#outbound.get(sender);
    if (outbound === undefined || outbound.opn !== opn) return;
    const piece = this.#pieceOf(outbound, at);
    if (piece === undefined) return;
    this.#refresh(sender, outbound);
    this.#send(sender, piece);
  }

  /** A piece of a state. Only the one that comes next, from the replica that sent the others, is taken in. */
  onStatePiece(sender: number, message: Message<'statePiece'>): void {
    const { opn, at, bytes, next, digest } = message;
    if (opn <= this.#peers.executor.opsComplete) return;
    if (this.#inbound === undefined && isSameCursor(at, firstCursor)) {
      this.#setInbound(new InboundState(sender, opn, this.#application.initial));
    }
    const inbound = this.#inbound;
    if (inbound === undefined || inbound.supplier !== sender || inbound.opn !== opn) return;
    if (!isSameCursor(inbound.at, at)) return;
    const isSound = equalBytes(digestOf(bytes), digest) && isFollowedBy(at, bytes.length, next);
    if (!isSound || !this.#takeIn(inbound, bytes)) {
      this.#setInbound(undefined);
    } else if (next === null) {
      this.#install(inbound);
    } else {
      inbound.at = next;
      inbound.fresh = true;
      inbound.tries = 0;
      this.#scope.touch('transfer');
      this.#send(sender, { tag: 'stateRequest', opn, at: next });
    }
  }

  /** A replica reports how many operations it executed: what it was being sent may be needless now. */
  reported(sender: number, opsComplete: number): void {
    const outbound = this.#outbound.get(sender);
    if (outbound !== undefined && outbound.opn <= opsComplete) this.#dropOutbound(sender);
  }

  /** The first `opsComplete` operations are executed: what would lead up to them is needless now. */
  executed(opsComplete: number): void {
    if (this.supplied.delete(opsComplete - 1)) this.#scope.touch('transfer.supplied', opsComplete - 1);
    if (this.#inbound !== undefined && this.#inbound.opn <= opsComplete) this.#setInbound(undefined);
  }

  /** An epoch ended: states that nobody asked for in it are dropped, since they hold memory. */
  endEpoch(): void {
    for (const [index, outbound] of this.#outbound) {
      if (!outbound.fresh) {
        this.#dropOutbound(index);
      } else {
        outbound.fresh = false;
        this.#scope.touch('transfer.outbound', index);
      }
    }
  }

  /** Action: ask for what follows what was supplied, once that is executed. */
  catchUp(): boolean {
    const { executor } = this.#peers;
    const { opsComplete } = executor;
    if (this.source === null || this.askedOpn === opsComplete || this.#inbound !== undefined) return false;
    if (executor.decided !== undefined || this.supplied.has(opsComplete)) return false;
    this.#scope.record(actions.catchUp);
    this.ask(this.source);
    return true;
  }

  /** Asks a replica for what was decided from the next operation on. */
  ask(index: number): void {
    const { opsComplete } = this.#peers.executor;
    this.askedOpn = opsComplete;
    this.#scope.touch('transfer');
    this.#send(index, { tag: 'catchUpRequest', opn: opsComplete });
  }

  /** Sees to a state whose pieces fail to come; says whether it asked again. */
  retry(): boolean {
    const inbound = this.#inbound;
    if (inbound === undefined) return false;
    this.#scope.touch('transfer');
    if (inbound.fresh) {
      inbound.fresh = false;
      return false;
    }
    if (inbound.tries >= this.#cluster.parameters.transferTriesMax) {
      this.#setInbound(undefined);
      return false;
    }
    inbound.tries++;
    this.#send(inbound.supplier, { tag: 'stateRequest', opn: inbound.opn, at: inbound.at });
    return true;
  }

  #beginOutbound(sender: number, opn: number): void {
    const { executor } = this.#peers;
    let outbound = this.#outbound.get(sender);
    // One that is under way still serves: a request that was repeated must not restart it.
    if (outbound === undefined || outbound.opn <= opn) {
      outbound = { opn: executor.opsComplete, app: executor.app, sessions: executor.encodeSessions(), fresh: true };
      this.#outbound.set(sender, outbound);
    }
    this.#refresh(sender, outbound);
    const piece = this.#pieceOf(outbound, firstCursor);
    if (piece !== undefined) this.#send(sender, piece);
  }

  #pieceOf({ opn, app, sessions }: Outbound, at: Cursor): Message<'statePiece'> | undefined {
    const { pieceBytesMax } = this.#cluster.parameters;
    if (at.tag === 'sessions') {
      if (at.offset >= sessions.length) return undefined;
      const offset = Math.min(at.offset + pieceBytesMax, sessions.length);
      const bytes = sessions.subarray(at.offset, offset);
      const next: Cursor = offset < sessions.length ? { tag: 'sessions', offset } : { tag: 'app', after: null };
      return { tag: 'statePiece', opn, at, bytes, next, digest: digestOf(bytes) };
    }
    const piece = this.#application.piece(app, at.after, pieceBytesMax);
    if (piece === undefined) return undefined;
    const { bytes } = piece;
    const next: Cursor | null = piece.next === null ? null : { tag: 'app', after: piece.next };
    return { tag: 'statePiece', opn, at, bytes, next, digest: digestOf(bytes) };
  }

  #takeIn(inbound: InboundState, bytes: Uint8Array): boolean {
    if (inbound.at.tag === 'sessions') {
      inbound.append(bytes);
      return true;
    }
    const joined = this.#application.join(inbound.app, bytes);
    if (E.isLeft(joined)) return false;
    inbound.app = joined.right;
    this.#scope.touch('transfer.inboundApp');
    return true;
  }

  #install(inbound: InboundState): void {
    const sessions = sessionsCodec.decode(inbound.sessions);
    this.#setInbound(undefined);
    if (E.isLeft(sessions) || !isConsistent(sessions.right, this.#cluster.parameters.sessionWindow)) return;
    this.#peers.executor.install(inbound.opn, inbound.app, sessions.right);
    for (const opn of this.supplied.keys()) {
      if (opn >= inbound.opn) continue;
      this.supplied.delete(opn);
      this.#scope.touch('transfer.supplied', opn);
    }
    this.#peers.election.keepOwed();
    this.#setSource(inbound.supplier);
  }

  #setInbound(inbound: InboundState | undefined): void {
    this.#inbound = inbound;
    this.#scope.touch('transfer');
    this.#scope.touch('transfer.inboundApp');
  }

  #setSource(index: number | null): void {
    if (this.source === index) return;
    this.source = index;
    this.#scope.touch('transfer');
  }

  #refresh(index: number, outbound: MutableOutbound): void {
    outbound.fresh = true;
    this.#scope.touch('transfer.outbound', index);
  }

  #dropOutbound(index: number): void {
    this.#outbound.delete(index);
    this.#scope.touch('transfer.outbound', index);
  }

  #send(index: number, message: Parameters<StepScope['send']>[1]): void {
    this.#scope.send(this.#cluster.replicas[index] as EndPoint, message);
  }
}
