/**
 * How IronKV's three layers meet: the witnesses and the abstraction function of a host, and the refinement of the service by a
 * cluster. The only file that knows both the host and the protocol.
 *
 * A peer's unacked bodies may be many and large, and are a component of their own: `peers.unacked`, a table by `unackedKey` (the
 * peer's index, a slash, the seqno), so that a step is compared at the bodies that it appends and drops. The component `peers`
 * has the rest of a peer.
 */
import type { MapValue } from '../../src/protocol/map-value.js';
import { OrderedMap } from '../../src/protocol/ordered-map.js';
import type {
  Component,
  HostRefinement,
  StepContext,
  StepInvariant,
  TableComponent,
} from '../../src/refinement/host-refinement.js';
import { holds, violated } from '../../src/spec/check.js';
import { unreachable } from '../../src/spec/prelude.js';
import type { Configuration } from './configuration.js';
import type { KvAction, KvHost } from './host.js';
import { type KvMessage, kvCodec } from './messages.js';
import { type HostState, ironkvProtocol, type KvStep, placeOf, unackedKey } from './protocol.js';

export { ironkvCluster } from './refinement/cluster.js';

const witness = (action: KvAction, { received, toSelf, timeMs }: StepContext<KvMessage>): KvStep | undefined => {
  switch (action.action) {
    case 'process': {
      const packet = (action.from === 'receive' ? received : toSelf)[action.index];
      return packet && { tag: 'process', packet, observed: action.observed };
    }
    case 'delegate':
    case 'inform':
      return timeMs === undefined ? undefined : { tag: action.action, move: action.move, timeMs };
    case 'announce':
    case 'resend':
      return timeMs === undefined ? undefined : { tag: action.action, peer: action.peer, timeMs };
    case 'expire':
      return { tag: 'expire' };
    default:
      return unreachable(action);
  }
};

type Table = MapValue<string | number, unknown>;

/** A table that the host holds in a native map, with `value` what the protocol has in it. */
const table = <K extends string | number, V>(
  name: string,
  native: (host: KvHost) => ReadonlyMap<K, V>,
  protocol: (state: HostState) => unknown,
  value: (of: V) => unknown,
): TableComponent<KvHost, HostState> => ({
  kind: 'table',
  name,
  hostAt: (host, key) => {
    const found = native(host).get(key as K);
    return found === undefined ? undefined : value(found);
  },
  hostKeys: (host) => native(host).keys(),
  hostSize: (host) => native(host).size,
  protocol: (state) => protocol(state) as Table,
});

const unacked: TableComponent<KvHost, HostState> = {
  kind: 'table',
  name: 'peers.unacked',
  hostAt: ({ peers }, key) => {
    const { peer, seqno } = placeOf(String(key));
    const stream = peers.get(peer);
    return stream?.unacked[seqno - stream.acked - 1];
  },
  hostKeys: function* ({ peers }) {
    for (const [index, { acked, unacked: bodies }] of peers)
      for (let i = 0; i < bodies.length; i++) yield unackedKey(index, acked + 1 + i);
  },
  hostSize: ({ peers }) => {
    let size = 0;
    for (const peer of peers.values()) size += peer.unacked.length;
    return size;
  },
  protocol: (s) => s.unacked as Table,
};

/** The abstraction function, in parts. */
const components: readonly Component<KvHost, HostState>[] = [
  table(
    'table',
    (h) => h.table,
    (s) => s.table,
    (value) => value,
  ),
  { kind: 'whole', name: 'map', host: (h) => h.map.entries(), protocol: (s) => s.map },
  table(
    'sessions',
    (h) => h.sessions,
    (s) => s.sessions,
    ({ session, floor, next, records, stamp }) => ({ session, floor, next, records, stamp }),
  ),
  { kind: 'whole', name: 'horizons', host: (h) => h.horizons, protocol: (s) => s.horizons },
  { kind: 'whole', name: 'bounds', host: (h) => h.bounds, protocol: (s) => s.bounds },
  {
    kind: 'whole',
    name: 'counts',
    host: ({ stamp, opened }) => ({ stamp, opened }),
    protocol: (s) => s.counts,
  },
  table(
    'peers',
    (h) => h.peers,
    (s) => s.peers,
    ({ received, sent, acked, unackedBytes, told, announced, warned, resendAtMs, waitMs, ackedAtCheck }) => ({
      received,
      sent,
      acked,
      unackedBytes,
      told,
      announced,
      warned,
      resendAtMs,
      waitMs,
      ackedAtCheck,
    }),
  ),
  unacked,
  {
    kind: 'whole',
    name: 'moves',
    host: (h) =>
      h.moves.map(({ administrator, seqno, next, hi, recipient, last }) => ({
        administrator,
        seqno,
        next,
        hi,
        recipient,
        last,
      })),
    protocol: (s) => s.moves,
  },
  table(
    'shards',
    (h) => h.shards,
    (s) => s.shards,
    ({ seqno, verdict }) => ({ seqno, verdict }),
  ),
];

const rule = 'what a host has accepted, sent and told, its horizons and its bounds never go back';

/** Judged on every node, on every step. */
const stepInvariants: readonly StepInvariant<HostState>[] = [
  {
    name: rule,
    source: 'README.md, KnowledgeGrows',
    check: (before, after) => {
      if (before.peers === after.peers && before.horizons === after.horizons && before.bounds === after.bounds)
        return holds;
      for (const index of after.peers.diff(before.peers)) {
        const [was, is] = [before.peers.get(index), after.peers.get(index)];
        const grew =
          was !== undefined &&
          is !== undefined &&
          is.received >= was.received &&
          is.sent >= was.sent &&
          is.acked >= was.acked &&
          is.told >= was.told &&
          is.announced >= was.announced &&
          is.warned >= was.warned;
        if (!grew) return violated('STEP_INVARIANT', rule, { peer: index, was, is });
      }
      const back = after.horizons.findIndex((horizon, i) => horizon < (before.horizons[i] ?? 0));
      if (back >= 0) return violated('STEP_INVARIANT', rule, { opener: back });
      const forgotten = after.bounds.findIndex((bound, i) => bound < (before.bounds[i] ?? 0));
      return forgotten < 0 ? holds : violated('STEP_INVARIANT', rule, { boundOf: forgotten });
    },
  },
];

/** What the judge of a host knows. */
export const ironkvRefinement: HostRefinement<Configuration, KvHost, HostState, KvMessage, KvStep, KvAction> = {
  protocol: ironkvProtocol,
  codec: kvCodec,
  witness,
  components,
  stepInvariants,
  trace: {
    strip: ({ constants: _, ...state }) => state,
    restore: (initial, stripped) => ({
      ...(stripped as HostState),
      // Traces do not tell kinds of maps apart.
      table: OrderedMap.of((stripped as HostState).table),
      constants: initial.constants,
    }),
  },
};
