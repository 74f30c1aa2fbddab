/** Orders of administrators, and what a host says of itself (README.md, "shard" and "statusRequest"). */
import type { EndPoint } from '../../../src/spec/endpoint.js';
import type { Packet } from '../../../src/spec/packet.js';
import { bytesOfKey, textOfKey } from '../commands.js';
import type { Message, MoveStatus, Observed, RangeStatus, ShardRefusal, ShardVerdict } from '../messages.js';
import { type KeyRange, type MapEntry, meet, ownsAll, positionOf, rangeAt } from './delegation-map.js';
import { type HostState, type Move, packetTo } from './state.js';
import type { Effect } from './step.js';

type Shard = Packet<Message<'shard'>>;

const rangeOf = ({ lo, hi }: Message<'shard'>): KeyRange => ({
  lo: textOfKey(lo),
  hi: hi === null ? null : textOfKey(hi),
});

/** What is left of a move; none once all is handed over. */
const leftOf = ({ next, hi, last }: Move): KeyRange | undefined =>
  last !== null || next === null ? undefined : { lo: next, hi };

/** Why nothing is to be moved; `undefined` if it may be. */
const refusalOf = (s: HostState, m: Message<'shard'>): ShardRefusal | undefined => {
  const { hosts, parameters } = s.constants.configuration;
  const { lo, hi } = rangeOf(m);
  const tooLong = lo.length > parameters.keyBytesMax || (hi !== null && hi.length > parameters.keyBytesMax);
  if (tooLong || (hi !== null && lo >= hi)) return 'BAD_RANGE';
  const recipient = hosts.indexOf(m.recipient);
  if (recipient < 0) return 'UNKNOWN_HOST';
  if (recipient === s.constants.index) return 'SAME_HOST';
  if (!ownsAll(s.map, { lo, hi }, s.constants.index)) return 'NOT_OWNER';
  const inTheWay = s.moves.some((move) => {
    const left = leftOf(move);
    return left !== undefined && meet(left, { lo, hi });
  });
  if (inTheWay) return 'ALREADY_MOVING';
  return s.moves.length >= parameters.movesMax ? 'TOO_MANY_MOVES' : undefined;
};

const shardReply = (s: HostState, target: EndPoint, seqno: number, verdict: ShardVerdict): Effect => ({
  state: s,
  sends: [packetTo(s, target, { tag: 'shardReply', seqno, verdict })],
});

/** What a host does with a shard. */
export const processShard = (s: HostState, { source, message: m }: Shard): Effect => {
  const { hosts, administrators } = s.constants.configuration;
  if (!hosts.includes(source) && !administrators.includes(source)) {
    return shardReply(s, source, m.seqno, 'NOT_ADMINISTRATOR');
  }
  const latest = s.shards.get(source);
  // An old order, overtaken by a later one of the same administrator.
  if (latest !== undefined && latest.seqno > m.seqno) return { state: s, sends: [] };
  if (latest?.seqno === m.seqno) {
    const moving = s.moves.some((move) => move.administrator === source && move.seqno === m.seqno);
    const verdict = latest.verdict !== 'accepted' ? latest.verdict : moving ? 'moving' : 'done';
    return shardReply(s, source, m.seqno, verdict);
  }
  const refusal = refusalOf(s, m);
  const shards = s.shards.set(source, { seqno: m.seqno, verdict: refusal ?? 'accepted' });
  if (refusal !== undefined) return shardReply({ ...s, shards }, source, m.seqno, refusal);
  const { lo, hi } = rangeOf(m);
  const move: Move = {
    administrator: source,
    seqno: m.seqno,
    next: lo,
    hi,
    recipient: hosts.indexOf(m.recipient),
    last: null,
  };
  return shardReply({ ...s, shards, moves: [...s.moves, move] }, source, m.seqno, 'moving');
};

const bound = (text: string | null): Uint8Array | null => (text === null ? null : bytesOfKey(text));

const moveStatus = ({ administrator, seqno, next, hi, recipient, last }: Move): MoveStatus => ({
  administrator,
  seqno,
  next: last === null ? bound(next) : null,
  hi: bound(hi),
  recipient,
});

/** `undefined` unless there are as many loads as ranges of this host's own in the answer. */
export const processStatusRequest = (
  s: HostState,
  { source, message: m }: Packet<Message<'statusRequest'>>,
  { loads, counters }: Observed,
): Effect | undefined => {
  const first = positionOf(s.map, textOfKey(m.from));
  const end = Math.min(s.map.length, first + s.constants.configuration.parameters.rangesPerStatusMax);
  const ranges: RangeStatus[] = [];
  let own = 0;
  for (let position = first; position < end; position++) {
    const { lo, hi } = rangeAt(s.map, position);
    const { host } = s.map[position] as MapEntry;
    const load = host === s.constants.index ? loads[own++] : null;
    if (load === undefined) return undefined;
    ranges.push({ lo: bytesOfKey(lo), hi: bound(hi), host, load });
  }
  if (own !== loads.length) return undefined;
  const status: Message<'status'> = {
    tag: 'status',
    nonce: m.nonce,
    ranges,
    next: bound(s.map[end]?.lo ?? null),
    moves: s.moves.map(moveStatus),
    keys: s.table.size,
    sessions: s.sessions.size,
    counters,
  };
  return { state: s, sends: [packetTo(s, source, status)] };
};
