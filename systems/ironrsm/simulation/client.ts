/** A client of IronRSM under simulation. */
import type { Random } from '../../../src/refinement/random.js';
import type { ClientIo, ClientProgram } from '../../../src/refinement/simulation/simulated-system.js';
import type { EndPoint } from '../../../src/spec/endpoint.js';
import type { Packet } from '../../../src/spec/packet.js';
import type { RsmMessage } from '../messages.js';
import type { RsmClientHistory } from './history.js';

/** One outstanding request at a time; retries for ever, at any replica, until it is told to come to rest. */
export class SimulatedClient implements ClientProgram<RsmMessage> {
  readonly #replicas: readonly EndPoint[];
  readonly #nextValue: (random: Random) => Uint8Array;
  #io: ClientIo<RsmMessage> | undefined;
  #leader: EndPoint;
  #seqno = 0;
  #value: Uint8Array = new Uint8Array();
  #answered = true;
  #seqnoMax: number;
  readonly #thinkMsMax: number;
  readonly #history: RsmClientHistory;
  #onReply: ((reply: Uint8Array, nowMs: number) => void) | undefined;

  /**
   * `thinkMsMax`: the time between a reply and the next request, at most. `requestsMax`: requests before it comes to rest by
   * itself.
   */
  constructor(
    replicas: readonly EndPoint[],
    nextValue: (random: Random) => Uint8Array,
    thinkMsMax: number,
    history: RsmClientHistory,
    requestsMax: number,
  ) {
    this.#seqnoMax = requestsMax;
    this.#history = history;
    this.#replicas = replicas;
    this.#nextValue = nextValue;
    this.#thinkMsMax = thinkMsMax;
    this.#leader = replicas[0] as EndPoint;
  }

  start(io: ClientIo<RsmMessage>): void {
    this.#io = io;
    io.after(io.random.between(0, 20), this.#ask);
  }

  /** The outstanding request, if there is one, and one new request are the last. */
  comeToRest(): void {
    const rested = this.rests;
    this.#seqnoMax = this.#seqno + 1;
    if (rested) this.#ask();
  }

  /** Whether all requests are answered, after `comeToRest`. */
  get rests(): boolean {
    return this.#answered && this.#seqno >= this.#seqnoMax;
  }

  /** In words, for evidence. */
  toString(): string {
    const state = this.#answered ? 'is about to ask' : `has no reply to its request ${this.#seqno}`;
    return this.rests ? `client ${this.#io?.me} rests` : `client ${this.#io?.me} ${state}`;
  }

  receive({ source, message }: Packet<RsmMessage>): void {
    const io = this.#io;
    if (io === undefined || message.tag !== 'reply' || message.seqno !== this.#seqno || this.#answered) return;
    this.#answered = true;
    this.#onReply?.(message.value, io.nowMs());
    this.#leader = source;
    if (!this.rests) io.after(io.random.between(0, this.#thinkMsMax), this.#ask);
  }

  readonly #ask = (): void => {
    const io = this.#io;
    if (io === undefined || this.rests || !this.#answered) return;
    this.#seqno++;
    this.#value = this.#nextValue(io.random);
    this.#answered = false;
    this.#onReply = this.#history.asked(io.me, this.#value, io.nowMs());
    this.#send(io, [this.#leader]);
    this.#retryLater(io, this.#seqno);
  };

  #send(io: ClientIo<RsmMessage>, targets: readonly EndPoint[]): void {
    for (const target of targets) io.send(target, { tag: 'request', seqno: this.#seqno, value: this.#value });
  }

  #retryLater(io: ClientIo<RsmMessage>, seqno: number): void {
    io.after(io.random.between(40, 120), () => {
      if (this.#seqno !== seqno || this.#answered) return;
      this.#send(io, this.#replicas);
      this.#retryLater(io, seqno);
    });
  }
}
