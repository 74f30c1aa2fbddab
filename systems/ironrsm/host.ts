/**
 * A replica of IronRSM as a machine runs it: imperative, over native maps and arrays (IronFleet, SOSP 2015, section 5.1.4).
 * It is written from README.md alone; `refinement.ts` ties it to the protocol, step by step.
 */
import type { Host } from '../../src/host/host.js';
import { Scheduler } from '../../src/host/scheduler.js';
import type { EndPoint } from '../../src/spec/endpoint.js';
import { add, successor } from '../../src/spec/nat.js';
import { unreachable } from '../../src/spec/prelude.js';
import type { Configuration } from './configuration.js';
import { Acceptor } from './host/acceptor.js';
import { actions, ProcessActions, type ReplicaAction } from './host/action.js';
import { type Cluster, clusterOf } from './host/cluster.js';
import { Election } from './host/election.js';
import { Executor } from './host/executor.js';
import { Learner } from './host/learner.js';
import { Proposer } from './host/proposer.js';
import { type RsmIo, StepScope } from './host/step-scope.js';
import { newTimers, type Timers } from './host/timers.js';
import type { Message, RsmMessage } from './messages.js';

export type { ReplicaAction } from './host/action.js';
export { ApplicationFailure, type LastReply } from './host/executor.js';
export type { Slot } from './host/learner.js';
export type { Phase, PromiseReport } from './host/proposer.js';

/** Rounds of spontaneous actions in one step; a replica with more to do asks to be called again at once. */
const roundsPerStepMax = 64;

/** The host of one replica. Others may look at its roles, and must not change them. */
export class ReplicaHost implements Host<RsmMessage, ReplicaAction> {
  readonly proposer: Proposer;
  readonly acceptor: Acceptor;
  readonly learner: Learner;
  readonly executor: Executor;
  readonly election: Election;
  readonly timers: Readonly<Timers>;
  readonly #timers: Timers;
  readonly #cluster: Cluster;
  readonly #scope: StepScope;
  readonly #scheduler: Scheduler;
  readonly #received = new ProcessActions('receive');
  readonly #toSelf = new ProcessActions('self');
  #unfinished = false;

  /** The replica at `me` as it starts; throws where the configuration does not name it. */
  constructor(configuration: Configuration, me: EndPoint) {
    const cluster = clusterOf(configuration, me);
    const scope = new StepScope(cluster);
    this.#cluster = cluster;
    this.#scope = scope;
    this.#timers = newTimers();
    this.timers = this.#timers;
    this.election = new Election(cluster, scope, this.#timers);
    this.acceptor = new Acceptor(cluster, scope);
    this.learner = new Learner(cluster, scope);
    this.executor = new Executor(configuration.app, cluster, scope, this);
    this.proposer = new Proposer(cluster, scope, this);
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
    if (this.#quiet()) {
      const { heartbeatPeriodMs, quietHeartbeatPeriodMs } = this.#cluster.parameters;
      return this.timers.nextHeartbeatMs + Math.max(0, quietHeartbeatPeriodMs - heartbeatPeriodMs);
    }
    return Math.min(this.timers.nextHeartbeatMs, this.timers.nextProgressCheckMs, this.election.epochEndMs);
  }

  // Nothing is owed to a client, proposed, suspected or known to be missing, and a progress check has seen that it stays so.
  #quiet(): boolean {
    const { opsComplete } = this.executor;
    return (
      opsComplete === this.timers.opsAtLastCheck &&
      this.election.fresh.size === 0 &&
      this.election.waiting.size === 0 &&
      this.election.suspectors.length === 0 &&
      this.proposer.settled(opsComplete) &&
      this.acceptor.highestCheckpoint() <= opsComplete
    );
  }

  // What frees room in the pipeline stands before what fills it.
  #newScheduler(): Scheduler {
    const inOrder = [
      { name: 'enterNewView', run: () => this.proposer.enterNewView() },
      { name: 'enterPhase2', run: () => this.proposer.enterPhase2() },
      { name: 'truncate', run: () => this.acceptor.truncate() },
      { name: 'decide', run: () => this.executor.decide() },
      { name: 'execute', run: () => this.executor.execute() },
      { name: 'nominate', run: () => this.proposer.nominate() },
      { name: 'checkViewTimeout', run: () => this.election.checkViewTimeout() },
      { name: 'checkSuspicions', run: () => this.election.checkSuspicions() },
      { name: 'heartbeat', run: () => this.#heartbeat() },
      { name: 'checkProgress', run: () => this.#checkProgress() },
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
    if (message.tag === 'request') {
      this.#onRequest(source, message);
    } else if (message.tag === 'statusRequest') {
      this.#onStatusRequest(source, message.nonce);
    } else {
      const sender = this.#cluster.indexOf.get(source);
      if (sender !== undefined) this.#processOfReplica(source, sender, message);
    }
  }

  #processOfReplica(
    source: EndPoint,
    sender: number,
    message: Exclude<RsmMessage, { tag: 'request' | 'statusRequest' }>,
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
        this.learner.on2b(sender, message, this.executor.firstUndecided(), this.executor.opsComplete);
        break;
      case 'heartbeat':
        this.acceptor.reported(sender, message.opsComplete);
        this.election.onHeartbeat(sender, message);
        break;
      case 'startingPhase2':
        this.#onStartingPhase2(message.truncationPoint);
        break;
      case 'appStateRequest':
        this.executor.onAppStateRequest(source, message.opn);
        break;
      case 'appStateSupply':
        this.executor.onAppStateSupply(message);
        break;
      case 'reply':
      case 'refused':
      case 'status':
        break;
      default:
        unreachable(message);
    }
  }

  // Nobody may hold the votes below the new leader's truncation point any more.
  #onStartingPhase2(truncationPoint: number): void {
    if (truncationPoint <= this.executor.opsComplete) return;
    this.#scope.sendToOthers({ tag: 'appStateRequest', opn: truncationPoint });
  }

  #onRequest(client: EndPoint, { seqno, value }: Message<'request'>): void {
    if (value.length > this.#cluster.parameters.requestBytesMax) {
      this.#scope.send(client, { tag: 'refused', seqno, reason: 'REQUEST_TOO_LARGE' });
      return;
    }
    const last = this.executor.replies.get(client);
    if (last !== undefined && last.seqno >= seqno) {
      // The client has moved on from an older request, and no longer listens for its reply.
      if (last.seqno === seqno) this.#scope.send(client, { tag: 'reply', seqno, value: last.value });
      return;
    }
    const request = { client, seqno, value };
    this.election.owe(request);
    this.proposer.offer(request);
  }

  #onStatusRequest(asker: EndPoint, nonce: number): void {
    this.#scope.send(asker, {
      tag: 'status',
      nonce,
      view: this.election.view,
      leading: this.proposer.leading(),
      opsComplete: this.executor.opsComplete,
      truncationPoint: this.acceptor.truncationPoint,
    });
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

  #checkProgress(): boolean {
    const { now } = this.#scope;
    if (now < this.timers.nextProgressCheckMs) return false;
    this.#scope.record(actions.checkProgress);
    const { opsComplete } = this.executor;
    if (opsComplete === this.timers.opsAtLastCheck) {
      this.proposer.resend();
      this.#askForState(opsComplete);
    }
    this.#timers.opsAtLastCheck = opsComplete;
    this.#timers.nextProgressCheckMs = add(now, this.#cluster.parameters.retransmitPeriodMs);
    this.#scope.touch('timers');
    return true;
  }

  // Others have executed what this replica may never hear of again: their votes for it can be truncated.
  #askForState(opsComplete: number): void {
    const { checkpoints } = this.acceptor;
    let best = 0;
    for (let i = 1; i < checkpoints.length; i++) {
      if ((checkpoints[i] as number) > (checkpoints[best] as number)) best = i;
    }
    if ((checkpoints[best] as number) <= opsComplete) return;
    const target = this.#cluster.replicas[best] as EndPoint;
    this.#scope.send(target, { tag: 'appStateRequest', opn: successor(opsComplete) });
  }
}
