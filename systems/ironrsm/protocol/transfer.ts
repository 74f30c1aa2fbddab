/** How a replica that lags catches up (README.md, "catchUpRequest" to "statePiece", "catchUp", "checkProgress"). */
import { PersistentMap } from '../../../src/protocol/persistent-map.js';
import { equalBytes } from '../../../src/spec/bytes.js';
import type { EndPoint } from '../../../src/spec/endpoint.js';
import type { Packet } from '../../../src/spec/packet.js';
import { E } from '../../../src/spec/prelude.js';
import { type Cursor, digestOf, type Message, type RsmMessage, wireMax } from '../messages.js';
import { owedOnly } from './election.js';
import { decodeSessions, encodeSessions, type Machine } from './machine.js';
import { type Inbound, type Outbound, packetTo, type Replica, type Transfer } from './state.js';
import { type Effect, nothing } from './step.js';

const start: Cursor = { tag: 'sessions', offset: 0 };

const isStart = (c: Cursor): boolean => c.tag === 'sessions' && c.offset === 0;

const sameCursor = (a: Cursor, b: Cursor): boolean => {
  if (a.tag === 'sessions') return b.tag === 'sessions' && a.offset === b.offset;
  if (b.tag === 'sessions') return false;
  return a.after === null || b.after === null ? a.after === b.after : equalBytes(a.after, b.after);
};

/** Whether a piece may be the next one after a piece of `bytes` at `at`: so that a transfer ends, and what it holds is bounded. */
const follows = (at: Cursor, bytes: Uint8Array, next: Cursor | null): boolean => {
  if (at.tag === 'app') return next === null || (next.tag === 'app' && next.after !== null);
  if (next === null) return false;
  if (next.tag === 'app') return next.after === null;
  const end = at.offset + bytes.length;
  return bytes.length > 0 && end <= wireMax.sessionsBytes && next.offset === end;
};

const withTransfer = (s: Replica, change: Partial<Transfer>): Replica => ({
  ...s,
  transfer: { ...s.transfer, ...change },
});

/** The piece of an outbound state at a cursor; `undefined` where there is none. */
const pieceAt = (s: Replica, o: Outbound, state: unknown, at: Cursor): Message<'statePiece'> | undefined => {
  const { app, parameters } = s.constants.configuration;
  const max = parameters.pieceBytesMax;
  const piece = (bytes: Uint8Array, next: Cursor | null): Message<'statePiece'> => ({
    tag: 'statePiece',
    opn: o.opn,
    at,
    bytes,
    next,
    digest: digestOf(bytes),
  });
  if (at.tag === 'sessions') {
    const { length } = o.sessions;
    if (at.offset >= length) return undefined;
    const bytes = o.sessions.subarray(at.offset, at.offset + max);
    const end = at.offset + bytes.length;
    return piece(bytes, end < length ? { tag: 'sessions', offset: end } : { tag: 'app', after: null });
  }
  const part = app.piece(state, at.after, max);
  if (part === undefined) return undefined;
  return piece(part.bytes, part.next === null ? null : { tag: 'app', after: part.next });
};

const firstPiece = (s: Replica, o: Outbound, app: unknown, to: EndPoint): readonly Packet<RsmMessage>[] => {
  const piece = pieceAt(s, o, app, start);
  return piece === undefined ? [] : [packetTo(s, to, piece)];
};

const suppliedFromLog = (s: Replica, opn: number): Message<'catchUpSupply'> => {
  const { log, opsComplete } = s.executor;
  const { catchUpOpsMax, catchUpBytesMax } = s.constants.configuration.parameters;
  const batches: Uint8Array[] = [];
  let bytes = 0;
  for (let n = opn; n < opsComplete && batches.length < Math.max(catchUpOpsMax, 1); n++) {
    const batch = log.get(n) as Uint8Array;
    bytes += batch.length;
    if (batches.length > 0 && bytes > catchUpBytesMax) break;
    batches.push(batch);
  }
  return { tag: 'catchUpSupply', opn, batches, opsComplete };
};

export const processCatchUpRequest = (
  s: Replica,
  sender: number,
  source: EndPoint,
  { opn }: Message<'catchUpRequest'>,
): Effect => {
  const { opsComplete, logStart, machine } = s.executor;
  if (opn >= opsComplete) return nothing(s);
  if (opn >= logStart) return { state: s, sends: [packetTo(s, source, suppliedFromLog(s, opn))] };
  const { outbound, outboundApps } = s.transfer;
  const known = outbound.get(sender);
  const { sessionWindow } = s.constants.configuration.parameters;
  if (known !== undefined && known.opn > opn) {
    const state = withTransfer(s, { outbound: outbound.set(sender, { ...known, fresh: true }) });
    return { state, sends: firstPiece(s, known, outboundApps.get(sender), source) };
  }
  const o: Outbound = { opn: opsComplete, sessions: encodeSessions(machine.sessions, sessionWindow), fresh: true };
  const state = withTransfer(s, {
    outbound: outbound.set(sender, o),
    outboundApps: outboundApps.set(sender, machine.app),
  });
  return { state, sends: firstPiece(s, o, machine.app, source) };
};

export const processCatchUpSupply = (s: Replica, sender: number, m: Message<'catchUpSupply'>): Replica => {
  const { opsComplete, decided } = s.executor;
  const { logLengthMax } = s.constants.configuration.parameters;
  const supplied = s.transfer.supplied.withMutations((draft) => {
    for (const [i, batch] of m.batches.entries()) {
      const n = m.opn + i;
      const wanted = n > opsComplete || (n === opsComplete && decided === null);
      if (wanted && n - opsComplete < logLengthMax && !draft.has(n)) draft.set(n, batch);
    }
  });
  return withTransfer(s, { supplied, source: m.opsComplete - m.batches.length > m.opn ? sender : null });
};

export const processStateRequest = (
  s: Replica,
  sender: number,
  source: EndPoint,
  { opn, at }: Message<'stateRequest'>,
): Effect => {
  const { outbound } = s.transfer;
  const o = outbound.get(sender);
  if (o === undefined || o.opn !== opn) return nothing(s);
  const piece = pieceAt(s, o, s.transfer.outboundApps.get(sender), at);
  if (piece === undefined) return nothing(s);
  const state = o.fresh ? s : withTransfer(s, { outbound: outbound.set(sender, { ...o, fresh: true }) });
  return { state, sends: [packetTo(s, source, piece)] };
};

const below = <V>(table: PersistentMap<number, V>, opn: number): PersistentMap<number, V> =>
  table.withMutations((draft) => {
    for (const n of table.keys()) if (n < opn) draft.delete(n);
  });

const installed = (s: Replica, i: Inbound, machine: Machine): Replica => {
  const { opn } = i;
  const state: Replica = {
    ...s,
    executor: { opsComplete: opn, machine, decided: null, log: PersistentMap.empty(), logStart: opn, logBytes: 0 },
    learner: { ...s.learner, slots: below(s.learner.slots, opn) },
    transfer: {
      ...s.transfer,
      supplied: below(s.transfer.supplied, opn),
      inbound: null,
      source: i.supplier,
    },
  };
  return { ...state, election: owedOnly(state) };
};

/** The sessions bytes from their pieces, which came in order. */
const joinedSessions = (parts: PersistentMap<number, Uint8Array>): Uint8Array => {
  const inOrder = [...parts].sort(([a], [b]) => a - b);
  return new Uint8Array(Buffer.concat(inOrder.map(([, bytes]) => bytes)));
};

/** The inbound state with a piece taken in; `undefined` where the application cannot join it. */
const takenIn = (s: Replica, i: Inbound, bytes: Uint8Array): Inbound | undefined => {
  if (i.at.tag === 'sessions') {
    const sessionsLength = i.sessionsLength + bytes.length;
    return { ...i, sessions: i.sessions.set(i.at.offset, bytes), sessionsLength };
  }
  const app = s.constants.configuration.app.join(i.app, bytes);
  return E.isLeft(app) ? undefined : { ...i, app: app.right };
};

export const processStatePiece = (s: Replica, sender: number, source: EndPoint, m: Message<'statePiece'>): Effect => {
  const { opn, at, bytes, next } = m;
  if (opn <= s.executor.opsComplete) return nothing(s);
  const { app, parameters } = s.constants.configuration;
  const begun: Inbound = {
    supplier: sender,
    opn,
    at,
    sessions: PersistentMap.empty(),
    sessionsLength: 0,
    app: app.initial,
    fresh: true,
    tries: 0,
  };
  const i = s.transfer.inbound ?? (isStart(at) ? begun : null);
  if (i === null || i.supplier !== sender || i.opn !== opn || !sameCursor(i.at, at)) return nothing(s);
  const without = withTransfer(s, { inbound: null });
  const sound = equalBytes(digestOf(bytes), m.digest) && follows(at, bytes, next);
  const taken = sound ? takenIn(s, i, bytes) : undefined;
  if (taken === undefined) return nothing(without);
  if (next !== null) {
    const inbound: Inbound = { ...taken, at: next, fresh: true, tries: 0 };
    const request = packetTo(s, source, { tag: 'stateRequest', opn, at: next });
    return { state: withTransfer(s, { inbound }), sends: [request] };
  }
  const sessions = decodeSessions(joinedSessions(taken.sessions), parameters.sessionWindow);
  if (E.isLeft(sessions)) return nothing(without);
  return nothing(installed(s, taken, { app: taken.app, sessions: sessions.right }));
};

/** `undefined` unless a replica is known that has more than this one, and was not yet asked for it. */
export const catchUpContinued = (s: Replica): Effect | undefined => {
  const { source, supplied, inbound, askedOpn } = s.transfer;
  const { opsComplete, decided } = s.executor;
  const idle = decided === null && !supplied.has(opsComplete) && inbound === null;
  if (source === null || !idle || askedOpn === opsComplete) return undefined;
  return asked(s, source);
};

const asked = (s: Replica, index: number): Effect => {
  const { opsComplete } = s.executor;
  const target = s.constants.configuration.replicas[index] as EndPoint;
  return {
    state: withTransfer(s, { askedOpn: opsComplete }),
    sends: [packetTo(s, target, { tag: 'catchUpRequest', opn: opsComplete })],
  };
};

/** A stalled replica asks for what was decided; `undefined` where `index` is not ahead, or null though another is. */
export const askedAhead = (s: Replica, index: number | null): Effect | undefined => {
  const { checkpoints } = s.acceptor;
  const ahead = (i: number): boolean => i !== s.constants.index && (checkpoints[i] ?? 0) > s.executor.opsComplete;
  if (index === null) return checkpoints.some((_, i) => ahead(i)) ? undefined : nothing(s);
  return ahead(index) ? asked(s, index) : undefined;
};

/** The inbound state of a stalled replica: left alone once after each piece, then asked for again, then given up. */
export const inboundChecked = (s: Replica, i: Inbound): Effect => {
  if (i.fresh) return nothing(withTransfer(s, { inbound: { ...i, fresh: false } }));
  if (i.tries >= s.constants.configuration.parameters.transferTriesMax)
    return nothing(withTransfer(s, { inbound: null }));
  const supplier = s.constants.configuration.replicas[i.supplier] as EndPoint;
  const again: Packet<RsmMessage> = packetTo(s, supplier, { tag: 'stateRequest', opn: i.opn, at: i.at });
  return { state: withTransfer(s, { inbound: { ...i, tries: i.tries + 1 } }), sends: [again] };
};
