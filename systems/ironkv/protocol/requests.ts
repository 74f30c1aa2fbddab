/** Requests of clients: the rules in the order of README.md, "request". */
import { successor } from '../../../src/spec/nat.js';
import type { Packet } from '../../../src/spec/packet.js';
import { bytesOfKey, type Outcome, textOfKey, type WriteOutcome } from '../commands.js';
import { type KvMessage, type Message, type Refusal, textOfSession, type WriteRecord } from '../messages.js';
import { applied, isWrite } from '../spec.js';
import { isAnnounced } from './announcements.js';
import { type MapEntry, positionOf, rangeAt } from './delegation-map.js';
import { isExpired, stored } from './sessions.js';
import { type HostState, packetTo, type SessionEntry } from './state.js';
import type { Effect } from './step.js';
import { ownCopy } from './values.js';

type Request = Packet<Message<'request'>>;

const answered = (s: HostState, { source }: Request, answer: KvMessage): Effect => ({
  state: s,
  sends: [packetTo(s, source, answer)],
});

const refused = (s: HostState, packet: Request, reason: Refusal): Effect => {
  const { session, seqno } = packet.message;
  return answered(s, packet, { tag: 'refused', session, seqno, reason });
};

const replied = (s: HostState, packet: Request, outcome: Outcome): Effect => {
  const { session, seqno } = packet.message;
  return answered(s, packet, { tag: 'reply', session, seqno, outcome });
};

const redirected = (s: HostState, packet: Request, position: number): Effect => {
  const { session, seqno } = packet.message;
  const { lo, hi } = rangeAt(s.map, position);
  return answered(s, packet, {
    tag: 'redirect',
    session,
    seqno,
    lo: bytesOfKey(lo),
    hi: hi === null ? null : bytesOfKey(hi),
    host: (s.map[position] as MapEntry).host,
  });
};

/** What makes a request unfit for every host. */
const misfit = (s: HostState, { seqno, floor, command }: Message<'request'>): Refusal | undefined => {
  const { keyBytesMax, valueBytesMax, sessionWindowMax } = s.constants.configuration.parameters;
  if (command.key.length > keyBytesMax) return 'KEY_TOO_LONG';
  if ('value' in command && command.value.length > valueBytesMax) return 'VALUE_TOO_LARGE';
  if ('old' in command && command.old !== null && command.old.length > valueBytesMax) return 'VALUE_TOO_LARGE';
  return seqno < floor || seqno - floor >= sessionWindowMax ? 'OUT_OF_WINDOW' : undefined;
};

const recordOf = (entry: SessionEntry | undefined, seqno: number): WriteRecord | undefined =>
  // They ascend: most requests are beyond the last.
  (entry?.records.at(-1)?.seqno ?? -1) < seqno ? undefined : entry?.records.find((record) => record.seqno === seqno);

/** Whether an ordered request comes when all before it are settled or executed; the last read may be asked again. */
const inTurn = (next: number, { seqno, floor, command }: Message<'request'>): boolean =>
  (seqno >= next && (seqno === floor || seqno === next)) || (!isWrite(command) && seqno + 1 === next);

/** The records from `floor` on with a new one, ascending. */
const withRecord = (
  records: readonly WriteRecord[],
  floor: number,
  record: WriteRecord | undefined,
): readonly WriteRecord[] => {
  const kept = floor <= (records[0]?.seqno ?? floor) ? records : records.filter(({ seqno }) => seqno >= floor);
  if (record === undefined) return kept;
  if ((kept.at(-1)?.seqno ?? -1) < record.seqno) return [...kept, record];
  return [...kept, record].sort((a, b) => a.seqno - b.seqno);
};

const executed = (s: HostState, packet: Request, key: string, entry: SessionEntry | undefined): Effect => {
  const { session, seqno, command, ordered } = packet.message;
  const { parameters } = s.constants.configuration;
  let outcome: Outcome | undefined;
  // Found and replaced in one walk.
  const table = s.table.update(key, (before) => {
    const made = applied(before, command, parameters);
    outcome = made.outcome;
    // A copy: what came with a message is a view of it, of which one value would keep all.
    // `Object.is` does not look into the value of before, which lies cold in memory.
    return made.value === undefined || Object.is(made.value, before) ? made.value : ownCopy(made.value);
  });
  const floor = Math.max(entry?.floor ?? 0, packet.message.floor);
  const record = isWrite(command) ? { seqno, outcome: outcome as WriteOutcome } : undefined;
  const records = withRecord(entry?.records ?? [], floor, record);
  const next = ordered ? successor(seqno) : (entry?.next ?? 0);
  return replied(stored(s, { session, floor, next, records }, table), packet, outcome as Outcome);
};

/** What a host does with a request. */
export const processRequest = (s: HostState, packet: Request): Effect => {
  const m = packet.message;
  const unfit = misfit(s, m);
  if (unfit !== undefined) return refused(s, packet, unfit);
  const lasting = m.ordered || isWrite(m.command);
  const entry = lasting ? s.sessions.get(textOfSession(m.session)) : undefined;
  if (lasting) {
    const record = isWrite(m.command) ? recordOf(entry, m.seqno) : undefined;
    if (record !== undefined) return replied(s, packet, record.outcome);
    // The client has settled it: an old copy, which must not be executed now.
    if (m.seqno < (entry?.floor ?? 0)) return { state: s, sends: [] };
  }
  const key = textOfKey(m.command.key);
  const position = positionOf(s.map, key);
  if (s.map[position]?.host !== s.constants.index) return redirected(s, packet, position);
  if (!lasting) {
    const { outcome } = applied(s.table.get(key), m.command, s.constants.configuration.parameters);
    return replied(s, packet, outcome);
  }
  if (isExpired(s.horizons, m.session)) return refused(s, packet, 'SESSION_EXPIRED');
  if (entry === undefined && !isAnnounced(s, m.session)) return { state: s, sends: [] };
  if (m.ordered && !inTurn(entry?.next ?? 0, m)) return refused(s, packet, 'OUT_OF_ORDER');
  return executed(s, packet, key, entry);
};
