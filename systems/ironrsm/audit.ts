/** IronRSM's journals under audit: what may be forgotten while they are read. */
import type { AuditedSystem, Retained } from '../../src/refinement/audit.js';
import type { EndPoint } from '../../src/spec/endpoint.js';
import type { Packet } from '../../src/spec/packet.js';
import type { Configuration } from './configuration.js';
import { ballotOrder, ballotText, type Fold, type RsmHistory, type Taken } from './history.js';
import type { ReplicaAction, ReplicaHost } from './host.js';
import { ironrsm } from './main.js';
import { parted, type Request, type RsmMessage } from './messages.js';
import type { Replica, ReplicaStep } from './protocol.js';
import { ironrsmCluster } from './refinement.js';
import { type RsmSpec, type RsmStep, requestName } from './spec.js';

type RsmRetained = Retained<Replica, RsmMessage, RsmHistory, RsmSpec>;

/** Operations below which no running replica sends or holds anything of a kind again. */
interface Floors {
  /** Every running replica has executed these. */
  readonly executed: number;
  /** And truncated them: none votes for them, proposes or reports them. */
  readonly voted: number;
  /** And dropped them from its log: none hands them to another. */
  readonly logged: number;
}

const floorsOf = (running: readonly Replica[]): Floors => {
  const lowest = (of: (s: Replica) => number): number => Math.min(...running.map(of));
  const executed = lowest((s) => s.executor.opsComplete);
  const voted = Math.min(
    executed,
    lowest((s) => s.acceptor.truncationPoint),
  );
  return {
    executed,
    voted,
    logged: Math.min(
      voted,
      lowest((s) => s.executor.logStart),
    ),
  };
};

/** Operations that the states of replicas which ended still speak of, and that of a state on its way to another replica. */
const frozenIn = (ended: readonly Replica[], running: readonly Replica[]): ReadonlySet<number> => {
  const frozen = new Set<number>();
  for (const { acceptor, learner, executor, transfer } of ended) {
    frozen.add(executor.opsComplete);
    for (const table of [acceptor.votes, learner.slots, executor.log, transfer.supplied])
      for (const opn of table.keys()) frozen.add(opn);
  }
  for (const { transfer } of running) for (const { opn } of transfer.outbound.values()) frozen.add(opn);
  return frozen;
};

/** Executed requests that replicas at `fold` or after it hold no reply to any more: those between the folds, and those that `before` had. */
const settledBetween = (
  before: Fold,
  fold: Fold,
  between: readonly (readonly Taken[])[],
  window: number,
): readonly string[] => {
  const settled: string[] = [];
  const look = (session: number, seqno: number): void => {
    const kept = fold.done.get(session * window + (seqno % window));
    if (kept?.session !== session || kept.seqno !== seqno) settled.push(requestName(session, seqno));
  };
  for (const key of before.done.diff(fold.done)) {
    const entry = before.done.get(key);
    if (entry !== undefined) look(entry.session, entry.seqno);
  }
  for (const taken of between) for (const { step } of taken) if (step.tag === 'execute') look(step.session, step.seqno);
  return settled;
};

const openName = (client: EndPoint, nonce: number): string => `${client}#${nonce}`;

const nameOf = (r: Request): string =>
  r.tag === 'open' ? openName(r.client, r.nonce) : requestName(r.session, r.seqno);

/** The requests that running replicas hold to propose them. */
const heldBy = (running: readonly Replica[]): ReadonlySet<string> => {
  const held = new Set<string>();
  for (const { proposer, election } of running)
    for (const table of [proposer.queue.items, election.fresh, election.waiting])
      for (const request of table.values()) held.add(nameOf(request));
  return held;
};

/** What stays of an opening that no replica answers again: that the session was opened. */
const longOpened = { client: '' as EndPoint, nonce: 0 };

const noSteps: readonly Taken[] = [];

/** Drops what lies below a floor that rises, once nobody speaks of it any more. */
class Sweep {
  #floor = 0;
  /** Below the floor, and frozen when it passed. */
  readonly #kept = new Set<number>();

  to(floor: number, frozen: ReadonlySet<number>, drop: (opn: number) => void): void {
    for (; this.#floor < floor; this.#floor++) this.#kept.add(this.#floor);
    for (const opn of this.#kept) {
      if (frozen.has(opn)) continue;
      this.#kept.delete(opn);
      drop(opn);
    }
  }
}

/** Forgets what no running replica can speak of again. An operation leaves 16 bytes, its place in the order; a session leaves its number. */
class Forgetting {
  /** Of the steps of the service below, nothing is kept that the floors of sessions say. */
  #executed = 0;
  readonly #folds = new Sweep();
  readonly #votes = new Sweep();
  readonly #chosen = new Sweep();
  /** Packets of clients that nobody holds, and the operation below which all must be executed before nobody answers them any more. */
  #unheld = new Map<Packet<RsmMessage>, number>();

  forget(retained: RsmRetained): RsmSpec {
    const { hosts, ended } = retained;
    const running = [...hosts].filter(([host]) => !ended.has(host)).map(([, s]) => s);
    if (running.length === 0) return retained.spec;
    const floors = floorsOf(running);
    const spec = this.#forgetSteps(retained, floors.executed);
    const gone = [...hosts].filter(([host]) => ended.has(host)).map(([, s]) => s);
    this.#forgetOperations(retained.history, floors, frozenIn(gone, running));
    this.#forgetPromises(retained, running);
    this.#executed = floors.executed;
    this.#forgetPackets(retained, running);
    return spec;
  }

  /** A reply is sent again only while its sender keeps it, an `opened` never. What the spec's floors and numbers forbid needs no ghost. */
  #forgetSteps({ history, spec }: RsmRetained, floor: number): RsmSpec {
    const from = this.#executed;
    const [before, fold] = [history.folds[from], history.folds[floor]];
    if (floor <= from || before === undefined || fold === undefined) return spec;
    const between = history.steps.slice(from, floor);
    const settled = settledBetween(before, fold, between, history.configuration.parameters.sessionWindow);
    history.steps.fill(noSteps, from, floor);
    const executed = spec.executed.withMutations((draft) => {
      for (const name of settled) draft.delete(name);
    });
    const opened = spec.opened.withMutations((draft) => {
      for (let id = before.nextSession; id < fold.nextSession; id++) draft.set(id, longOpened);
    });
    return { ...spec, executed, opened };
  }

  #forgetOperations(history: RsmHistory, floors: Floors, frozen: ReadonlySet<number>): void {
    const folds = history.folds as unknown[];
    this.#folds.to(floors.executed, frozen, (opn) => {
      folds[opn] = undefined;
    });
    this.#votes.to(floors.voted, frozen, (opn) => {
      for (const table of [history.proposals, history.votes, history.chosenDigests]) table.delete(opn);
    });
    this.#chosen.to(floors.logged, frozen, (opn) => {
      history.chosen.delete(opn);
    });
  }

  /** Below a ballot that every running replica promised nobody promises, and nobody votes. */
  #forgetPromises({ history, hosts }: RsmRetained, running: readonly Replica[]): void {
    const counted = new Set([...hosts.values()].map(({ proposer }) => ballotText(proposer.ballot)));
    for (const [text, [first]] of history.promises) {
      const promised = first?.message.ballot;
      const isOld = promised !== undefined && running.every((s) => ballotOrder(promised, s.acceptor.maxBal) < 0);
      if (isOld && !counted.has(text)) history.promises.delete(text);
    }
  }

  /**
   * A packet of a client is needed while somebody holds its request; then until every running replica has executed the operations that
   * were proposed by then, one of which may hold it. Who receives it once more makes it known once more.
   */
  #forgetPackets({ history, keepFromOutside }: RsmRetained, running: readonly Replica[]): void {
    const held = heldBy(running);
    let proposed = this.#executed;
    for (const opn of history.proposals.keys()) proposed = Math.max(proposed, opn + 1);
    const unheld = new Map<Packet<RsmMessage>, number>();
    keepFromOutside((packet) => {
      const { source, message: m } = packet;
      if (m.tag !== 'request' && m.tag !== 'open') return false;
      if (held.has(m.tag === 'open' ? openName(source, m.nonce) : requestName(m.session, m.seqno))) return true;
      const until = this.#unheld.get(packet) ?? proposed;
      if (until <= this.#executed) return false;
      unheld.set(packet, until);
      return true;
    });
    this.#unheld = unheld;
  }
}

/** What `ironkeel audit` runs on journals of IronRSM; `forget` is of one audit. */
export const ironrsmAudit = (): AuditedSystem<
  Configuration,
  ReplicaHost,
  Replica,
  RsmMessage,
  ReplicaStep,
  ReplicaAction,
  RsmHistory,
  RsmSpec,
  RsmStep
> => {
  const forgetting = new Forgetting();
  return {
    definition: ironrsm,
    model: ironrsmCluster,
    clientMessages: ['open', 'request', 'statusRequest'],
    requestsIn: (step) => (step.tag === 'execute' ? parted(step.value).length : 0),
    forget: (retained) => forgetting.forget(retained),
  };
};
