/** A service and a network for tests of the client alone: sessions as README.md says they execute, behind three end points of which one leads. */
import { type EndPoint, endPoint } from '../../src/spec/endpoint.js';
import { ClientCore, type ClientCoreOptions, type Outcome } from '../../systems/ironrsm/client.js';
import { joined, type Message, parted, type RsmMessage } from '../../systems/ironrsm/messages.js';

export const replicas = [1, 2, 3].map((i) => endPoint(`127.0.0.1:700${i}`));

interface ModelSession {
  floor: number;
  high: number;
  readonly ordered: boolean;
  /** By seqno, the value of the request in hexadecimal digits, and its reply. */
  readonly done: Map<number, { readonly value: string; readonly reply: Uint8Array }>;
}

/** An operation that the service executed. */
export interface Executed {
  readonly session: number;
  readonly seqno: number;
  readonly value: string;
}

/** The operations of a request, as text. */
export const operationsOf = ({ value }: Message<'request'>): readonly string[] =>
  parted(value).map((operation) => Buffer.from(operation).toString());

/** A deterministic source of numbers from 0 to 1 (mulberry32). */
export const randomOf = (seed: number): (() => number) => {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
};

/** The service's: what the value of a request may have. */
export const requestBytesMax = 1000;

/** What the network does to each packet, as shares of one. */
export interface Faults {
  readonly loss: number;
  readonly duplicates: number;
  /** The longest time on the way. */
  readonly delayMsMax: number;
}

/** The service: it executes what its leader gets, at once. */
export class ModelService {
  readonly #window: number;
  readonly #valueBytesMax: number;
  readonly #sessionsMax: number;
  readonly #sessions = new Map<number, ModelSession>();
  #nextSession = 7;
  leader = 0;
  view = 1;
  readonly executed: Executed[] = [];

  constructor(window: number, valueBytesMax: number, sessionsMax = Infinity) {
    this.#window = window;
    this.#valueBytesMax = valueBytesMax;
    this.#sessionsMax = sessionsMax;
  }

  /** Another replica leads. */
  moveLeader(): void {
    this.leader = (this.leader + 1) % replicas.length;
    if (this.leader === 0) this.view++;
  }

  /** The session that was used longest ago expires, once there are more than `count`. */
  #expireAbove(count: number): void {
    for (const id of this.#sessions.keys()) {
      if (this.#sessions.size <= count) return;
      this.#sessions.delete(id);
    }
  }

  /** All sessions expire. */
  expire(): void {
    this.#sessions.clear();
  }

  /** What replica `index` answers. */
  answer(index: number, message: RsmMessage): readonly RsmMessage[] {
    if (message.tag === 'request' && message.value.length > this.#valueBytesMax) {
      return [{ tag: 'refused', session: message.session, seqno: message.seqno, reason: 'REQUEST_TOO_LARGE' }];
    }
    if (index !== this.leader) return [{ tag: 'redirect', view: { seqno: this.view, proposer: this.leader } }];
    if (message.tag === 'open') return [this.#open(message)];
    return message.tag === 'request' ? this.#execute(message) : [];
  }

  #open({ nonce, ordered }: Message<'open'>): RsmMessage {
    const session = this.#nextSession++;
    this.#sessions.set(session, { floor: 1, high: 0, ordered, done: new Map() });
    this.#expireAbove(this.#sessionsMax);
    return { tag: 'opened', nonce, session };
  }

  #execute(request: Message<'request'>): readonly RsmMessage[] {
    const { session: id, seqno, floor } = request;
    const session = this.#sessions.get(id);
    if (session === undefined) {
      return id < this.#nextSession ? [{ tag: 'refused', session: id, seqno, reason: 'SESSION_EXPIRED' }] : [];
    }
    if (floor > seqno) return [];
    this.#sessions.delete(id);
    this.#sessions.set(id, session);
    session.floor = Math.max(session.floor, floor);
    for (const key of session.done.keys()) if (key < session.floor) session.done.delete(key);
    if (seqno < session.floor || seqno >= session.floor + this.#window) return [];
    const value = Buffer.from(request.value).toString('hex');
    const known = session.done.get(seqno);
    if (known !== undefined) {
      if (known.value !== value) return [{ tag: 'refused', session: id, seqno, reason: 'SEQNO_REUSED' }];
      return [{ tag: 'reply', session: id, seqno, value: known.reply }];
    }
    if (session.ordered && seqno !== Math.max(session.high + 1, session.floor)) return [];
    const operations = operationsOf(request);
    const reply = joined(operations.map((operation) => Buffer.from(`reply to ${operation}`)));
    session.done.set(seqno, { value, reply });
    session.high = Math.max(session.high, seqno);
    for (const operation of operations) this.executed.push({ session: id, seqno, value: operation });
    return [{ tag: 'reply', session: id, seqno, value: reply }];
  }
}

interface Travelling {
  readonly atMs: number;
  readonly order: number;
  readonly deliver: () => void;
}

/** A client on a lossy network in front of the service, in virtual time. */
export class ModelRun {
  readonly service: ModelService;
  readonly core: ClientCore;
  readonly outcomes = new Map<number, Outcome>();
  /** Ids that settled more than once. */
  readonly settledTwice: number[] = [];
  /** What the client sent. */
  readonly sent: { readonly target: EndPoint; readonly message: RsmMessage }[] = [];
  nowMs = 0;
  onSent: (message: RsmMessage) => void = () => undefined;
  onSettled: (id: number) => void = () => undefined;
  /** Called when the client is done with what it was called for: with a request, a packet, or the time. */
  onTurn: () => void = () => undefined;
  readonly #travelling: Travelling[] = [];
  readonly #random: () => number;
  readonly #faults: Faults;
  #order = 0;

  /** `defers`: whether operations that are asked for in one turn are put together. */
  constructor(seed: number, faults: Faults, options: Partial<ClientCoreOptions> = {}, defers = false) {
    this.#random = randomOf(seed);
    this.#faults = faults;
    const window = options.window ?? 8;
    this.service = new ModelService(window, requestBytesMax);
    this.core = new ClientCore(
      {
        ...{ replicas, ordered: false, window, retryMs: 100, retryMsMax: 400, random: this.#random },
        nonce: () => Math.floor(this.#random() * 2 ** 40),
        requestBytesMax,
        ...options,
      },
      {
        send: (targets, messages) => {
          for (const message of messages) for (const target of targets) this.#sendOne(target, message);
        },
        settled: (id, outcome) => {
          if (this.outcomes.has(id)) this.settledTwice.push(id);
          this.outcomes.set(id, outcome);
          this.onSettled(id);
        },
        ...(defers ? { defer: () => this.#arrive(0, () => this.core.flush(this.nowMs)) } : {}),
      },
    );
  }

  request(text: string, timeoutMs: number): number {
    const id = this.core.request(this.nowMs, Buffer.from(text), timeoutMs);
    this.onTurn();
    return id;
  }

  /** Lets time pass until `untilMs`: packets arrive and the client's wishes to be woken come true, in the order of their times. */
  run(untilMs: number): void {
    for (;;) {
      this.#travelling.sort((a, b) => a.atMs - b.atMs || a.order - b.order);
      const packetAtMs = this.#travelling[0]?.atMs ?? Infinity;
      const wakeAtMs = Math.max(this.nowMs, this.core.wakeAtMs);
      const nextMs = Math.min(packetAtMs, wakeAtMs);
      if (nextMs > untilMs) break;
      this.nowMs = Math.max(this.nowMs, nextMs);
      if (packetAtMs <= wakeAtMs) this.#travelling.shift()?.deliver();
      else {
        this.core.onTime(this.nowMs);
        if (this.core.wakeAtMs <= this.nowMs) throw new Error('the client wants to be woken again at once');
      }
      this.onTurn();
    }
    this.nowMs = untilMs;
  }

  #sendOne(target: EndPoint, message: RsmMessage): void {
    this.sent.push({ target, message });
    this.onSent(message);
    const index = replicas.indexOf(target);
    this.#travel(() => {
      for (const answer of this.service.answer(index, message)) {
        this.#travel(() => this.core.onPacket(target, answer, this.nowMs));
      }
    });
  }

  #travel(deliver: () => void): void {
    const { loss, duplicates, delayMsMax } = this.#faults;
    const copies = this.#random() < loss ? 0 : this.#random() < duplicates ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      this.#arrive(this.#random() * delayMsMax, deliver);
    }
  }

  #arrive(afterMs: number, deliver: () => void): void {
    this.#travelling.push({ atMs: this.nowMs + afterMs, order: this.#order++, deliver });
  }
}
