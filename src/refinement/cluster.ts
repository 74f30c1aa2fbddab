/**
 * The whole cluster as one state machine: its hosts' protocol states, every packet ever sent, and ghost history. What is
 * stated over it: protocol invariants, and the refinement of the service (IronFleet, SOSP 2015, section 3.3).
 */
import type { PersistentMap } from '../protocol/persistent-map.js';
import type { SentPackets } from '../protocol/sent-packets.js';
import { type Check, firstViolation, holds, violated } from '../spec/check.js';
import type { EndPoint } from '../spec/endpoint.js';
import type { Packet } from '../spec/packet.js';
import { E } from '../spec/prelude.js';
import type { Service } from '../spec/service.js';

/** Messages are told apart by their tag. */
export interface Tagged {
  readonly tag: string;
}

/** The state of a cluster. `G` is ghost: history variables that no real step can see. */
export interface Cluster<S, M extends Tagged, G> {
  readonly hosts: ReadonlyMap<EndPoint, S>;
  readonly sent: SentPackets<M>;
  readonly history: G;
}

/** One step of the cluster: a protocol step of a host, or, without `host`, packets that clients sent. `sends` are those new to the set. */
export interface Change<S, M> {
  readonly host: EndPoint | undefined;
  readonly before: S | undefined;
  readonly after: S | undefined;
  /** The packet that the protocol step consumes, if it consumes one. */
  readonly consumed: Packet<M> | undefined;
  readonly sends: readonly Packet<M>[];
}

/** A named property of every reachable cluster state, in two forms that must agree. */
export interface ClusterInvariant<S, M extends Tagged, G> {
  readonly name: string;
  readonly source: string;
  /** From scratch. */
  readonly check: (cluster: Cluster<S, M, G>) => Check;
  /** At the cost of the change, given that the invariant held before it; `cluster` is the state after it. */
  readonly checkChange: (cluster: Cluster<S, M, G>, change: Change<S, M>) => Check;
}

/** What an invariant's predicate answers: `undefined` if it holds, else the evidence. */
export type Evidence = Readonly<Record<string, unknown>> | undefined;

const verdict = (name: string, evidence: Evidence): Check =>
  evidence === undefined ? holds : violated('INVARIANT', name, evidence);

/** For every packet of kind `tag` ever sent. Sound by change because its verdict on a packet never turns false later. */
export const everyPacket = <S, M extends Tagged, G, T extends M['tag']>(
  name: string,
  source: string,
  tag: T,
  predicate: (packet: Packet<Extract<M, { tag: T }>>, cluster: Cluster<S, M, G>) => Evidence,
): ClusterInvariant<S, M, G> => {
  const over = (packets: Iterable<Packet<M>>, cluster: Cluster<S, M, G>): Check => {
    for (const p of packets) {
      if (p.message.tag !== tag) continue;
      const result = verdict(name, predicate(p as Packet<Extract<M, { tag: T }>>, cluster));
      if (E.isLeft(result)) return result;
    }
    return holds;
  };
  return {
    name,
    source,
    check: (cluster) => over(cluster.sent.tagged(tag), cluster),
    checkChange: (cluster, change) => over(change.sends, cluster),
  };
};

/** For every host; checked when that host steps. Sound by change if it depends on the host's state and on what only grows. */
export const everyHost = <S, M extends Tagged, G>(
  name: string,
  source: string,
  predicate: (state: S, host: EndPoint, cluster: Cluster<S, M, G>) => Evidence,
): ClusterInvariant<S, M, G> => ({
  name,
  source,
  check: (cluster) =>
    firstViolation(
      [...cluster.hosts].map(
        ([host, state]) =>
          () =>
            verdict(name, predicate(state, host, cluster)),
      ),
    ),
  checkChange: (cluster, { host, after }) =>
    host === undefined || after === undefined ? holds : verdict(name, predicate(after, host, cluster)),
});

/** For every entry of a table of every host; by change at the entries that differ. */
export const everyEntry = <S, M extends Tagged, G, K extends string | number, V>(
  name: string,
  source: string,
  table: (state: S) => PersistentMap<K, V>,
  predicate: (value: V, key: K, state: S, host: EndPoint, cluster: Cluster<S, M, G>) => Evidence,
): ClusterInvariant<S, M, G> => ({
  name,
  source,
  check: (cluster) => {
    for (const [host, state] of cluster.hosts) {
      for (const [key, value] of table(state)) {
        const result = verdict(name, predicate(value, key, state, host, cluster));
        if (E.isLeft(result)) return result;
      }
    }
    return holds;
  },
  checkChange: (cluster, { host, before, after }) => {
    if (host === undefined || before === undefined || after === undefined) return holds;
    const entries = table(after);
    const old = table(before);
    if (entries === old) return holds;
    for (const key of entries.diff(old)) {
      const value = entries.get(key);
      if (value === undefined) continue;
      const result = verdict(name, predicate(value, key, after, host, cluster));
      if (E.isLeft(result)) return result;
    }
    return holds;
  },
});

/** Of every step of a host: states before and after. It has no form from scratch, since one state shows no step. */
export const everyStep = <S, M extends Tagged, G>(
  name: string,
  source: string,
  predicate: (before: S, after: S, cluster: Cluster<S, M, G>) => Evidence,
): ClusterInvariant<S, M, G> => ({
  name,
  source,
  check: () => holds,
  checkChange: (cluster, { before, after }) =>
    before === undefined || after === undefined ? holds : verdict(name, predicate(before, after, cluster)),
});

/** Of the ghost history; a predicate that is cheap after every change. */
export const ofHistory = <S, M extends Tagged, G>(
  name: string,
  source: string,
  predicate: (cluster: Cluster<S, M, G>) => Evidence,
): ClusterInvariant<S, M, G> => {
  const check = (cluster: Cluster<S, M, G>): Check => verdict(name, predicate(cluster));
  return { name, source, check, checkChange: check };
};

/** How a cluster refines its service. */
export interface ServiceRefinement<S, M extends Tagged, G, Spec, SpecStep> {
  readonly service: Service<Spec, SpecStep, M>;
  /** The service's steps that `change` refines, from `spec` on; none for a stutter. */
  readonly steps: (cluster: Cluster<S, M, G>, change: Change<S, M>, spec: Spec) => readonly SpecStep[];
  /** The abstraction function from scratch. */
  readonly abstract: (cluster: Cluster<S, M, G>) => Spec;
}

/** Everything that is stated over a cluster of a system. */
export interface ClusterModel<S, M extends Tagged, G, Spec, SpecStep> {
  /** Fresh ghost history, which the cluster's judge then owns. */
  readonly history: (hosts: ReadonlyMap<EndPoint, S>) => G;
  /** Extends the history by a change; mutates it. */
  readonly remember: (history: G, change: Change<S, M>, cluster: Cluster<S, M, G>) => void;
  readonly invariants: readonly ClusterInvariant<S, M, G>[];
  readonly refinement: ServiceRefinement<S, M, G, Spec, SpecStep>;
}
