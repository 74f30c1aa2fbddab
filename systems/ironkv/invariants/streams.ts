/** Single delivery (README.md, "A host's state"; IronFleet's SHT proof, SingleDelivery files). */
import { type Evidence, everyPacket, everyStep, ofHistory } from '../../../src/refinement/cluster.js';
import { equalValues } from '../../../src/refinement/values.js';
import { bodyKey, type KvCluster, type KvHistory } from '../history.js';
import type { Body, KvMessage } from '../messages.js';
import { type HostState, type Peer, placeOf, unackedKey } from '../protocol.js';
import { type Invariant, invariant, senderOf, statesOf, toldIn } from './form.js';

const bodyDefect = (cluster: KvCluster, state: HostState, to: number, seqno: number): Evidence => {
  const body = state.unacked.get(unackedKey(to, seqno));
  const sent = cluster.history.bodies.get(bodyKey(state.constants.index, to, seqno));
  if (body !== undefined && sent !== undefined && equalValues(body, sent)) return undefined;
  return { host: state.constants.index, to, seqno, kept: body !== undefined, sent: sent !== undefined };
};

function* streamDefects(cluster: KvCluster, state: HostState, to: number, peer: Peer): Iterable<Evidence> {
  const { deliveriesMax } = state.constants.configuration.parameters;
  const count = peer.sent - peer.acked;
  if (count < 0 || count > deliveriesMax) {
    yield { host: state.constants.index, to, acked: peer.acked, sent: peer.sent, deliveriesMax };
    return;
  }
  for (let seqno = peer.acked + 1; seqno <= peer.sent; seqno++) yield bodyDefect(cluster, state, to, seqno);
}

const sizeDefect = (state: HostState): Evidence => {
  let counted = 0;
  for (const { sent, acked } of state.peers.values()) counted += sent - acked;
  return counted === state.unacked.size
    ? undefined
    : { host: state.constants.index, counted, kept: state.unacked.size };
};

export const unackedIsSequential: Invariant = invariant(
  'UnackedIsSequential',
  'IronFleet SHT, UnAckedListSequential and UnAckedListInNetwork',
  function* (cluster) {
    for (const state of statesOf(cluster)) {
      for (const [to, peer] of state.peers) yield* streamDefects(cluster, state, to, peer);
      yield sizeDefect(state);
    }
  },
  function* (cluster, { before, after }) {
    if (before.peers === after.peers && before.unacked === after.unacked) return;
    for (const to of after.peers.diff(before.peers)) {
      yield* streamDefects(cluster, after, to, after.peers.get(to) as Peer);
    }
    yield sizeDefect(after);
  },
);

/** As README.md, "Messages", defines it. */
const sizeOf = (body: Body): number => {
  const told = toldIn(body).map(({ records }) => 16 * (records.length + 1));
  const pairs = body.tag === 'delegate' ? body.pairs.map(({ key, value }) => 16 + key.length + value.length) : [];
  return [...told, ...pairs].reduce((sum, size) => sum + size, 0);
};

const bytesDefect = (state: HostState, to: number, { acked, sent, unackedBytes }: Peer): Evidence => {
  const { deliveryBytesMax } = state.constants.configuration.parameters;
  const sizes: number[] = [];
  for (let seqno = acked + 1; seqno <= sent; seqno++) {
    const body = state.unacked.get(unackedKey(to, seqno));
    if (body !== undefined) sizes.push(sizeOf(body));
  }
  const sum = sizes.reduce((total, size) => total + size, 0);
  const last = sizes.findLast((size) => size > 0);
  // Whatever has a size was sent while what was unacked left room for it.
  return unackedBytes === sum && (last === undefined || sum - last < deliveryBytesMax)
    ? undefined
    : { host: state.constants.index, to, unackedBytes, sum, last, deliveryBytesMax };
};

export const unackedBytesAreBounded: Invariant = invariant(
  'UnackedBytesAreBounded',
  'README.md, "delegate"',
  function* (cluster) {
    for (const state of statesOf(cluster)) for (const [to, peer] of state.peers) yield bytesDefect(state, to, peer);
  },
  function* (_, { before, after }) {
    if (before.peers === after.peers && before.unacked === after.unacked) return;
    const changed = [...after.unacked.diff(before.unacked)].map((key) => placeOf(key).peer);
    for (const to of new Set([...after.peers.diff(before.peers), ...changed])) {
      const peer = after.peers.get(to);
      yield peer === undefined ? { host: after.constants.index, noPeer: to } : bytesDefect(after, to, peer);
    }
  },
);

export const seqnosAreUnique: Invariant = ofHistory<HostState, KvMessage, KvHistory>(
  'SeqnosAreUnique',
  'IronFleet SHT, packets of a sender have unique seqnos',
  (cluster) => cluster.history.bodyConflict ?? undefined,
);

/** What one host says of its stream to another, against what that one says. */
const agreementDefect = (sender: HostState, recipient: HostState): Evidence => {
  const [from, to] = [sender.constants.index, recipient.constants.index];
  const { acked = 0, sent = 0 } = sender.peers.get(to) ?? {};
  const received = recipient.peers.get(from)?.received ?? 0;
  return acked <= received && received <= sent ? undefined : { from, to, acked, received, sent };
};

export const onlySentIsReceived: Invariant = invariant(
  'OnlySentIsReceived',
  'IronFleet SHT, no acked or received packet was unsent',
  function* (cluster) {
    const states = statesOf(cluster);
    for (const sender of states)
      for (const recipient of states) if (sender !== recipient) yield agreementDefect(sender, recipient);
  },
  function* (cluster, { before, after }) {
    if (before.peers === after.peers) return;
    const states = statesOf(cluster);
    for (const index of after.peers.diff(before.peers)) {
      const peer = states[index] as HostState;
      yield agreementDefect(after, peer);
      yield agreementDefect(peer, after);
    }
  },
);

export const acksAreOfReceived: Invariant = everyPacket(
  'AcksAreOfReceived',
  'README.md, "deliver"',
  'ack',
  (p, c: KvCluster) => {
    if (senderOf(p, c) === undefined) return undefined;
    const target = senderOf({ ...p, source: p.target }, c);
    const received = target === undefined ? undefined : c.hosts.get(p.source)?.peers.get(target)?.received;
    return received !== undefined && p.message.seqno <= received
      ? undefined
      : { from: p.source, to: p.target, acks: p.message.seqno, received };
  },
);

const decreased = (was: object, is: object, names: readonly string[]): string | undefined => {
  const [a, b] = [was, is] as [Readonly<Record<string, number>>, Readonly<Record<string, number>>];
  return names.find((name) => (b[name] as number) < (a[name] as number));
};

export const knowledgeGrows: Invariant = everyStep<HostState, KvMessage, KvHistory>(
  'KnowledgeGrows',
  'README.md, "Why this is safe": what a host knows it knows for ever',
  (before, after) => {
    const count = decreased(before.counts, after.counts, ['stamp', 'opened']);
    if (count !== undefined) return { decreased: count };
    const horizon = after.horizons.findIndex((h, i) => h < (before.horizons[i] ?? 0));
    if (horizon >= 0 || after.horizons.length !== before.horizons.length) return { horizonOf: horizon };
    const bound = after.bounds.findIndex((b, i) => b < (before.bounds[i] ?? 0));
    if (bound >= 0 || after.bounds.length !== before.bounds.length) return { boundOf: bound };
    for (const index of after.peers.diff(before.peers)) {
      const [was, is] = [before.peers.get(index), after.peers.get(index)];
      if (was === undefined || is === undefined) return { peer: index };
      const name = decreased(was, is, ['received', 'sent', 'acked', 'told', 'announced', 'warned']);
      if (name !== undefined) return { peer: index, decreased: name };
    }
    for (const session of after.sessions.diff(before.sessions)) {
      const [was, is] = [before.sessions.get(session), after.sessions.get(session)];
      const name = was && is && decreased(was, is, ['floor', 'next']);
      if (name !== undefined) return { session, decreased: name };
    }
    return undefined;
  },
);
