/** Single delivery between hosts, and the handing over of ranges (README.md, "deliver", "ack", "delegate", "inform", "announce", "resend"). */
import { add, successor } from '../../../src/spec/nat.js';
import type { Packet } from '../../../src/spec/packet.js';
import { bytesOfKey, textOfKey } from '../commands.js';
import type { Parameters } from '../configuration.js';
import type { Body, KvMessage, Message, Pair } from '../messages.js';
import { announcementTo, heard } from './announcements.js';
import { given, isAbove, type KeyRange, ownsSome } from './delegation-map.js';
import { knowledgeOf, learned, newsFor } from './sessions.js';
import { type HostState, type Move, type Peer, packetTo, unackedKey } from './state.js';
import type { Effect } from './step.js';

type Delegate = Extract<Body, { tag: 'delegate' }>;

/** What a pair takes of a delegate besides its key and value. */
const pairBytes = 16;

/** What a told session takes of a body, and each of its records. */
const knowledgeBytes = 16;

const sizeOf = (body: Body): number => {
  if (body.tag === 'announce') return 0;
  let bytes = 0;
  for (const { records } of body.sessions) bytes += knowledgeBytes * (1 + records.length);
  if (body.tag === 'delegate') for (const { key, value } of body.pairs) bytes += key.length + value.length + pairBytes;
  return bytes;
};

/** Bytes of values up to which they are copied together: one that stays while the others go keeps no more alive. */
const slabBytesMax = 4096;

/** Copies of the pairs' values, which are views of a message. Small ones share memory: one piece for each costs far more to make and to collect. */
const copiesOf = (pairs: readonly Pair[]): readonly Uint8Array[] => {
  let slab = new Uint8Array(0);
  let used = 0;
  return pairs.map(({ value: { length } }, i) => {
    if (used + length > slab.length) {
      let bytes = length;
      for (let j = i + 1; j < pairs.length && bytes + (pairs[j] as Pair).value.length <= slabBytesMax; j++)
        bytes += (pairs[j] as Pair).value.length;
      slab = new Uint8Array(bytes);
      used = 0;
    }
    const copy = slab.subarray(used, used + length);
    copy.set((pairs[i] as Pair).value);
    used += length;
    return copy;
  });
};

const withPairs = (s: HostState, pairs: readonly Pair[]): HostState => {
  const values = copiesOf(pairs);
  const table = s.table.withMutations((draft) => {
    for (const [i, { key }] of pairs.entries()) draft.set(textOfKey(key), values[i] as Uint8Array);
  });
  return { ...s, table };
};

const withoutPairs = (s: HostState, texts: readonly string[]): HostState => {
  const table = s.table.withMutations((draft) => {
    for (const text of texts) draft.delete(text);
  });
  return { ...s, table };
};

const rangeOf = ({ lo, hi }: Delegate): KeyRange => ({ lo: textOfKey(lo), hi: hi === null ? null : textOfKey(hi) });

/** Whether the pairs ascend within the range, and nothing is longer than the limits. */
const isInForm = (
  { keyBytesMax, valueBytesMax }: Parameters,
  { lo, hi }: KeyRange,
  pairs: readonly Pair[],
): boolean => {
  if (!isAbove(hi, lo) || lo.length > keyBytesMax || (hi ?? '').length > keyBytesMax) return false;
  let last: string | undefined;
  for (const { key, value } of pairs) {
    const text = textOfKey(key);
    if (text.length > keyBytesMax || value.length > valueBytesMax) return false;
    if (last === undefined ? isAbove(lo, text) : !isAbove(text, last)) return false;
    last = text;
  }
  return last === undefined || isAbove(hi, last);
};

/** Whether no host that follows the rules sends it as the next body. */
const isWrong = (s: HostState, body: Body): boolean => {
  if (body.tag === 'announce') return false;
  if (body.horizons.length !== s.horizons.length) return true;
  if (body.tag === 'inform') return false;
  const { configuration, index } = s.constants;
  const range = rangeOf(body);
  return !isInForm(configuration.parameters, range, body.pairs) || ownsSome(s.map, range, index);
};

const accepted = (s: HostState, from: number, body: Body): HostState => {
  if (body.tag === 'announce') return heard(s, from, body.bound, body.horizon);
  const knowing = learned(s, body.horizons, body.sessions);
  if (body.tag === 'inform') return knowing;
  const range = rangeOf(body);
  return withPairs({ ...knowing, map: given(knowing.map, range, s.constants.index) }, body.pairs);
};

/** A message of the stream from peer `from`. */
export const processDeliver = (
  s: HostState,
  from: number,
  peer: Peer,
  { source, message: { seqno, body } }: Packet<Message<'deliver'>>,
): Effect => {
  const ack = (state: HostState, upTo: number): Effect => ({
    state,
    sends: [packetTo(s, source, { tag: 'ack', seqno: upTo })],
  });
  if (seqno <= peer.received) return ack(s, peer.received);
  // One that came too early will be sent again: only the next may be accepted, or one would be lost.
  if (seqno !== successor(peer.received)) return { state: s, sends: [] };
  if (isWrong(s, body)) return { state: s, sends: [] };
  const state = accepted(s, from, body);
  return ack({ ...state, peers: state.peers.set(from, { ...peer, received: seqno }) }, seqno);
};

/** An ack of the stream to peer `to`. */
export const processAck = (s: HostState, to: number, peer: Peer, { seqno }: Message<'ack'>): Effect => {
  if (seqno <= peer.acked || seqno > peer.sent) return { state: s, sends: [] };
  let { unackedBytes } = peer;
  const unacked = s.unacked.withMutations((draft) => {
    for (let dropped = peer.acked + 1; dropped <= seqno; dropped++) {
      const key = unackedKey(to, dropped);
      unackedBytes -= sizeOf(s.unacked.get(key) as Body);
      draft.delete(key);
    }
  });
  const isDone = ({ recipient, last }: Move): boolean => recipient === to && last !== null && last <= seqno;
  const moves = s.moves.some(isDone) ? s.moves.filter((move) => !isDone(move)) : s.moves;
  const peers = s.peers.set(to, { ...peer, acked: seqno, unackedBytes });
  return { state: { ...s, peers, unacked, moves }, sends: [] };
};

const send = (s: HostState, to: number, peer: Peer, body: Body, now: number): Effect => {
  const { hosts, parameters } = s.constants.configuration;
  const { resendMs } = parameters;
  const seqno = successor(peer.sent);
  const timed =
    peer.sent === peer.acked
      ? { ...peer, resendAtMs: add(now, resendMs), waitMs: resendMs, ackedAtCheck: peer.acked }
      : peer;
  const state: HostState = {
    ...s,
    peers: s.peers.set(to, { ...timed, sent: seqno, unackedBytes: add(peer.unackedBytes, sizeOf(body)) }),
    unacked: s.unacked.set(unackedKey(to, seqno), body),
  };
  return { state, sends: [packetTo(s, hosts[to] as Packet<KvMessage>['target'], { tag: 'deliver', seqno, body })] };
};

/** The first pairs of what is left of a move, as many as one delegate carries, and the key that comes after them. */
const firstPairs = (
  s: HostState,
  lo: string,
  hi: string | null,
): { readonly texts: readonly string[]; readonly pairs: readonly Pair[]; readonly following: string | undefined } => {
  const { delegateBytesMax, delegateKeysMax } = s.constants.configuration.parameters;
  const texts: string[] = [];
  const pairs: Pair[] = [];
  let bytes = 0;
  for (const [text, value] of s.table.entriesFrom(lo)) {
    if (!isAbove(hi, text)) break;
    bytes += text.length + value.length + pairBytes;
    const fits = bytes <= delegateBytesMax && pairs.length < delegateKeysMax;
    if (!fits && pairs.length > 0) return { texts, pairs, following: text };
    texts.push(text);
    pairs.push({ key: bytesOfKey(text), value });
  }
  return { texts, pairs, following: undefined };
};

const hasRoom = (s: HostState, { sent, acked }: Peer): boolean =>
  sent - acked < s.constants.configuration.parameters.deliveriesMax;

/** Large bodies are dropped below where too many are under way. */
const hasRoomForBytes = (s: HostState, { unackedBytes }: Peer): boolean =>
  unackedBytes < s.constants.configuration.parameters.deliveryBytesMax;

/** A move of which something is left, with a recipient that may be sent more. */
interface Sendable {
  readonly move: Move;
  readonly next: string;
  readonly peer: Peer;
}

const sendable = (s: HostState, position: number): Sendable | undefined => {
  const move = s.moves[position];
  if (move === undefined || move.last !== null || move.next === null) return undefined;
  const peer = s.peers.get(move.recipient);
  if (peer === undefined || !hasRoom(s, peer) || !hasRoomForBytes(s, peer)) return undefined;
  return { move, next: move.next, peer };
};

/** `undefined` where no piece of the move at `position` may be sent. */
export const delegated = (s: HostState, position: number, now: number): Effect | undefined => {
  const ready = sendable(s, position);
  if (ready === undefined) return undefined;
  const { move, next, peer } = ready;
  const news = newsFor(s, peer.told);
  if (news.length > s.constants.configuration.parameters.sessionsPerMessageMax) return undefined;
  const { texts, pairs, following } = firstPairs(s, next, move.hi);
  const hi = following ?? move.hi;
  const body: Body = {
    tag: 'delegate',
    lo: bytesOfKey(next),
    hi: hi === null ? null : bytesOfKey(hi),
    pairs,
    horizons: s.horizons,
    sessions: news.map(knowledgeOf),
  };
  const last = following === undefined ? successor(peer.sent) : null;
  const state: HostState = {
    ...withoutPairs(s, texts),
    map: given(s.map, { lo: next, hi }, move.recipient),
    moves: s.moves.map((m) => (m === move ? { ...move, next: hi, last } : m)),
  };
  return send(state, move.recipient, { ...peer, told: s.counts.stamp }, body, now);
};

/** `undefined` unless the recipient of the move at `position` lacks more than a delegate tells. */
export const informed = (s: HostState, position: number, now: number): Effect | undefined => {
  const ready = sendable(s, position);
  if (ready === undefined) return undefined;
  const { move, peer } = ready;
  const { sessionsPerMessageMax } = s.constants.configuration.parameters;
  const news = newsFor(s, peer.told);
  if (news.length <= sessionsPerMessageMax) return undefined;
  const told = news.slice(0, sessionsPerMessageMax);
  const body: Body = { tag: 'inform', horizons: s.horizons, sessions: told.map(knowledgeOf) };
  return send(s, move.recipient, { ...peer, told: told.at(-1)?.stamp ?? peer.told }, body, now);
};

/** `undefined` where the peer was told, or may not be sent more. */
export const announced = (s: HostState, to: number, now: number): Effect | undefined => {
  const peer = s.peers.get(to);
  if (peer === undefined || !hasRoom(s, peer)) return undefined;
  const body = announcementTo(s, to, peer);
  return body && send(s, to, { ...peer, announced: body.bound, warned: body.horizon }, body, now);
};

/** `undefined` where nothing is due to be sent again. */
export const resent = (s: HostState, to: number, now: number): Effect | undefined => {
  const peer = s.peers.get(to);
  if (peer === undefined || peer.sent === peer.acked) return undefined;
  const { hosts, parameters } = s.constants.configuration;
  // Large bodies may be under way for long: what is repeated meanwhile is repeated in vain.
  const dueMs = add(peer.resendAtMs, Math.floor(peer.unackedBytes / parameters.deliveryBytesPerMs));
  if (now < dueMs) return undefined;
  const progressed = peer.acked > peer.ackedAtCheck;
  const waitMs = progressed ? parameters.resendMs : Math.min(add(peer.waitMs, peer.waitMs), parameters.resendMsMax);
  const sends: Packet<KvMessage>[] = [];
  if (!progressed) {
    const end = Math.min(peer.sent, peer.acked + parameters.resendMax);
    for (let seqno = peer.acked + 1; seqno <= end; seqno++) {
      const body = s.unacked.get(unackedKey(to, seqno)) as Body;
      sends.push(packetTo(s, hosts[to] as Packet<KvMessage>['target'], { tag: 'deliver', seqno, body }));
    }
  }
  const peers = s.peers.set(to, { ...peer, waitMs, ackedAtCheck: peer.acked, resendAtMs: add(now, waitMs) });
  return { state: { ...s, peers }, sends };
};
