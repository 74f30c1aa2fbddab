/** A client of IronKV that breaks the rules: it invents sessions, to let those of others expire (README.md, "A client that breaks the rules"). */
import type { Random } from '../../../src/refinement/random.js';
import type { ClientIo, ClientProgram } from '../../../src/refinement/simulation/simulated-system.js';
import type { EndPoint } from '../../../src/spec/endpoint.js';
import type { Packet } from '../../../src/spec/packet.js';
import { bytesOfKey, type Command } from '../commands.js';
import type { Parameters } from '../configuration.js';
import { hostsMax, type KvMessage, type Message, opensMax, wireMax } from '../messages.js';

/** How it behaves. */
export interface MisuserHabits {
  readonly hosts: readonly EndPoint[];
  /** Keys that it reads in order; writes go to one of its own, so that no client's history depends on them. */
  readonly keys: readonly string[];
  readonly parameters: Pick<Parameters, 'sessionsMax' | 'sessionsAnnounced'>;
  /** The time between two bursts, at most. */
  readonly pauseMsMax: number;
  /** Bursts, at most: each may leave clients with writes of which they never learn, and too many such leave the history's check no end. */
  readonly burstsMax: number;
}

/** No client's key, and short enough for every cluster. */
const ownKey = 'misuse';

/** Sessions of a burst, at most; a host that remembers more is not filled by one. */
const burstMax = 70;

export class SimulatedMisuser implements ClientProgram<KvMessage> {
  readonly #habits: MisuserHabits;
  readonly #sent = new Map<string, Message<'request'>>();
  /** By opener: the highest count that it was seen to give out. */
  readonly #seen: number[];
  #io: ClientIo<KvMessage> | undefined;
  #resting = false;
  #bursts = 0;

  constructor(habits: MisuserHabits) {
    this.#habits = habits;
    this.#seen = habits.hosts.map(() => 0);
  }

  /** Nothing is owed to it. */
  get rests(): boolean {
    return true;
  }

  start(io: ClientIo<KvMessage>): void {
    this.#io = io;
    io.after(io.random.between(0, this.#habits.pauseMsMax), () => this.#act(io));
  }

  /** The end of the attack: from now on others must be answered. */
  comeToRest(): void {
    this.#resting = true;
  }

  receive({ message: m }: Packet<KvMessage>): void {
    if (m.tag === 'opened') {
      const [opener, count] = [m.session.number % hostsMax, Math.floor(m.session.number / hostsMax)];
      this.#seen[opener] = Math.max(this.#seen[opener] ?? 0, count);
    }
    if (m.tag !== 'redirect' || this.#resting) return;
    // Once: a range on its way would send it around.
    const name = `${m.session.number}.${m.session.nonce}`;
    const request = this.#sent.get(name);
    const host = this.#habits.hosts[m.host];
    if (request === undefined || host === undefined) return;
    this.#sent.delete(name);
    this.#io?.send(host, request);
  }

  #act(io: ClientIo<KvMessage>): void {
    const { hosts, pauseMsMax, burstsMax } = this.#habits;
    if (this.#resting || this.#bursts >= burstsMax) return;
    if (io.random.chance(0.3)) io.send(io.random.pick(hosts), { tag: 'open', nonce: io.random.int(0, wireMax.nonce) });
    else this.#burst(io);
    io.after(io.random.between(1, pauseMsMax), () => this.#act(io));
  }

  /** So many sessions of one opener that a host which took them must let some expire. */
  #burst(io: ClientIo<KvMessage>): void {
    this.#bursts++;
    const { random } = io;
    const { hosts, keys, parameters } = this.#habits;
    const opener = random.int(0, hosts.length - 1);
    const number = this.#invent(random, opener) * hostsMax + opener;
    const target = random.pick(hosts);
    const count = random.chance(0.5) ? 1 : Math.min(parameters.sessionsMax + 1, burstMax);
    this.#sent.clear();
    for (let i = 0; i < count; i++) {
      const session = { number, nonce: random.int(0, wireMax.nonce) };
      const [ordered, command] = this.#draw(random, keys);
      const request: KvMessage = { tag: 'request', session, seqno: 0, floor: 0, ordered, command };
      this.#sent.set(`${session.number}.${session.nonce}`, request);
      io.send(target, request);
    }
  }

  /** A count: likely announced, just not, or the last ones of all. */
  #invent(random: Random, opener: number): number {
    const { sessionsAnnounced } = this.#habits.parameters;
    const seen = this.#seen[opener] ?? 0;
    switch (random.int(0, 3)) {
      case 0:
        return opensMax - random.int(1, 3);
      case 1:
        return sessionsAnnounced - 1;
      default:
        return seen + random.int(0, sessionsAnnounced);
    }
  }

  #draw(random: Random, keys: readonly string[]): readonly [ordered: boolean, Command] {
    const key = bytesOfKey(ownKey);
    if (random.chance(0.7)) return [true, { tag: 'get', key: bytesOfKey(random.pick(keys)) }];
    return [random.chance(0.5), { tag: 'set', key, value: bytesOfKey('x'), when: 'always' }];
  }
}
