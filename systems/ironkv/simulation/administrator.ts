/** An administrator of IronKV under simulation: moves ranges as long as the run lasts (README.md, "An administrator"). */
import type { Random } from '../../../src/refinement/random.js';
import type { ClientIo, ClientProgram } from '../../../src/refinement/simulation/simulated-system.js';
import type { EndPoint } from '../../../src/spec/endpoint.js';
import type { Packet } from '../../../src/spec/packet.js';
import { bytesOfKey, textOfKey } from '../commands.js';
import type { KvMessage, Message } from '../messages.js';

/** How an administrator behaves. */
export interface AdministratorHabits {
  readonly bind: EndPoint;
  readonly hosts: readonly EndPoint[];
  /** Where it cuts, ascending. */
  readonly bounds: readonly string[];
  /** The time between two orders, at most. */
  readonly pauseMsMax: number;
  /** Tries after which it goes on with another order. */
  readonly triesMax: number;
}

interface Owned {
  readonly lo: string;
  readonly hi: string | null;
  readonly host: EndPoint;
}

interface Order {
  readonly target: EndPoint;
  readonly message: Message<'shard'>;
  tries: number;
}

/** Orders that make no sense, as a part of all. */
const senselessShare = 0.1;

export class SimulatedAdministrator implements ClientProgram<KvMessage> {
  readonly #habits: AdministratorHabits;
  #io: ClientIo<KvMessage> | undefined;
  #owned: Owned[] = [];
  #order: Order | undefined;
  #seqno = 0;
  #resting = false;

  constructor(habits: AdministratorHabits) {
    this.#habits = habits;
  }

  get bind(): EndPoint {
    return this.#habits.bind;
  }

  start(io: ClientIo<KvMessage>): void {
    this.#io = io;
    io.after(io.random.between(0, this.#habits.pauseMsMax), () => this.#look(io));
  }

  /** No more orders after the one under way, which is not given up. */
  comeToRest(): void {
    this.#resting = true;
  }

  get rests(): boolean {
    return this.#resting && this.#order === undefined;
  }

  /** In words, for evidence. */
  toString(): string {
    const { target, message } = this.#order ?? {};
    return `administrator ${this.#io?.me} with its order ${message?.seqno} to ${target} not done`;
  }

  receive({ source, message: m }: Packet<KvMessage>): void {
    const io = this.#io;
    if (io === undefined) return;
    if (m.tag === 'status') this.#learn(source, m);
    if (m.tag !== 'shardReply' || m.verdict === 'moving') return;
    if (this.#order?.message.seqno !== m.seqno || this.#order.target !== source) return;
    this.#order = undefined;
    io.after(io.random.between(0, this.#habits.pauseMsMax), () => this.#look(io));
  }

  #learn(host: EndPoint, { ranges }: Message<'status'>): void {
    const mine = ranges.filter(({ load }) => load !== null);
    const owned = mine.map(({ lo, hi }) => ({ lo: textOfKey(lo), hi: hi === null ? null : textOfKey(hi), host }));
    this.#owned = [...this.#owned.filter((o) => o.host !== host), ...owned];
  }

  /** Asks everyone who owns what, then orders a move. */
  #look(io: ClientIo<KvMessage>): void {
    if (this.#resting || this.#order !== undefined) return;
    const from = bytesOfKey(io.random.chance(0.8) ? '' : io.random.pick(this.#habits.bounds));
    for (const host of this.#habits.hosts) io.send(host, { tag: 'statusRequest', nonce: this.#seqno, from });
    io.after(io.random.between(5, 20), () => this.#give(io));
  }

  #give(io: ClientIo<KvMessage>): void {
    if (this.#resting || this.#order !== undefined) return;
    const drawn = io.random.chance(senselessShare) ? this.#senseless(io.random) : this.#sensible(io.random);
    if (drawn === undefined) {
      io.after(io.random.between(20, 60), () => this.#look(io));
      return;
    }
    this.#order = drawn;
    this.#try(io, drawn);
  }

  #orderOf(target: EndPoint, lo: string, hi: string | null, recipient: EndPoint): Order {
    this.#seqno++;
    const bounds = { lo: bytesOfKey(lo), hi: hi === null ? null : bytesOfKey(hi) };
    return { target, message: { tag: 'shard', seqno: this.#seqno, ...bounds, recipient }, tries: 0 };
  }

  #sensible(random: Random): Order | undefined {
    if (this.#owned.length === 0) return undefined;
    const range = random.pick(this.#owned);
    const inside = this.#habits.bounds.filter((b) => b > range.lo && (range.hi === null || b < range.hi));
    const lo = inside.length > 0 && random.chance(0.6) ? random.pick(inside) : range.lo;
    const above = inside.filter((b) => b > lo);
    const hi = above.length > 0 && random.chance(0.6) ? random.pick(above) : range.hi;
    const others = this.#habits.hosts.filter((h) => h !== range.host);
    return others.length === 0 ? undefined : this.#orderOf(range.host, lo, hi, random.pick(others));
  }

  #senseless(random: Random): Order {
    const { hosts, bounds, bind } = this.#habits;
    const hi = random.chance(0.3) ? null : random.pick(bounds);
    return this.#orderOf(random.pick(hosts), random.pick(bounds), hi, random.pick([...hosts, bind]));
  }

  #try(io: ClientIo<KvMessage>, order: Order): void {
    if (this.#order !== order) return;
    order.tries++;
    if (!this.#resting && order.tries > this.#habits.triesMax) {
      this.#order = undefined;
      this.#look(io);
      return;
    }
    io.send(order.target, order.message);
    io.after(io.random.between(20, 80), () => this.#try(io, order));
  }
}
