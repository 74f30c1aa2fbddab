/** A client machine of IronRSM under simulation: one end point, several sessions, and several requests outstanding in each. */
import type { Random } from '../../../src/refinement/random.js';
import { DrivenClients } from '../../../src/refinement/simulation/driven-clients.js';
import type { ClientIo, ClientProgram } from '../../../src/refinement/simulation/simulated-system.js';
import type { EndPoint } from '../../../src/spec/endpoint.js';
import type { Packet } from '../../../src/spec/packet.js';
import { ClientCore } from '../client/core.js';
import type { ClientCoreOptions } from '../client/options.js';
import type { Outcome } from '../client/outcome.js';
import type { RsmMessage } from '../messages.js';
import type { Asked, RsmClientHistory } from './history.js';

/** How the users of one session behave. */
export interface SessionHabits {
  readonly ordered: boolean;
  readonly window: number;
  /** Requests before it comes to rest by itself. */
  readonly requestsMax: number;
  /** Requests that it has under way at once; more than `window` queue up. */
  readonly requests: number;
  /** The time until the first request, at most. */
  readonly startMsMax: number;
  /** The time between an outcome and the next request, at most. */
  readonly thinkMsMax: number;
  readonly retryMs: number;
  readonly retryMsMax: number;
  /** After which a request is given up, at least; up to twice that. */
  readonly timeoutMs: number;
  readonly givesUp: boolean;
}

/** What all machines of a run share. */
export interface MachineParts {
  readonly replicas: readonly EndPoint[];
  readonly nextValue: (random: Random) => Uint8Array;
  /** The cluster's. */
  readonly requestBytesMax: number;
  readonly history: RsmClientHistory;
}

/** Nobody gives up once the faults have healed: what is asked then must be answered. */
const patienceMs = 3_600_000;

/** One session with its users. Each asks, waits for the outcome, thinks, and asks again. */
class SimulatedSession {
  readonly #parts: MachineParts;
  readonly #habits: SessionHabits;
  readonly #io: ClientIo<RsmMessage>;
  readonly core: ClientCore;
  readonly #asked = new Map<number, { readonly asked: Asked; readonly last: boolean }>();
  #resting = false;
  #requestsMade = 0;
  #lastAnswered = false;
  readonly #wake: () => void;

  /** `wake` is called after each new request: the core may want to be called earlier. */
  constructor(
    parts: MachineParts,
    habits: SessionHabits,
    io: ClientIo<RsmMessage>,
    nonce: () => number,
    wake: (core: ClientCore) => void,
  ) {
    this.#parts = parts;
    this.#habits = habits;
    this.#io = io;
    this.#wake = () => wake(this.core);
    const options: ClientCoreOptions = {
      replicas: parts.replicas,
      ordered: habits.ordered,
      requestBytesMax: parts.requestBytesMax,
      window: habits.window,
      retryMs: habits.retryMs,
      retryMsMax: habits.retryMsMax,
      random: () => io.random.next(),
      nonce,
    };
    this.core = new ClientCore(options, {
      send: (targets, messages) => {
        for (const target of targets) for (const message of messages) io.send(target, message);
      },
      settled: (id, outcome) => this.#settled(id, outcome),
    });
  }

  /** Sets its users to work. */
  start(): void {
    for (let i = 0; i < this.#habits.requests; i++) this.#askWithin(this.#habits.startMsMax);
  }

  /** What is outstanding, and one new request, are the last. */
  comeToRest(): void {
    this.#resting = true;
    if (this.#asked.size === 0) this.#ask(patienceMs, true);
  }

  get rests(): boolean {
    return this.#lastAnswered && this.#asked.size === 0;
  }

  toString(): string {
    const { id, floor } = this.core.session ?? { id: 'none', floor: 0 };
    const waiting = this.#asked.size === 0 ? 'is about to ask' : `has no reply to ${this.#asked.size} requests`;
    return `client ${this.#io.me}, session ${id}, floor ${floor}, ${this.rests ? 'rests' : waiting}`;
  }

  #askWithin(ms: number): void {
    this.#io.after(this.#io.random.between(0, ms), () => {
      const { givesUp, timeoutMs } = this.#habits;
      if (!this.#resting && this.#requestsMade++ < this.#habits.requestsMax)
        this.#ask(givesUp ? timeoutMs * this.#io.random.between(1, 2) : patienceMs, false);
    });
  }

  #ask(timeoutMs: number, last: boolean): void {
    const { history, nextValue } = this.#parts;
    const nowMs = this.#io.nowMs();
    const value = nextValue(this.#io.random);
    const asked = history.asked(this.#io.me, value, nowMs);
    this.#asked.set(this.core.request(nowMs, value, Math.ceil(timeoutMs)), { asked, last });
    this.#wake();
  }

  #settled(id: number, outcome: Outcome): void {
    const { asked, last } = this.#asked.get(id) as { asked: Asked; last: boolean };
    this.#asked.delete(id);
    asked.settled(outcome, this.#io.nowMs());
    if (!this.#resting) {
      this.#askWithin(this.#habits.thinkMsMax);
      return;
    }
    if (last && outcome.tag === 'reply') this.#lastAnswered = true;
    // An unknown outcome is no answer: it asks anew, from outside the core.
    else if (this.#asked.size === 0) this.#io.after(1, () => this.#ask(patienceMs, true));
  }
}

/** A machine with several sessions, which share an end point. */
export class SimulatedClient implements ClientProgram<RsmMessage> {
  readonly #parts: MachineParts;
  readonly #habits: readonly SessionHabits[];
  #sessions: readonly SimulatedSession[] = [];
  #driven: DrivenClients<RsmMessage> | undefined;
  #nonce = 0;

  constructor(parts: MachineParts, habits: readonly SessionHabits[]) {
    this.#parts = parts;
    this.#habits = habits;
  }

  start(io: ClientIo<RsmMessage>): void {
    const nonce = (): number => ++this.#nonce;
    const driven = new DrivenClients(io, () => this.#sessions.map(({ core }) => core));
    const wake = (core: ClientCore): void => driven.wake(core);
    this.#driven = driven;
    this.#sessions = this.#habits.map((habits) => new SimulatedSession(this.#parts, habits, io, nonce, wake));
    for (const session of this.#sessions) session.start();
  }

  /** Every session's outstanding requests, and one new one, are the last. */
  comeToRest(): void {
    for (const session of this.#sessions) session.comeToRest();
  }

  /** Whether all sessions have their answers, after `comeToRest`. */
  get rests(): boolean {
    return this.#sessions.every((session) => session.rests);
  }

  /** Sessions that do not rest, in words. */
  get waiting(): readonly string[] {
    return this.#sessions.filter((session) => !session.rests).map(String);
  }

  receive(packet: Packet<RsmMessage>): void {
    this.#driven?.receive(packet);
  }
}
