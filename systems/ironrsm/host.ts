/**
 * A replica of IronRSM as a machine runs it: imperative, over native maps and arrays (IronFleet, SOSP 2015, section 5.1.4).
 * It is written from README.md alone; `refinement.ts` ties it to the protocol, step by step.
 */
import type { Host } from '../../src/host/host.js';
import { Scheduler } from '../../src/host/scheduler.js';
import type { EndPoint } from '../../src/spec/endpoint.js';
import { add } from '../../src/spec/nat.js';
import { unreachable } from '../../src/spec/prelude.js';
import type { Configuration } from './configuration.js';
import { Acceptor } from './host/acceptor.js';
import { actions, ProcessActions, type ReplicaAction } from './host/action.js';
import { type Cluster, clusterOf } from './host/cluster.js';
import { Election } from './host/election.js';
import { Executor } from './host/executor.js';
import { Learner } from './host/learner.js';
import { ProgressCheck } from './host/progress.js';
import { Proposer } from './host/proposer.js';
import { type RsmIo, StepScope } from './host/step-scope.js';
import { newTimers, type Timers } from './host/timers.js';
import { Transfer } from './host/transfer.js';
import { type Message, type Request, type RsmMessage, requestDigest } from './messages.js';

export type { Vote } from './host/acceptor.js';
export type { ReplicaAction } from './host/action.js';
export { ApplicationFailure, type Decided } from './host/executor.js';
export type { Inbound } from './host/inbound-state.js';
export type { Slot } from './host/learner.js';
export type { Phase, PromiseReport } from './host/proposer.js';
export type { Session } from './host/sessions.js';
export type { Outbound } from './host/transfer.js';

/** Rounds of spontaneous actions in one step; a replica with more to do asks to be called again at once. */
const roundsPerStepMax = 64;

/** The host of one replica. Others may look at its roles, and must not change them. */
export class ReplicaHost implements Host<RsmMessage, ReplicaAction> {
  readonly proposer: Proposer;
  readonly acceptor: Acceptor;
  readonly learner: Learner;
  readonly executor: Executor;
  readonly transfer: Transfer;
  readonly election: Election;
  readonly timers: Readonly<Timers>;
  readonly #timers: Timers;
  readonly #progress: ProgressCheck;
  readonly #cluster: Cluster;
  readonly #scope: StepScope;
  readonly #scheduler: Scheduler;
  readonly #received = new ProcessActions('receive');
  readonly #toSelf = new ProcessActions('self');
  #unfinished = false;

  /** The replica at `me` as it starts; throws where the configuration does not name it. */
  constructor(configuration: Configuration, me: EndPoint) {
    const { app } = configuration;
    const cluster = clusterOf(configuration, me);
    const scope = new StepScope(cluster);
    this.#cluster = cluster;
    this.#scope = scope;
    this.#timers = newTimers(cluster.parameters);
    this.timers = this.#timers;
    this.election = new Election(cluster, scope, this.#timers, (request) => this.executor.owes(request));
    this.acceptor = new Acceptor(cluster, scope);
    this.learner = new Learner(cluster, scope);
    this.executor = new Executor(app, cluster, scope, this);
    this.transfer = new Transfer(app, cluster, scope, this);
    this.proposer = new Proposer(cluster, scope, this);
    this.#progress = new ProgressCheck(cluster, scope, this.#timers, this);
    this.#scheduler = this.#newScheduler();
  }

  /** One macro step: take what came, then act until nothing is enabled. Throws `ApplicationFailure`. */
  next(io: RsmIo): void {
    const packets = io.receiveAll(this.#cluster.parameters.receiveMax);
    this.#scope.begin(io, io.clock());
    for (let i = 0; i < packets.length; i++) {
      const packet = packets[i] as (typeof packets)[number];
      io.record(this.#received.at(i));
      this.#process(packet.source, packet.message);
    }
    this.#drain();
    this.#unfinished = !this.#scheduler.run();
  }

  /** The earliest timer, or 0 where the last step ended before everything was done. A quiet replica wakes for heartbeats alone, and for fewer. */
  wakeAtMs(): number {
    if (this.#unfinished) return 0;
    if (this.#isQuiet()) {
      const { heartbeatPeriodMs, quietHeartbeatPeriodMs } = this.#cluster.parameters;
      return this.timers.nextHeartbeatMs + Math.max(0, quietHeartbeatPeriodMs - heartbeatPeriodMs);
    }
    return Math.min(this.timers.nextHeartbeatMs, this.timers.nextProgressCheckMs, this.election.epochEndMs);
  }

  // Nothing is owed to a client, proposed, suspected, known to be missing or on its way, and a progress check has seen that it stays so.
  #isQuiet(): boolean {
    const { opsComplete } = this.executor;
    return (
      opsComplete === this.timers.opsAtLastCheck &&
      this.election.fresh.size === 0 &&
      this.election.waiting.size === 0 &&
      this.election.suspectors.length === 0 &&
      this.proposer.settled(opsComplete) &&
      this.acceptor.highestCheckpoint <= opsComplete &&
      this.transfer.inbound === undefined &&
      this.transfer.outbound.size === 0
    );
  }

  // What frees room in the pipeline stands before what fills it.
  #newScheduler(): Scheduler {
    const inOrder = [
      { name: 'enterNewView', run: () => this.proposer.enterNewView() },
      { name: 'enterPhase2', run: () => this.proposer.enterPhase2() },
      { name: 'truncate', run: () => this.acceptor.truncate(this.executor.opsComplete) },
      { name: 'decide', run: () => this.executor.decide() },
      { name: 'execute', run: () => this.executor.execute() },
      { name: 'catchUp', run: () => this.transfer.catchUp() },
      { name: 'nominate', run: () => this.proposer.nominate() },
      { name: 'checkViewTimeout', run: () => this.#checkViewTimeout() },
      { name: 'checkSuspicions', run: () => this.election.checkSuspicions() },
      { name: 'heartbeat', run: () => this.#heartbeat() },
      { name: 'checkProgress', run: () => this.#progress.run() },
    ];
    return new Scheduler(inOrder, roundsPerStepMax, () => this.#drain());
  }

  readonly #consumeToSelf = (message: RsmMessage, index: number): void => {
    this.#scope.record(this.#toSelf.at(index));
    this.#process(this.#cluster.me, message);
  };

  #drain(): void {
    this.#scope.drainToSelf(this.#consumeToSelf);
  }

  /** Consumes one packet. Only replicas speak the replicas' messages; what is out of place is ignored. */
  #process(source: EndPoint, message: RsmMessage): void {
    switch (message.tag) {
      case 'open':
        this.#hold({ tag: 'open', client: source, nonce: message.nonce, ordered: message.ordered });
        break;
      case 'request':
        this.#onRequest(source, message);
        break;
      case 'statusRequest':
        this.#onStatusRequest(source, message.nonce);
        break;
      case 'opened':
      case 'reply':
      case 'refused':
      case 'redirect':
      case 'status':
        break;
      default: {
        const sender = this.#cluster.indexOf.get(source);
        if (sender !== undefined) this.#processOfReplica(source, sender, message);
      }
    }
  }

  #processOfReplica(
    source: EndPoint,
    sender: number,
    message: Exclude<
      RsmMessage,
      { tag: 'open' | 'opened' | 'request' | 'reply' | 'refused' | 'redirect' | 'statusRequest' | 'status' }
    >,
  ): void {
    switch (message.tag) {
      case '1a':
        this.acceptor.on1a(sender, message);
        break;
      case '1b':
        this.proposer.on1b(sender, message);
        break;
      case '2a':
        this.acceptor.on2a(sender, message);
        break;
      case '2b':
        this.learner.on2b(sender, message, this.executor.opsComplete, this.executor.decided !== undefined);
        break;
      case 'batchRequest':
        this.acceptor.onBatchRequest(source, message);
        break;
      case 'batchSupply':
        this.learner.onBatchSupply(message);
        break;
      case 'heartbeat':
        this.acceptor.reported(sender, message.opsComplete);
        this.transfer.reported(sender, message.opsComplete);
        this.election.onHeartbeat(sender, message);
        break;
      case 'catchUpRequest':
        this.transfer.onCatchUpRequest(sender, message);
        break;
      case 'catchUpSupply':
        this.transfer.onCatchUpSupply(sender, message);
        break;
      case 'stateRequest':
        this.transfer.onStateRequest(sender, message);
        break;
      case 'statePiece':
        this.transfer.onStatePiece(sender, message);
        break;
      default:
        unreachable(message);
    }
  }

  #onRequest(client: EndPoint, { session: id, seqno, floor, value }: Message<'request'>): void {
    const { executor } = this;
    const { requestBytesMax, sessionWindow } = this.#cluster.parameters;
    if (value.length > requestBytesMax) {
      executor.refuse(client, id, seqno, 'REQUEST_TOO_LARGE');
      return;
    }
    if (floor > seqno || id >= executor.nextSession) return;
    const session = executor.sessions.get(id);
    if (session === undefined) {
      executor.refuse(client, id, seqno, 'SESSION_EXPIRED');
      return;
    }
    // The client has the outcome, and no longer listens for it.
    if (seqno < session.floor) return;
    const known = executor.outcomeOf(id, seqno);
    if (known !== undefined) {
      executor.answer(client, known, requestDigest(value));
      return;
    }
    if (seqno - Math.max(floor, session.floor) >= sessionWindow) return;
    this.#hold({ tag: 'execute', client, session: id, seqno, floor, value });
  }

  // Who cannot propose it holds it all the same: that is how it comes to suspect a leader that does not execute it.
  #hold(request: Request): void {
    const { view } = this.election;
    const isMine = this.proposer.isMine();
    if (!isMine && view.proposer !== this.#cluster.myIndex) {
      this.#scope.send(request.client, { tag: 'redirect', view });
    }
    if (this.election.hold(request) && isMine) this.proposer.enqueue(request);
  }

  #onStatusRequest(asker: EndPoint, nonce: number): void {
    this.#scope.send(asker, {
      tag: 'status',
      nonce,
      view: this.election.view,
      leading: this.proposer.leading(),
      opsComplete: this.executor.opsComplete,
      truncationPoint: this.acceptor.truncationPoint,
      sessions: this.executor.sessions.size,
    });
  }

  #checkViewTimeout(): boolean {
    if (this.#scope.now < this.election.epochEndMs) return false;
    this.#scope.record(actions.checkViewTimeout);
    this.transfer.endEpoch();
    this.election.endEpoch();
    return true;
  }

  #heartbeat(): boolean {
    const { now } = this.#scope;
    if (now < this.timers.nextHeartbeatMs) return false;
    this.#scope.record(actions.heartbeat);
    this.#timers.nextHeartbeatMs = add(now, this.#cluster.parameters.heartbeatPeriodMs);
    this.#scope.touch('timers');
    this.#scope.sendToAll({
      tag: 'heartbeat',
      view: this.election.view,
      suspicious: this.election.suspectors.includes(this.#cluster.myIndex),
      opsComplete: this.executor.opsComplete,
    });
    return true;
  }
}
