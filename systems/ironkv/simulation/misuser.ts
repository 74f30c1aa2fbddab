/** Someone whose messages are well formed and whose habits are bad: what a client of IronKV with a bug, or a hostile one, may do in its own sessions. */
import type { Random } from '../../../src/refinement/random.js';
import type { ClientIo, ClientProgram } from '../../../src/refinement/simulation/simulated-system.js';
import type { Packet } from '../../../src/spec/packet.js';
import { isWrite } from '../client/requests.js';
import type { Command } from '../commands.js';
import { type KvMessage, type Message, type Session, wireMax } from '../messages.js';
import type { MachineParts } from './client.js';

/** What it does in a run, at most: each write may be executed without anybody knowing, which costs the checks of what clients saw. */
const requestsMax = 40;
const writesMax = 4;
const sessionsMax = 3;

/**
 * Opens sessions, then sends what no client should: a seqno for two requests, floors that pass what is outstanding or go back, seqnos
 * outside the window, ordered requests among others, and later ones where an earlier one was given up. Nobody waits for what it is answered.
 */
export class Misuser implements ClientProgram<KvMessage> {
  readonly #parts: MachineParts;
  readonly #window: number;
  readonly #sessions: Session[] = [];
  #left = requestsMax;
  /** The writes that it may have had executed. */
  readonly #writes: Message<'request'>[] = [];

  /** `window`: the cluster's `sessionWindowMax`. */
  constructor(parts: MachineParts, window: number) {
    this.#parts = parts;
    this.#window = window;
  }

  start(io: ClientIo<KvMessage>): void {
    const act = (): void => {
      if (this.#left-- <= 0) return;
      const message = this.#next(io);
      // Two owners may come to hear of one request.
      for (const host of this.#parts.hosts) if (io.random.chance(0.7)) io.send(host, message);
      io.after(io.random.between(1, 60), act);
    };
    io.after(io.random.between(0, 60), act);
  }

  receive({ message }: Packet<KvMessage>): void {
    if (message.tag === 'opened' && this.#sessions.length < sessionsMax) this.#sessions.push(message.session);
  }

  #next(io: ClientIo<KvMessage>): KvMessage {
    const { random } = io;
    if (this.#sessions.length === 0 || random.chance(0.1)) {
      return { tag: 'open', nonce: random.int(0, wireMax.nonce) };
    }
    const known = this.#writes.length > 0 && random.chance(0.4) ? random.pick(this.#writes) : undefined;
    // Again, with another floor, or as if it had been ordered.
    if (known !== undefined)
      return { ...known, floor: this.#floorFor(known.seqno, random), ordered: random.chance(0.3) };
    const command = this.#parts.nextCommand(random);
    const request = this.#request(command, random);
    if (!isWrite(command)) return request;
    if (this.#writes.length >= writesMax) return { ...request, command: { tag: 'get', key: command.key } };
    this.#writes.push(request);
    this.#parts.history.mayAsk({ source: io.me, target: io.me, message: request }, io.nowMs());
    return request;
  }

  #request(command: Command, random: Random): Message<'request'> {
    const seqno = random.pick([0, 0, 0, 1, 1, 2, 3, this.#window, 2 * this.#window]);
    const [session, floor] = [random.pick(this.#sessions), this.#floorFor(seqno, random)];
    return { tag: 'request', session, seqno, floor, ordered: random.chance(0.4), command };
  }

  #floorFor(seqno: number, random: Random): number {
    return random.pick([0, 0, 0, seqno, seqno, Math.max(0, seqno - 1), seqno + 1]);
  }
}
