/** IronRSM's journals under audit: what may be forgotten while they are read. */
import type { AuditedSystem, Retained } from '../../src/refinement/audit.js';
import type { EndPoint } from '../../src/spec/endpoint.js';
import type { Configuration } from './configuration.js';
import type { Executed, Fold, RsmHistory } from './history.js';
import type { ReplicaAction, ReplicaHost } from './host.js';
import { ironrsm } from './main.js';
import type { RsmMessage } from './messages.js';
import type { Replica, ReplicaStep } from './protocol.js';
import { ironrsmCluster } from './refinement.js';
import { type ExecuteBatch, type RsmSpec, requestKey } from './spec.js';

type RsmRetained = Retained<Replica, RsmHistory, RsmSpec>;

/** Every running replica has executed and truncated the operations below: none of them sends or holds anything about these again. */
const floorOf = ({ hosts, ended }: RsmRetained): number => {
  let floor = Number.POSITIVE_INFINITY;
  for (const [host, { acceptor, executor }] of hosts)
    if (!ended.has(host)) floor = Math.min(floor, acceptor.truncationPoint, executor.opsComplete);
  return Number.isFinite(floor) ? floor : 0;
};

/** Operations that the states of replicas which ended still speak of. */
const frozenIn = ({ hosts, ended }: RsmRetained): ReadonlySet<number> => {
  const frozen = new Set<number>();
  for (const [host, { executor, learner }] of hosts) {
    if (!ended.has(host)) continue;
    frozen.add(executor.opsComplete);
    for (const opn of learner.slots.keys()) frozen.add(opn);
  }
  return frozen;
};

/** The replies to requests that a client followed by later ones, all of which every running replica has executed: no replica sends these again. */
const outdatedReplies = (
  executes: (readonly Executed[])[],
  from: number,
  { answers }: Fold,
  floor: number,
  kept: Map<EndPoint, number[]>,
): readonly string[] => {
  for (let opn = from; opn < floor; opn++) {
    for (const { request } of executes[opn] ?? []) {
      const seqnos = kept.get(request.client);
      if (seqnos === undefined) kept.set(request.client, [request.seqno]);
      else seqnos.push(request.seqno);
    }
  }
  const outdated: string[] = [];
  for (const [client, seqnos] of kept) {
    const last = answers.get(client)?.seqno ?? 0;
    outdated.push(...seqnos.filter((seqno) => seqno < last).map((seqno) => requestKey(client, seqno)));
    const rest = seqnos.filter((seqno) => seqno >= last);
    if (rest.length === 0) kept.delete(client);
    else kept.set(client, rest);
  }
  return outdated;
};

/** Forgets operations below the floor, but for their place in the order: 16 bytes an operation stay. */
class Forgetting {
  /** Operations below were forgotten. */
  #floor = 0;
  /** Executed below the floor, and not forgotten in the service's state yet. */
  readonly #kept = new Map<EndPoint, number[]>();

  forget(retained: RsmRetained): RsmSpec {
    const { history, spec } = retained;
    const floor = floorOf(retained);
    const fold = history.folds[floor];
    if (floor <= this.#floor || fold === undefined) return spec;
    const frozen = frozenIn(retained);
    const outdated = outdatedReplies(history.executes, this.#floor, fold, floor, this.#kept);
    const [folds, executes] = [history.folds as unknown[], history.executes as unknown[]];
    for (let opn = this.#floor; opn < floor; opn++) {
      executes[opn] = undefined;
      if (frozen.has(opn)) continue;
      folds[opn] = undefined;
      for (const table of [history.proposals, history.votes, history.chosen]) table.delete(opn);
    }
    this.#floor = floor;
    const replies = spec.replies.withMutations((draft) => {
      for (const key of outdated) draft.delete(key);
    });
    return { ...spec, replies };
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
  ExecuteBatch
> => {
  const forgetting = new Forgetting();
  return {
    definition: ironrsm,
    model: ironrsmCluster,
    clientMessages: ['request', 'statusRequest'],
    requestsIn: ({ batch }) => batch.length,
    forget: (retained) => forgetting.forget(retained),
  };
};
