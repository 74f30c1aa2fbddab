/** Someone whose messages are well formed and whose habits are bad: what a client of IronRSM with a bug, or a hostile one, may do in its own session. */
import type { Random } from '../../../src/refinement/random.js';
import type { ClientIo, ClientProgram } from '../../../src/refinement/simulation/simulated-system.js';
import type { EndPoint } from '../../../src/spec/endpoint.js';
import { natMax } from '../../../src/spec/nat.js';
import type { Packet } from '../../../src/spec/packet.js';
import { joined, type Message, type RsmMessage, sessionIdsMax } from '../messages.js';
import type { MachineParts } from './client.js';

/** What it does in a run, at most: each request may be executed without anybody knowing, which costs the checks of what clients saw. */
const requestsMax = 24;
const executionsMax = 5;

/** Opens a session, then sends what no client should. Nobody waits for what it is answered. */
export class Misuser implements ClientProgram<RsmMessage> {
  readonly #parts: MachineParts;
  readonly #requestBytesMax: number;
  readonly #opens: Message<'open'>;
  #session: number | undefined;
  #left = requestsMax;
  readonly #executions = new Map<string, Uint8Array>();

  constructor(parts: MachineParts, requestBytesMax: number, ordered: boolean) {
    this.#parts = parts;
    this.#requestBytesMax = requestBytesMax;
    this.#opens = { tag: 'open', nonce: natMax, ordered };
  }

  start(io: ClientIo<RsmMessage>): void {
    const act = (): void => {
      if (this.#left-- <= 0) return;
      for (const target of this.#parts.replicas) io.send(target, this.#next(io.random, io.me, io.nowMs()));
      io.after(io.random.between(1, 60), act);
    };
    io.after(io.random.between(0, 60), act);
  }

  receive({ message }: Packet<RsmMessage>): void {
    if (message.tag === 'opened') this.#session = message.session;
  }

  #next(random: Random, me: EndPoint, nowMs: number): RsmMessage {
    if (this.#session === undefined) return this.#opens;
    const request = this.#request(this.#session, random, me, nowMs);
    switch (random.int(0, 9)) {
      case 0:
        return { ...request, value: new Uint8Array(this.#requestBytesMax + 1) };
      case 1:
        return {
          ...request,
          floor: request.seqno < natMax ? request.seqno + 1 : 0,
          seqno: Math.min(request.seqno, natMax - 1),
        };
      case 2:
        return { ...request, session: random.pick([sessionIdsMax - 1, sessionIdsMax, natMax]) };
      case 3:
        return this.#opens;
      default:
        return request;
    }
  }

  /** A request that may be executed: one of few seqnos, at the edges of what there is. */
  #request(session: number, random: Random, me: EndPoint, nowMs: number): Message<'request'> {
    const seqno = random.pick([1, 1, 1, 1, 1, 2, 2, 7, natMax - 1, natMax]);
    const floor = random.pick([0, 1, 1, 1, 1, 1, 1, 1, seqno]);
    const name = `${session}.${seqno}`;
    const known = this.#executions.get(name);
    const value = known !== undefined && random.chance(0.5) ? known : joined([this.#parts.nextValue(random)]);
    if (value !== known) {
      if (this.#executions.size >= executionsMax) return { tag: 'request', session, seqno: 0, floor: 0, value };
      this.#executions.set(name, value);
      this.#parts.history.mayAsk(me, value, nowMs);
    }
    return { tag: 'request', session, seqno, floor, value };
  }
}
