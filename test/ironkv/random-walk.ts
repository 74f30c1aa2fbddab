/** A cluster of protocol states over a set of packets, driven by a seeded source of choices, with everything judged. */
import { ClusterJudge } from '../../src/refinement/cluster-judge.js';
import { Random } from '../../src/refinement/random.js';
import { type EndPoint, endPoint } from '../../src/spec/endpoint.js';
import type { Packet } from '../../src/spec/packet.js';
import { E, O } from '../../src/spec/prelude.js';
import type { Command } from '../../systems/ironkv/commands.js';
import { type Configuration, defaultParameters, type Parameters } from '../../systems/ironkv/configuration.js';
import type { KvCluster, KvHistory } from '../../systems/ironkv/history.js';
import { clientKinds, type KvMessage, kvCodec, type Observed, type Session } from '../../systems/ironkv/messages.js';
import { type HostState, ironkvProtocol, type KvStep, ownerOf } from '../../systems/ironkv/protocol.js';
import { ironkvCluster } from '../../systems/ironkv/refinement/cluster.js';
import type { ExecuteRequest, KvSpec } from '../../systems/ironkv/spec.js';

const keys = ['', 'a', 'ab', 'b', 'c\xff', 'd', 'e'];
const administrator = endPoint('10.0.1.1:9000');

const drawParameters = (random: Random): Parameters => ({
  ...defaultParameters,
  keyBytesMax: 8,
  valueBytesMax: 32,
  sessionWindowMax: random.pick([1, 2, 4]),
  sessionsMax: random.pick([1, 3, 8]),
  sessionsAnnounced: random.pick([1, 2, 5, 64]),
  sessionsPerMessageMax: random.pick([1, 2, 16]),
  delegateBytesMax: random.pick([1, 40, 4000]),
  delegateKeysMax: random.pick([1, 2, 16]),
  deliveriesMax: random.pick([1, 2, 8]),
  deliveryBytesMax: random.pick([1, 60, 4000]),
  deliveryBytesPerMs: random.pick([1, 8, 4000]),
  movesMax: random.pick([1, 2, 8]),
  resendMs: 5,
  resendMsMax: 20,
  resendMax: random.pick([1, 4]),
  rangesPerStatusMax: random.pick([1, 2, 16]),
});

const drawCommand = (random: Random): Command => {
  const key = Buffer.from(random.pick(keys), 'latin1');
  const value = Buffer.from(String(random.int(0, 3)).repeat(random.int(0, 12)));
  switch (random.int(0, 7)) {
    case 0:
      return { tag: 'get', key };
    case 1:
      return { tag: 'length', key };
    case 2:
      return { tag: 'delete', key };
    case 3:
      return { tag: 'append', key, value };
    case 4:
      return { tag: 'compareAndSet', key, old: random.chance(0.5) ? null : value, value };
    case 5:
      return { tag: 'set', key, value, when: random.pick(['always', 'absent', 'present']) };
    default:
      return { tag: 'increment', key, by: random.int(-2, 5) };
  }
};

/** A session that nobody opened, or somebody else did. */
const invented = (random: Random): Session => ({
  number: 256 * random.int(0, 90) + random.int(0, 3),
  nonce: random.int(0, 9),
});

interface Client {
  readonly me: EndPoint;
  session: Session | undefined;
  seqno: number;
  floor: number;
  readonly ordered: boolean;
}

/** What a walk did, for tests of vacuity. */
export interface Walked {
  readonly transitions: number;
  readonly executed: number;
  readonly counts: Readonly<Record<string, number>>;
}

/** Judges every step of a random behavior; throws on the first violation. */
export class RandomWalk {
  readonly #random: Random;
  readonly #configuration: Configuration;
  readonly #judge: ClusterJudge<Configuration, HostState, KvMessage, KvStep, KvHistory, KvSpec, ExecuteRequest>;
  readonly #states = new Map<EndPoint, HostState>();
  readonly #sent: Packet<KvMessage>[] = [];
  readonly #clients: Client[];
  readonly #counts: Record<string, number> = {};
  #now = 0;
  #shardSeqno = 0;
  #transitions = 0;

  constructor(seed: number) {
    const random = new Random(seed);
    this.#random = random;
    const hosts = Array.from({ length: random.int(2, 3) }, (_, i) => endPoint(`10.0.0.${i + 1}:7000`));
    this.#configuration = { hosts, administrators: [administrator], parameters: drawParameters(random) };
    this.#judge = new ClusterJudge(
      ironkvCluster(this.#configuration),
      ironkvProtocol,
      this.#configuration,
      hosts,
      kvCodec.encode,
    );
    for (const host of hosts) this.#states.set(host, ironkvProtocol.init(this.#configuration, host));
    this.#clients = Array.from({ length: 4 }, (_, i) => ({
      me: endPoint(`10.0.2.${i + 1}:9000`),
      session: undefined,
      seqno: 0,
      floor: 0,
      ordered: i === 0,
    }));
  }

  /** The cluster as it is now. */
  get cluster(): KvCluster {
    return this.#judge.cluster;
  }

  run(steps: number): Walked {
    for (let i = 0; i < steps; i++) {
      this.#now += this.#random.int(0, 3);
      if (this.#random.chance(0.35)) this.#clientActs();
      else this.#hostActs();
      if (i % 100 === 99) this.#demand(this.#judge.full());
    }
    this.#demand(this.#judge.full());
    return { transitions: this.#transitions, executed: this.#judge.specSteps, counts: this.#counts };
  }

  #demand(check: E.Either<unknown, void>): void {
    if (E.isLeft(check)) throw new Error(JSON.stringify(check.left));
  }

  #fromOutside(source: EndPoint, message: KvMessage, target = this.#random.pick(this.#configuration.hosts)): void {
    const packet = { source, target, message };
    this.#demand(this.#judge.environmentSends(packet));
    this.#sent.push(packet);
  }

  #clientActs(): void {
    const random = this.#random;
    if (random.chance(0.2)) this.#shard();
    else if (random.chance(0.05)) {
      const from = Buffer.from(random.pick(keys), 'latin1');
      this.#fromOutside(administrator, { tag: 'statusRequest', nonce: random.int(0, 9), from });
    } else this.#ask(random.pick(this.#clients));
  }

  #ask(client: Client): void {
    const random = this.#random;
    const session = random.chance(0.03) ? invented(random) : client.session;
    if (session === undefined || random.chance(0.05)) {
      this.#fromOutside(client.me, { tag: 'open', nonce: random.int(0, 0xffff) });
      return;
    }
    const { sessionWindowMax } = this.#configuration.parameters;
    if (client.seqno >= client.floor + sessionWindowMax || random.chance(0.3)) client.floor = client.seqno;
    const request = { session, seqno: client.seqno++, floor: client.floor, ordered: client.ordered };
    this.#fromOutside(client.me, { tag: 'request', ...request, command: drawCommand(random) });
  }

  #shard(): void {
    const random = this.#random;
    const [a, b] = [random.pick(keys), random.pick(keys)];
    const hi = random.chance(0.2) ? null : Buffer.from(a < b ? b : a, 'latin1');
    const lo = Buffer.from(a < b ? a : b, 'latin1');
    if (random.chance(0.8)) this.#shardSeqno++;
    const recipient = random.chance(0.05) ? administrator : random.pick(this.#configuration.hosts);
    const message: KvMessage = { tag: 'shard', seqno: this.#shardSeqno, lo, hi, recipient };
    // Usually at the owner, or hardly any would be accepted.
    const owner = this.#configuration.hosts.find((host, i) => {
      const state = this.#states.get(host) as HostState;
      return ownerOf(state.map, lo.toString('latin1')) === i;
    });
    this.#fromOutside(administrator, message, random.chance(0.8) ? owner : undefined);
  }

  #hostActs(): void {
    const random = this.#random;
    const host = random.pick(this.#configuration.hosts);
    const state = this.#states.get(host) as HostState;
    const step = this.#drawStep(host, state);
    if (step === undefined) return;
    const next = ironkvProtocol.step(state, step);
    if (O.isNone(next)) return;
    const { state: after, sends } = next.value;
    this.#states.set(host, after);
    this.#transitions++;
    this.#count(state, after, step);
    this.#demand(this.#judge.observe({ host, before: state, step, after, sends }));
    for (const packet of sends) {
      this.#count(undefined, after, packet.message);
      if (this.#configuration.hosts.includes(packet.target)) this.#sent.push(packet);
      else this.#answer(packet);
    }
  }

  #drawStep(host: EndPoint, state: HostState): KvStep | undefined {
    const random = this.#random;
    const timeMs = this.#now;
    if (random.chance(0.25) || this.#sent.length === 0) {
      const move = random.int(0, Math.max(0, state.moves.length - 1));
      const peer = random.int(0, this.#configuration.hosts.length - 1);
      return random.pick<KvStep>([
        { tag: 'delegate', move, timeMs },
        { tag: 'delegate', move, timeMs },
        { tag: 'inform', move, timeMs },
        { tag: 'resend', peer, timeMs },
        { tag: 'announce', peer, timeMs },
        { tag: 'expire' },
      ]);
    }
    // Recent packets, or any packet ever sent, again.
    const from = random.chance(0.9) ? Math.max(0, this.#sent.length - 12) : 0;
    const packet = this.#sent[random.int(from, this.#sent.length - 1)];
    if (packet === undefined || packet.target !== host) return undefined;
    return { tag: 'process', packet, observed: this.#observed(state, packet.message) };
  }

  #observed(state: HostState, m: KvMessage): Observed | null {
    if (m.tag !== 'statusRequest') return null;
    const counts = {
      strangers: 1,
      delegatesRefused: 6,
      shardsRefused: 2,
      requestsRefused: 3,
      requestsRedirected: 4,
      requestsUnannounced: 5,
    };
    for (let n = 0; ; n++) {
      const loads = Array.from({ length: n }, () => ({ requests: n, keys: 0, bytes: 0, cuts: [] }));
      const observed = { loads, counters: counts };
      const packet = { source: administrator, target: state.constants.me, message: m };
      if (n > 20 || O.isSome(ironkvProtocol.step(state, { tag: 'process', packet, observed }))) return observed;
    }
  }

  #answer({ target, message: m }: Packet<KvMessage>): void {
    const client = this.#clients.find(({ me }) => me === target);
    if (client === undefined) return;
    if (m.tag === 'opened' || (m.tag === 'refused' && m.reason === 'SESSION_EXPIRED')) {
      client.session = m.tag === 'opened' ? m.session : undefined;
      client.seqno = 0;
      client.floor = 0;
    }
    if (m.tag === 'redirect') {
      const again = this.#sent.findLast(({ message: r }) => r.tag === 'request' && r.seqno === m.seqno);
      if (again !== undefined) this.#fromOutside(client.me, again.message, this.#configuration.hosts[m.host]);
    }
  }

  #count(before: HostState | undefined, after: HostState, what: { readonly tag: string }): void {
    const name = before === undefined && clientKinds.some((kind) => kind === what.tag) ? 'forged' : what.tag;
    const reason = 'reason' in what ? ` ${String(what.reason)}` : 'verdict' in what ? ` ${String(what.verdict)}` : '';
    this.#counts[name + reason] = (this.#counts[name + reason] ?? 0) + 1;
    if (before !== undefined && after.moves.length < before.moves.length)
      this.#counts['move completed'] = (this.#counts['move completed'] ?? 0) + 1;
  }
}
