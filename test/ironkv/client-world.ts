/** Clients of IronKV as state machines, with real hosts, on a network of which a test chooses what it does. */
import { Random } from '../../src/refinement/random.js';
import type { EndPoint } from '../../src/spec/endpoint.js';
import type { Packet } from '../../src/spec/packet.js';
import { ClientCore, type ClientCoreOptions, type Settlement } from '../../systems/ironkv/client.js';
import type { Command } from '../../systems/ironkv/commands.js';
import type { KvMessage } from '../../systems/ironkv/messages.js';
import { administrator, bytes, clientAt, HostCluster, hostAt, overTheWire, textOf } from './host-cluster.js';

export interface Faults {
  readonly lost: number;
  readonly repeated: number;
  readonly delayMsMax: number;
}

/** Hosts and clients under one virtual clock. */
export class World {
  readonly hosts: HostCluster;
  readonly clients: Client[] = [];
  readonly random: Random;
  faults: Faults;
  /** What is lost besides. */
  isLost: (packet: Packet<KvMessage>) => boolean = () => false;
  readonly #underWay: { readonly atMs: number; readonly packet: Packet<KvMessage> }[] = [];
  #orders = 0;

  constructor(seed: number, faults: Faults, hosts = 3, parameters: Readonly<Record<string, number>> = {}) {
    this.hosts = new HostCluster(hosts, { delegateKeysMax: 1, ...parameters });
    this.random = new Random(seed);
    this.faults = faults;
  }

  get nowMs(): number {
    return this.hosts.nowMs;
  }

  client(options: Partial<ClientCoreOptions> = {}): Client {
    const client = new Client(this, this.clients.length, options);
    this.clients.push(client);
    return client;
  }

  carry(packet: Packet<KvMessage>): void {
    if (this.isLost(packet)) return;
    const copies = this.random.chance(this.faults.lost) ? 0 : this.random.chance(this.faults.repeated) ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      const atMs = this.nowMs + 1 + this.random.int(0, this.faults.delayMsMax - 1);
      this.#underWay.push({ atMs, packet });
    }
  }

  /** Orders a move; a refusal is no matter. */
  shard(lo: string, hi: string | null, from: number, to: number): void {
    this.hosts.put(from, administrator, {
      ...{ tag: 'shard', seqno: ++this.#orders, recipient: hostAt(to) },
      ...{ lo: bytes(lo), hi: hi === null ? null : bytes(hi) },
    });
  }

  /** One millisecond. */
  tick(): void {
    this.hosts.nowMs++;
    const due = this.#underWay.filter(({ atMs }) => atMs <= this.nowMs);
    for (const arrived of due) {
      this.#underWay.splice(this.#underWay.indexOf(arrived), 1);
      const client = this.clients.find(({ me }) => me === arrived.packet.target);
      if (client !== undefined) client.core.onPacket(arrived.packet.source, arrived.packet.message, this.nowMs);
      else if (this.hosts.hosts.some((_, i) => hostAt(i) === arrived.packet.target)) this.hosts.deliver(arrived.packet);
    }
    for (const [i, host] of this.hosts.hosts.entries()) {
      if ((this.hosts.inboxes[i]?.length ?? 0) > 0 || host.wakeAtMs() <= this.nowMs) this.hosts.step(i);
    }
    for (const packet of [...this.hosts.underWay.splice(0), ...this.hosts.answers.splice(0)]) {
      const beside = this.clients.find(({ me, besideAt }) => me === packet.target && besideAt === packet.source);
      if (beside === undefined) this.carry(packet);
      else beside.core.onPacket(packet.source, packet.message, this.nowMs);
    }
    for (const { core } of this.clients) if (core.wakeAtMs <= this.nowMs) core.onTime(this.nowMs);
  }

  pass(ms: number): void {
    for (let i = 0; i < ms; i++) this.tick();
  }

  /** Goes on until no client waits for anything. */
  run(eachMs: () => void = () => undefined): void {
    for (let ms = 0; this.clients.some(({ core }) => core.busy); ms++) {
      if (ms > 300_000) throw new Error('a client is not answered');
      eachMs();
      this.tick();
    }
  }
}

export class Client {
  readonly me: EndPoint;
  /** The host in whose process it is, to and from which nothing is lost. */
  readonly besideAt: EndPoint | undefined;
  readonly core: ClientCore;
  readonly sent: { readonly host: number; readonly message: KvMessage }[] = [];
  readonly settled: { readonly id: number; readonly settlement: Settlement }[] = [];
  readonly #world: World;

  constructor(world: World, index: number, options: Partial<ClientCoreOptions>) {
    this.#world = world;
    this.me = clientAt(index);
    const { reliableHost } = options;
    this.besideAt = reliableHost === undefined ? undefined : hostAt(reliableHost);
    this.core = new ClientCore(
      {
        ...{ hosts: world.hosts.configuration.hosts, ordered: false, window: 16, renewMs: 60_000 },
        ...{ retryMs: 20, retryMsMax: 200 },
        random: () => world.random.next(),
        nonce: () => world.random.int(0, 2 ** 31),
        ...options,
      },
      {
        send: (host, message) => {
          this.sent.push({ host, message });
          if (host === reliableHost) world.hosts.put(host, this.me, message);
          else world.carry({ source: this.me, target: hostAt(host), message: overTheWire(message) });
          return true;
        },
        settled: (id, settlement) => this.settled.push({ id, settlement }),
      },
    );
  }

  ask(command: Command, timeoutMs = Infinity): number {
    return this.core.request(this.#world.nowMs, command, timeoutMs);
  }

  /** What the request `id` came to, in short. */
  told(id: number): string | undefined {
    const settlement = this.settled.find((s) => s.id === id)?.settlement;
    if (settlement === undefined) return undefined;
    if (settlement.tag === 'failed') return settlement.error.tag;
    const { outcome } = settlement;
    if (outcome.tag === 'value') return outcome.value === null ? 'null' : textOf(outcome.value);
    return String(outcome.tag === 'number' ? outcome.number : outcome.tag === 'done' ? outcome.done : outcome.tag);
  }
}

export const bad: Faults = { lost: 0.15, repeated: 0.15, delayMsMax: 30 };
export const good: Faults = { lost: 0, repeated: 0, delayMsMax: 2 };
export const increment = (key: string): Command => ({ tag: 'increment', key: bytes(key), by: 1 });
