/** The progress check: a replica that executed nothing since the last one sends again what it may be waiting for (README.md, "Actions"). */
import type { EndPoint } from '../../../src/spec/endpoint.js';
import { add } from '../../../src/spec/nat.js';
import type { Acceptor } from './acceptor.js';
import type { Cluster } from './cluster.js';
import type { Executor } from './executor.js';
import type { Learner } from './learner.js';
import type { Proposer } from './proposer.js';
import type { StepScope } from './step-scope.js';
import type { Timers } from './timers.js';
import type { Transfer } from './transfer.js';

/** The roles of the replica whose progress is checked. */
export interface ProgressPeers {
  readonly proposer: Proposer;
  readonly acceptor: Acceptor;
  readonly learner: Learner;
  readonly executor: Executor;
  readonly transfer: Transfer;
}

/** Checks the progress of a replica. */
export class ProgressCheck {
  // Whom it turned to last: the next one in turn is asked, so that one that is slow or wrong does not hold it up.
  #fetchedFrom: number;
  #askedFrom: number;
  readonly #cluster: Cluster;
  readonly #scope: StepScope;
  readonly #timers: Timers;
  readonly #peers: ProgressPeers;

  constructor(cluster: Cluster, scope: StepScope, timers: Timers, peers: ProgressPeers) {
    this.#fetchedFrom = cluster.myIndex;
    this.#askedFrom = cluster.myIndex;
    this.#cluster = cluster;
    this.#scope = scope;
    this.#timers = timers;
    this.#peers = peers;
  }

  /** Action: send again, where nothing was executed since the last check. */
  run(): boolean {
    const { now } = this.#scope;
    if (now < this.#timers.nextProgressCheckMs) return false;
    const { executor, transfer } = this.#peers;
    const { opsComplete } = executor;
    const isStalled = opsComplete === this.#timers.opsAtLastCheck;
    const asks = isStalled && transfer.inbound === undefined;
    const fetchFrom = asks ? this.#fetchFrom() : null;
    const askFrom = asks ? this.#askFrom() : null;
    this.#scope.record({ action: 'checkProgress', fetchFrom, askFrom });
    // A supplier that is gone must not hold this replica up for long.
    const isPatient = this.#peers.transfer.inbound === undefined;
    const hasSent = isStalled && this.#sendAgain(fetchFrom, askFrom);
    const { retransmitPeriodMs, retransmitPeriodMsMax } = this.#cluster.parameters;
    const { retransmitMs } = this.#timers;
    this.#timers.retransmitMs =
      hasSent && isPatient ? Math.min(add(retransmitMs, retransmitMs), retransmitPeriodMsMax) : retransmitPeriodMs;
    this.#timers.opsAtLastCheck = opsComplete;
    this.#timers.nextProgressCheckMs = add(now, this.#timers.retransmitMs);
    this.#scope.touch('timers');
    return true;
  }

  #sendAgain(fetchFrom: number | null, askFrom: number | null): boolean {
    const { proposer, transfer } = this.#peers;
    const hasResent = proposer.resend();
    const hasRetried = transfer.retry();
    if (fetchFrom !== null) this.#fetch(fetchFrom);
    if (askFrom !== null) {
      this.#askedFrom = askFrom;
      transfer.ask(askFrom);
    }
    return hasResent || hasRetried || fetchFrom !== null || askFrom !== null;
  }

  #fetch(index: number): void {
    const { executor, learner } = this.#peers;
    this.#fetchedFrom = index;
    this.#scope.send(this.#cluster.replicas[index] as EndPoint, {
      tag: 'batchRequest',
      ballot: learner.maxBal,
      opn: executor.opsComplete,
    });
  }

  // A batch was chosen that this replica never saw.
  #fetchFrom(): number | null {
    const { executor, learner } = this.#peers;
    if (executor.decided !== undefined) return null;
    const slot = learner.chosen(executor.opsComplete);
    if (slot === undefined || executor.batchOf(slot, executor.opsComplete) !== undefined) return null;
    return this.#nextAfter(this.#fetchedFrom, (index) => slot.senders.includes(index));
  }

  // Others have executed what this replica may never hear of again: their votes for it can be truncated.
  #askFrom(): number | null {
    const { acceptor, executor } = this.#peers;
    if (acceptor.highestCheckpoint <= executor.opsComplete) return null;
    return this.#nextAfter(this.#askedFrom, (index) => (acceptor.checkpoints[index] as number) > executor.opsComplete);
  }

  /** The next other replica after `last` that is allowed, going round; null where none is. */
  #nextAfter(last: number, isAllowed: (index: number) => boolean): number | null {
    const { replicas, myIndex } = this.#cluster;
    for (let i = 1; i <= replicas.length; i++) {
      const index = (last + i) % replicas.length;
      if (index !== myIndex && isAllowed(index)) return index;
    }
    return null;
  }
}
