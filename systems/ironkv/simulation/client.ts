/** A client of IronKV under simulation: a session, several requests outstanding, retries, redirects, giving up (README.md, "What clients add"). */
import type { Random } from '../../../src/refinement/random.js';
import type { ClientIo, ClientProgram } from '../../../src/refinement/simulation/simulated-system.js';
import type { EndPoint } from '../../../src/spec/endpoint.js';
import type { Packet } from '../../../src/spec/packet.js';
import { type Command, textOfKey } from '../commands.js';
import { type KvMessage, type Message, type Session, textOfSession, wireMax } from '../messages.js';
import type { Asked, KvClientHistory } from './history.js';

/** How a client behaves. */
export interface ClientHabits {
  readonly hosts: readonly EndPoint[];
  readonly nextCommand: (random: Random) => Command;
  readonly thinkMsMax: number;
  /** Requests outstanding, at most. */
  readonly lanes: number;
  /** The cluster's window. */
  readonly sessionWindowMax: number;
  /** The part of the requests that are ordered. */
  readonly orderedShare: number;
  /** Tries after which a request is given up. */
  readonly triesMax: number;
  readonly history: KvClientHistory;
}

interface Outstanding {
  readonly lane: Lane;
  readonly seqno: number;
  readonly ordered: boolean;
  readonly command: Command;
  readonly asked: Asked;
  tries: number;
  redirects: number;
}

interface Lane {
  readonly number: number;
  /** Whether a request that was asked since the client is to come to rest was answered. */
  rests: boolean;
}

interface Hint {
  readonly lo: string;
  readonly hi: string | null;
  readonly host: number;
}

const hintsMax = 8;
const redirectsMax = 4;
/** How often a client looks whether it may ask. */
const pollMs = 7;
/** A session is given back for a new one before this part of the requests. */
const renewShare = 0.02;

export class SimulatedKvClient implements ClientProgram<KvMessage> {
  readonly #habits: ClientHabits;
  readonly #lanes: readonly Lane[];
  readonly #outstanding = new Map<number, Outstanding>();
  #io: ClientIo<KvMessage> | undefined;
  #session: Session | undefined;
  #opening: number | undefined;
  #nextSeqno = 0;
  #hints: Hint[] = [];
  #resting = false;

  constructor(habits: ClientHabits) {
    this.#habits = habits;
    this.#lanes = Array.from({ length: Math.min(habits.lanes, habits.sessionWindowMax) }, (_, number) => ({
      number,
      rests: false,
    }));
  }

  start(io: ClientIo<KvMessage>): void {
    this.#io = io;
    for (const lane of this.#lanes) io.after(io.random.between(0, 30), () => this.#ask(io, lane));
  }

  /** From now on nothing is given up, and each lane asks until it has one more answer. */
  comeToRest(): void {
    this.#resting = true;
  }

  /** Whether every lane has its answer, after `comeToRest`. */
  get rests(): boolean {
    return this.#lanes.every((lane) => lane.rests);
  }

  /** In words, for evidence. */
  toString(): string {
    const waiting = [...this.#outstanding.values()].map((o) => `${o.seqno} (${o.command.tag}, tried ${o.tries} times)`);
    const session = this.#session === undefined ? 'no session' : `session ${textOfSession(this.#session)}`;
    return `client ${this.#io?.me} with ${session} and without an answer to ${waiting.join(', ') || 'any request'}`;
  }

  receive({ message: m }: Packet<KvMessage>): void {
    const io = this.#io;
    if (io === undefined) return;
    if (m.tag === 'opened') this.#open(m.session);
    if (m.tag !== 'reply' && m.tag !== 'refused' && m.tag !== 'redirect') return;
    const session = this.#session;
    const request = this.#outstanding.get(m.seqno);
    if (session === undefined || request === undefined || textOfSession(session) !== textOfSession(m.session)) return;
    if (m.tag === 'reply') {
      request.asked.answered(m.outcome, io.nowMs());
      this.#settle(io, request, true);
    } else if (m.tag === 'redirect') this.#follow(io, session, request, m);
    else this.#refused(io, request, m.reason);
  }

  #open(session: Session): void {
    if (this.#opening !== session.nonce) return;
    this.#opening = undefined;
    this.#session = session;
    this.#nextSeqno = 0;
  }

  #refused(io: ClientIo<KvMessage>, request: Outstanding, reason: Message<'refused'>['reason']): void {
    switch (reason) {
      case 'KEY_TOO_LONG':
      case 'VALUE_TOO_LARGE':
        request.asked.refused(io.nowMs());
        this.#settle(io, request, true);
        break;
      case 'SESSION_EXPIRED':
        this.#abandon(io);
        break;
      case 'OUT_OF_WINDOW':
        request.asked.gaveUp(io.nowMs());
        this.#settle(io, request, false);
        break;
      default:
      // OUT_OF_ORDER: asked again when its time has come.
    }
  }

  #settle(io: ClientIo<KvMessage>, request: Outstanding, answered: boolean): void {
    this.#outstanding.delete(request.seqno);
    if (this.#resting && answered) request.lane.rests = true;
    if (!request.lane.rests) io.after(io.random.between(0, this.#habits.thinkMsMax), () => this.#ask(io, request.lane));
  }

  /** Gives up the session and all that is outstanding in it. */
  #abandon(io: ClientIo<KvMessage>): void {
    this.#session = undefined;
    for (const request of [...this.#outstanding.values()]) {
      request.asked.gaveUp(io.nowMs());
      this.#settle(io, request, false);
    }
  }

  get #floor(): number {
    let floor = this.#nextSeqno;
    for (const seqno of this.#outstanding.keys()) floor = Math.min(floor, seqno);
    return floor;
  }

  /** Whether a new request may be sent now. */
  #mayAsk(io: ClientIo<KvMessage>): boolean {
    if (this.#session !== undefined && this.#outstanding.size === 0 && io.random.chance(renewShare))
      this.#session = undefined;
    if (this.#session === undefined) {
      this.#requestSession(io);
      return false;
    }
    // Who can lose replies has nothing outstanding behind an ordered read.
    for (const { ordered, command } of this.#outstanding.values()) {
      if (ordered && (command.tag === 'get' || command.tag === 'length')) return false;
    }
    return this.#nextSeqno < this.#floor + this.#habits.sessionWindowMax;
  }

  #requestSession(io: ClientIo<KvMessage>): void {
    if (this.#opening !== undefined) return;
    const nonce = io.random.int(0, wireMax.nonce);
    this.#opening = nonce;
    const ask = (): void => {
      if (this.#opening !== nonce) return;
      io.send(io.random.pick(this.#habits.hosts), { tag: 'open', nonce });
      io.after(io.random.between(40, 120), ask);
    };
    ask();
  }

  #ask(io: ClientIo<KvMessage>, lane: Lane): void {
    if (!this.#mayAsk(io)) {
      io.after(pollMs, () => this.#ask(io, lane));
      return;
    }
    const { nextCommand, orderedShare, history } = this.#habits;
    const command = nextCommand(io.random);
    const ordered = io.random.chance(orderedShare);
    const asked = history.asked(`${io.me}#${lane.number}`, command, io.nowMs());
    const request: Outstanding = { lane, seqno: this.#nextSeqno++, ordered, command, asked, tries: 0, redirects: 0 };
    this.#outstanding.set(request.seqno, request);
    this.#try(io, this.#session as Session, request, undefined);
  }

  #isLive(session: Session, request: Outstanding): boolean {
    return this.#session === session && this.#outstanding.get(request.seqno) === request;
  }

  /** Sends, and again when no answer comes; every third time at another host. */
  #try(io: ClientIo<KvMessage>, session: Session, request: Outstanding, host: EndPoint | undefined): void {
    if (!this.#isLive(session, request)) return;
    request.tries++;
    if (!this.#resting && request.tries > this.#habits.triesMax) {
      this.#giveUp(io, request);
      return;
    }
    this.#send(io, session, request, host ?? this.#hostFor(io, request));
    io.after(io.random.between(40, 120), () => this.#try(io, session, request, undefined));
  }

  #send(io: ClientIo<KvMessage>, session: Session, request: Outstanding, host: EndPoint): void {
    const { seqno, ordered, command } = request;
    io.send(host, { tag: 'request', session, seqno, floor: this.#floor, ordered, command });
  }

  #giveUp(io: ClientIo<KvMessage>, request: Outstanding): void {
    // What was asked later in order could never be answered.
    if (request.ordered) this.#abandon(io);
    else {
      request.asked.gaveUp(io.nowMs());
      this.#settle(io, request, false);
    }
  }

  #hostFor(io: ClientIo<KvMessage>, { command, tries }: Outstanding): EndPoint {
    const { hosts } = this.#habits;
    const key = textOfKey(command.key);
    const hint = this.#hints.find(({ lo, hi }) => key >= lo && (hi === null || key < hi));
    if (tries % 3 === 0 || hint === undefined) return io.random.pick(hosts);
    return hosts[hint.host] ?? io.random.pick(hosts);
  }

  #follow(io: ClientIo<KvMessage>, session: Session, request: Outstanding, m: Message<'redirect'>): void {
    const hint = { lo: textOfKey(m.lo), hi: m.hi === null ? null : textOfKey(m.hi), host: m.host };
    this.#hints = [hint, ...this.#hints].slice(0, hintsMax);
    const host = this.#habits.hosts[m.host];
    request.redirects++;
    if (host !== undefined && request.redirects % (redirectsMax + 1) !== 0) this.#send(io, session, request, host);
  }
}
