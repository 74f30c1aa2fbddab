/** A client machine of IronKV under simulation: one end point, several sessions, each with the real client's core and several users. */
import type { Random } from '../../../src/refinement/random.js';
import { DrivenClients } from '../../../src/refinement/simulation/driven-clients.js';
import type { ClientIo, ClientProgram } from '../../../src/refinement/simulation/simulated-system.js';
import type { EndPoint } from '../../../src/spec/endpoint.js';
import type { Packet } from '../../../src/spec/packet.js';
import { ClientCore } from '../client/core.js';
import type { OpenSession } from '../client/opening.js';
import type { Settlement } from '../client/outcome.js';
import { RangeCache } from '../client/range-cache.js';
import type { Command } from '../commands.js';
import { type KvMessage, wireMax } from '../messages.js';
import { type Asked, type KvClientHistory, Sequence } from './history.js';

/** How the users of one session behave. */
export interface SessionHabits {
  readonly ordered: boolean;
  /** At most the cluster's. */
  readonly window: number;
  /** Users, each with one request under way; more than `window` queue up. */
  readonly users: number;
  /** The time between an outcome and the next request, at most. */
  readonly thinkMsMax: number;
  readonly retryMs: number;
  readonly retryMsMax: number;
  readonly renewMs: number;
  /** After which a request is given up, at least; up to twice that. */
  readonly timeoutMs: number;
  /** The part of the outcomes after which the session is handed on to another core, as a gateway does between connections. */
  readonly handOverShare: number;
}

/** What machines of a run are made of. */
export interface MachineParts {
  readonly hosts: readonly EndPoint[];
  readonly nextCommand: (random: Random) => Command;
  readonly history: KvClientHistory;
  /** For a machine like a gateway: the host in whose process it is. */
  readonly beside?: EndPoint;
}

/** Outcomes of a session that stay unknown, before its users no longer give up: each may be that of a write, which costs the checks of what clients saw. */
const unknownMax = 12;

/** The time until the first request, at most. */
const startMsMax = 30;

/** One who asks, waits for the outcome, thinks, and asks again. */
interface User {
  readonly name: string;
  /** Whether it was answered since the client is to come to rest. */
  rests: boolean;
}

interface UnderWay {
  readonly user: User;
  readonly asked: Asked;
}

/** One session with its users. */
class SimulatedSession {
  readonly #parts: MachineParts;
  readonly #habits: SessionHabits;
  readonly #io: ClientIo<KvMessage>;
  readonly #ranges: RangeCache;
  readonly #users: readonly User[];
  readonly #underWay = new Map<number, UnderWay>();
  readonly #wake: () => void;
  readonly #sequence: Sequence | undefined;
  #core: ClientCore;
  #resting = false;
  #unknown = 0;

  /** `wake` is called after each new request: the core may want to be called earlier. */
  constructor(
    parts: MachineParts,
    habits: SessionHabits,
    io: ClientIo<KvMessage>,
    name: string,
    ranges: RangeCache,
    wake: (core: ClientCore) => void,
  ) {
    this.#parts = parts;
    this.#habits = habits;
    this.#io = io;
    this.#ranges = ranges;
    this.#users = Array.from({ length: habits.users }, (_, i) => ({ name: `${name}#${i}`, rests: false }));
    this.#sequence = habits.ordered ? new Sequence() : undefined;
    this.#wake = () => wake(this.#core);
    this.#core = this.#newCore(undefined);
  }

  /** The core at the moment. */
  get core(): ClientCore {
    return this.#core;
  }

  /** Sets its users to work. */
  start(): void {
    for (const user of this.#users) this.#askWithin(user, startMsMax);
  }

  /** From now on nothing is given up, and each user asks until it has one more answer. */
  comeToRest(): void {
    this.#resting = true;
  }

  get rests(): boolean {
    return this.#users.every((user) => user.rests);
  }

  toString(): string {
    const waiting = this.#users.filter((user) => !user.rests).map(({ name }) => name);
    return `users ${waiting.join(', ')} without an answer, ${this.#underWay.size} requests under way`;
  }

  get #isPatient(): boolean {
    return this.#resting || this.#unknown >= unknownMax;
  }

  #newCore(session: OpenSession | undefined): ClientCore {
    const { ordered, window, retryMs, retryMsMax, renewMs } = this.#habits;
    const { hosts, beside } = this.#parts;
    return new ClientCore(
      {
        ...{ hosts, ordered, window, retryMs, retryMsMax, renewMs, ranges: this.#ranges },
        random: () => this.#io.random.next(),
        nonce: () => this.#io.random.int(0, wireMax.nonce),
        ...(session === undefined ? {} : { session }),
        ...(beside === undefined ? {} : { reliableHost: hosts.indexOf(beside) }),
      },
      {
        send: (host, message) => this.#io.send(hosts[host] as EndPoint, message),
        settled: (id, settlement) => this.#settled(id, settlement),
      },
    );
  }

  #askWithin(user: User, ms: number): void {
    this.#io.after(this.#io.random.between(0, ms), () => this.#ask(user));
  }

  #ask(user: User): void {
    const { history, nextCommand } = this.#parts;
    const { random } = this.#io;
    const nowMs = this.#io.nowMs();
    const command = nextCommand(random);
    const timeoutMs = this.#isPatient ? Infinity : Math.ceil(this.#habits.timeoutMs * random.between(1, 2));
    const asked = history.asked(this.#io.me, user.name, command, nowMs, this.#sequence);
    this.#underWay.set(this.#core.request(nowMs, command, timeoutMs), { user, asked });
    this.#wake();
  }

  #settled(id: number, settlement: Settlement): void {
    const { user, asked } = this.#underWay.get(id) as UnderWay;
    this.#underWay.delete(id);
    const nowMs = this.#io.nowMs();
    if (settlement.tag === 'outcome') asked.answered(settlement.outcome, nowMs);
    else if (settlement.error.known === 'unknown') {
      this.#unknown++;
      asked.gaveUp(nowMs);
    } else asked.refused(nowMs);
    const { tag } = settlement.tag === 'outcome' ? settlement : settlement.error;
    // A command above the limits is never executed, and that is its answer.
    if (this.#resting && (tag === 'outcome' || tag === 'KeyTooLong' || tag === 'ValueTooLarge')) user.rests = true;
    if (!user.rests) this.#askWithin(user, this.#habits.thinkMsMax);
    if (!this.#isPatient && this.#io.random.chance(this.#habits.handOverShare))
      this.#io.after(0, () => this.#handOver());
  }

  /** The connection ends and another comes, which goes on with the session if nothing is outstanding in it. */
  #handOver(): void {
    this.#core = this.#newCore(this.#core.close());
  }
}

/** A machine with several sessions, which share an end point and what they know of ranges. */
export class SimulatedKvClient implements ClientProgram<KvMessage> {
  readonly #parts: MachineParts;
  readonly #habits: readonly SessionHabits[];
  #sessions: readonly SimulatedSession[] = [];
  #driven: DrivenClients<KvMessage> | undefined;

  constructor(parts: MachineParts, habits: readonly SessionHabits[]) {
    this.#parts = parts;
    this.#habits = habits;
  }

  get beside(): EndPoint | undefined {
    return this.#parts.beside;
  }

  start(io: ClientIo<KvMessage>): void {
    const ranges = new RangeCache();
    const driven = new DrivenClients(io, () => this.#sessions.map(({ core }) => core));
    const wake = (core: ClientCore): void => driven.wake(core);
    this.#sessions = this.#habits.map(
      (habits, i) => new SimulatedSession(this.#parts, habits, io, `${io.me}/${i}`, ranges, wake),
    );
    this.#driven = driven;
    for (const session of this.#sessions) session.start();
  }

  comeToRest(): void {
    for (const session of this.#sessions) session.comeToRest();
  }

  /** Whether every user has its answer, after `comeToRest`. */
  get rests(): boolean {
    return this.#sessions.every((session) => session.rests);
  }

  /** In words, for evidence. */
  toString(): string {
    return this.#sessions.filter((session) => !session.rests).join('; ');
  }

  receive(packet: Packet<KvMessage>): void {
    this.#driven?.receive(packet);
  }
}
