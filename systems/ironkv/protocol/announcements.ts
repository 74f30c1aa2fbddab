/** Which sessions may be used, and how they are opened (README.md, "open", "announce", "A session is announced before it is used"). */
import { add, successor } from '../../../src/spec/nat.js';
import type { Packet } from '../../../src/spec/packet.js';
import { type Body, hostsMax, type Message, opensMax, type Session } from '../messages.js';
import { openerOf, withHorizons } from './sessions.js';
import { type HostState, type Peer, packetTo } from './state.js';
import type { Effect } from './step.js';

/** The element at `index` replaced. */
const withAt = (numbers: readonly number[], index: number, value: number): readonly number[] =>
  numbers.map((number, i) => (i === index ? value : number));

/** Whether the session's opener has announced it here. */
export const isAnnounced = ({ bounds }: HostState, session: Session): boolean => {
  const bound = bounds[openerOf(session)];
  return bound !== undefined && Math.floor(session.number / hostsMax) < bound;
};

/** The lowest count that is neither given out nor expired. */
const nextCount = ({ counts, horizons, constants: { index } }: HostState): number => {
  const horizon = horizons[index] ?? 0;
  return horizon <= index ? counts.opened : Math.max(counts.opened, Math.ceil((horizon - index) / hostsMax));
};

/** A session for whoever asks, with more announced where few are left. */
export const processOpen = (s: HostState, { source, message }: Packet<Message<'open'>>): Effect => {
  const { index, configuration } = s.constants;
  const { sessionsAnnounced } = configuration.parameters;
  const count = nextCount(s);
  if (count >= opensMax) return { state: s, sends: [] };
  const few = count + Math.floor(sessionsAnnounced / 2) >= (s.bounds[index] ?? 0);
  const session = { number: add(count * hostsMax, index), nonce: message.nonce };
  return {
    state: {
      ...s,
      bounds: few ? withAt(s.bounds, index, add(count, sessionsAnnounced)) : s.bounds,
      counts: { ...s.counts, opened: successor(count) },
    },
    sends: [packetTo(s, source, { tag: 'opened', session })],
  };
};

/** What is to be announced to a peer; `undefined` where it was. */
export const announcementTo = (
  { bounds, horizons, constants: { index } }: HostState,
  to: number,
  { announced, warned }: Peer,
): Extract<Body, { tag: 'announce' }> | undefined => {
  const [bound, horizon] = [bounds[index] ?? 0, horizons[to] ?? 0];
  return announced < bound || warned < horizon ? { tag: 'announce', bound, horizon } : undefined;
};

/** The state that has accepted an announcement of the host with index `from`. */
export const heard = (s: HostState, from: number, bound: number, horizon: number): HostState => {
  const { index } = s.constants;
  const bounds = bound > (s.bounds[from] ?? 0) ? withAt(s.bounds, from, bound) : s.bounds;
  const next = { ...s, bounds };
  return horizon > (s.horizons[index] ?? 0) ? withHorizons(next, withAt(s.horizons, index, horizon)) : next;
};
