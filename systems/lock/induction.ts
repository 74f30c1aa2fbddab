/**
 * The lock's invariants as an inductive whole: with the lemmas below they hold after every step from every state that
 * satisfies them, reachable or not. Judged over all such states of a small ring, with all epochs up to a bound, all
 * subsets of the packets that the invariants allow, and time reduced as in exploration.ts.
 */
import { PersistentMap } from '../../src/protocol/persistent-map.js';
import { packetKeyBy } from '../../src/protocol/system.js';
import { always, type InductionResult, judgeInduction, type StateProperty } from '../../src/refinement/explorer.js';
import { violated } from '../../src/spec/check.js';
import type { EndPoint } from '../../src/spec/endpoint.js';
import type { Packet } from '../../src/spec/packet.js';
import { E } from '../../src/spec/prelude.js';
import { type LockState, lockExploration } from './exploration.js';
import { type LockMessage, lockCodec } from './messages.js';
import type { Node, Role } from './protocol.js';

type Always = Extract<StateProperty<LockState>, { kind: 'always' }>;

const lemma = (name: string, holds: (state: LockState) => boolean): Always => ({
  kind: 'always',
  name,
  holds: (state) => holds(state) || violated('INVARIANT', name),
});

const epochOf = ({ hosts }: LockState, node: EndPoint): number => hosts.get(node)?.epoch ?? 0;

const ring = lemma('the history goes round the ring', ({ hosts, history: { holders } }) =>
  holders.every((holder, i) => i === 0 || hosts.get(holders[i - 1] as EndPoint)?.place.next === holder),
);

/** What the invariants lack: each says something that a step relies on. */
const lemmas: readonly Always[] = [
  ring,
  // Otherwise a delayed grant of an earlier epoch could be taken.
  lemma('a node was at least in every epoch that was granted to it, except the last', (s) =>
    s.history.holders.every((holder, i) => i === s.history.holders.length - 1 || epochOf(s, holder) >= i + 1),
  ),
  // Otherwise a granter could stop sending before its grant arrived.
  lemma('who answered a grant is at least in its epoch', (s) =>
    [...s.sent.values()].every(
      ({ source, message }) => message.tag !== 'locked' || epochOf(s, source) >= message.epoch,
    ),
  ),
  // Otherwise a node could send again a grant that it never made.
  lemma('a granter held the lock before', ({ hosts }) =>
    [...hosts.values()].every(({ epoch, role }) => epoch > 0 || role.tag !== 'granting'),
  ),
  lemma('the node in the last epoch holds the lock', ({ hosts, history: { holders } }) =>
    [...hosts.values()].every(({ epoch, role }) => epoch !== holders.length || role.tag === 'holding'),
  ),
];

const roles: readonly Role[] = [
  { tag: 'waiting' },
  { tag: 'holding', grantAtMs: 0 },
  { tag: 'granting', resendAtMs: 0 },
];

/** All lists with one item of each list. */
function* product<T>(lists: readonly (readonly T[])[]): Iterable<readonly T[]> {
  const [first, ...rest] = lists;
  if (first === undefined) yield [];
  else for (const tail of product(rest)) for (const item of first) yield [item, ...tail];
}

const keyOf = packetKeyBy<LockMessage>(lockCodec.encode);

const sentOf = (packets: readonly Packet<LockMessage>[]): LockState['sent'] =>
  PersistentMap.of(packets.map((packet): [string, Packet<LockMessage>] => [keyOf(packet), packet]));

/** Every grant and every answer between neighbours. */
const packetsOf = (nodes: readonly Node[], epochsMax: number): readonly Packet<LockMessage>[] =>
  nodes.flatMap(({ place: { me, next, previous } }) =>
    Array.from({ length: epochsMax + 1 }, (_, epoch): readonly Packet<LockMessage>[] => [
      { source: me, target: next, message: { tag: 'transfer', epoch } },
      { source: me, target: previous, message: { tag: 'locked', epoch } },
    ]).flat(),
  );

/** The domain: histories, nodes and packets, cut down early to what the invariants allow. */
function* domain(
  initial: LockState,
  epochsMax: number,
  isHistory: (holders: readonly EndPoint[]) => boolean,
  allowed: (state: LockState) => boolean,
): Iterable<LockState> {
  const nodes = [...initial.hosts.values()];
  const names = [...initial.hosts.keys()];
  const none = sentOf([]);
  const packets = packetsOf(nodes, epochsMax);
  for (let length = 1; length <= epochsMax; length++) {
    const states = nodes.map((node) =>
      roles.flatMap((role) => Array.from({ length: length + 1 }, (_, epoch): Node => ({ ...node, role, epoch }))),
    );
    for (const holders of product(Array.from({ length }, () => names))) {
      if (!isHistory(holders)) continue;
      for (const chosen of product(states)) {
        const hosts = PersistentMap.of(chosen.map((node): [EndPoint, Node] => [node.place.me, node]));
        const silent: LockState = { hosts, sent: none, history: { holders: [...holders] } };
        if (!allowed(silent)) continue;
        const fitting = packets.filter((packet) => allowed({ ...silent, sent: sentOf([packet]) }));
        for (const sent of product(fitting.map((packet) => [[], [packet]]))) {
          yield { ...silent, sent: sentOf(sent.flat()) };
        }
      }
    }
  }
}

const isTrue = ({ holds }: Always, state: LockState): boolean => {
  const verdict = holds(state);
  return typeof verdict === 'boolean' ? verdict : E.isRight(verdict);
};

/** Judges the lock's invariants and lemmas over all states of a ring of `size` nodes with up to `epochsMax` epochs. */
export const lockInduction = (size: number, epochsMax: number, withLemmas = true): InductionResult => {
  const model = lockExploration(size, epochsMax);
  const stated = model.properties.filter((p): p is Always => p.kind === 'always');
  // What the service justifies rests on grants in flight, which the domain leaves out at will.
  const protocol = stated.filter(({ name }) => name !== 'every packet sent is justified by the service');
  const invariants = [...protocol, ...(withLemmas ? lemmas : [])];
  const [initial] = [...model.init()] as [LockState];
  const allowed = (state: LockState): boolean => invariants.every((invariant) => isTrue(invariant, state));
  const isHistory = (holders: readonly EndPoint[]): boolean =>
    !withLemmas || isTrue(ring, { ...initial, history: { holders: [...holders] } });
  return judgeInduction({ model, invariants, states: domain(initial, epochsMax, isHistory, allowed) });
};

/** The lemmas as properties for the explorer: they hold in every reachable state too. */
export const lockLemmas: readonly StateProperty<LockState>[] = lemmas.map(({ name, holds }) => always(name, holds));
