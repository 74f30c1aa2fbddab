/** How an IronKV cluster refines one hash table (README.md, "Invariants"; IronFleet, SOSP 2015, section 5.2.1). */
import { PersistentMap } from '../../../src/protocol/persistent-map.js';
import type { ClusterModel } from '../../../src/refinement/cluster.js';
import { equalValues } from '../../../src/refinement/values.js';
import { type Outcome, textOfKey } from '../commands.js';
import type { Configuration } from '../configuration.js';
import { emptyHistory, executedIn, type KvCluster, type KvHistory, remember } from '../history.js';
import { inFlight } from '../invariants/form.js';
import { ironkvInvariants } from '../invariants.js';
import { type KvMessage, sessionOfText } from '../messages.js';
import type { HostState } from '../protocol.js';
import { type ExecuteRequest, type KvSpec, kvService, requestKey, writeKey } from '../spec.js';

/** The hosts' tables, and the pairs on their way between them. */
const tableOf = (cluster: KvCluster): KvSpec['table'] =>
  PersistentMap.empty<string, Uint8Array>().withMutations((draft) => {
    for (const { table } of cluster.hosts.values()) for (const [key, value] of table) draft.set(key, value);
    for (const { body } of inFlight(cluster)) {
      if (body.tag !== 'delegate') continue;
      for (const { key, value } of body.pairs) draft.set(textOfKey(key), value);
    }
  });

/** What hosts have answered, by request, in the order of first sending. */
const outcomesOf = (cluster: KvCluster): KvSpec['outcomes'] => {
  const outcomes = new Map<string, Outcome[]>();
  for (const { source, message: m } of cluster.sent.tagged('reply')) {
    if (m.tag !== 'reply' || !cluster.hosts.has(source)) continue;
    const key = requestKey(m.session, m.seqno);
    const known = outcomes.get(key) ?? [];
    if (!known.some((o) => equalValues(o, m.outcome))) outcomes.set(key, [...known, m.outcome]);
  }
  return PersistentMap.of(outcomes);
};

const executedOf = ({ executions }: KvHistory): KvSpec['executed'] => {
  const writes: [string, true][] = [];
  for (const [session, ofSession] of executions) {
    for (const { seqno, key } of [...ofSession.values()].flat())
      writes.push([writeKey(sessionOfText(session), seqno, key), true]);
  }
  return PersistentMap.of(writes);
};

/** What is stated over a whole cluster. */
export const ironkvCluster = (
  configuration: Configuration,
): ClusterModel<HostState, KvMessage, KvHistory, KvSpec, ExecuteRequest> => ({
  history: emptyHistory,
  remember: (history, change) => remember(history, change, configuration),
  invariants: ironkvInvariants,
  refinement: {
    service: kvService(configuration),
    steps: (_, change) => {
      const packet = executedIn(change);
      return packet === undefined ? [] : [{ packet }];
    },
    abstract: (cluster) => ({
      table: tableOf(cluster),
      executed: executedOf(cluster.history),
      outcomes: outcomesOf(cluster),
    }),
  },
});
