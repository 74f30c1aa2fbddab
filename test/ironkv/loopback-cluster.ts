/** Hosts of IronKV in this process, on real sockets of the loopback interface, each judged on every step. */
import { freePorts, releasePorts } from '../../src/cli/cluster/free-ports.js';
import { startNode } from '../../src/host/node.js';
import { wireName } from '../../src/host/wire-name.js';
import type { NetworkCounters } from '../../src/network/counters.js';
import type { StepEvent } from '../../src/network/step-io.js';
import { HostJudge } from '../../src/refinement/host-judge.js';
import type { Violation } from '../../src/spec/check.js';
import { type EndPoint, endPoint, portOf } from '../../src/spec/endpoint.js';
import { E } from '../../src/spec/prelude.js';
import { Administrator } from '../../systems/ironkv/client/administrator.js';
import { type ClientOptions, KvStoreClient } from '../../systems/ironkv/client.js';
import { type Configuration, kvConfiguration } from '../../systems/ironkv/configuration.js';
import { KvHost } from '../../systems/ironkv/host.js';
import { kvCodec } from '../../systems/ironkv/messages.js';
import { ironkvRefinement } from '../../systems/ironkv/refinement.js';

const cluster = 'test';

/** What the hosts did. */
interface Observed {
  /** Bytes that one step sent, at most. */
  stepBytes: number;
}

const sentBytes = (events: readonly StepEvent[]): number =>
  events.reduce((sum, event) => (event.tag === 'send' ? sum + event.bytes.length : sum), 0);

const startHost = async (constants: Configuration, me: EndPoint, violations: Violation[], observed: Observed) => {
  const host = new KvHost(constants, me);
  const judge = new HostJudge(ironkvRefinement, constants, me);
  judge.compareAll(host);
  const node = await startNode({
    host,
    me,
    clusterName: wireName(cluster, 'ironkv'),
    codec: kvCodec,
    datagramBytesMax: 8192,
    inboxMessagesMax: 4096,
    judge: (record) => {
      observed.stepBytes = Math.max(observed.stepBytes, sentBytes(record.events));
      return judge.judge(record, host);
    },
    ghost: true,
    journalStepsMax: 16,
    journalBytesMax: 1 << 20,
    onViolation: (violation) => violations.push(violation),
  });
  if (E.isLeft(node)) throw new Error(node.left);
  return { host, node: node.right };
};

type Started = Awaited<ReturnType<typeof startHost>>;

export class LoopbackCluster {
  readonly configuration: Configuration;
  readonly violations: Violation[];
  readonly started: readonly Started[];
  readonly observed: Readonly<Observed>;
  readonly #clients: { close(): Promise<unknown> }[] = [];

  private constructor(
    configuration: Configuration,
    started: readonly Started[],
    violations: Violation[],
    observed: Observed,
  ) {
    this.configuration = configuration;
    this.started = started;
    this.violations = violations;
    this.observed = observed;
  }

  static async start(hosts: number, parameters: Readonly<Record<string, number>> = {}): Promise<LoopbackCluster> {
    const ports = await freePorts(hosts + 1);
    const all = ports.map((port) => endPoint(`127.0.0.1:${port}`));
    const configuration = kvConfiguration(all.slice(0, hosts), all.slice(hosts), parameters);
    if (E.isLeft(configuration)) throw new Error(configuration.left.join('; '));
    const violations: Violation[] = [];
    const observed: Observed = { stepBytes: 0 };
    const started: Started[] = [];
    for (const me of configuration.right.hosts) {
      started.push(await startHost(configuration.right, me, violations, observed));
    }
    return new LoopbackCluster(configuration.right, started, violations, observed);
  }

  get options(): ClientOptions {
    return { cluster, hosts: this.configuration.hosts, datagramBytesMax: 8192, retryMs: 40 };
  }

  hostAt(index: number): KvHost {
    return (this.started[index] as Started).host;
  }

  /** What the transport of a host has counted. */
  countersAt(index: number): Readonly<NetworkCounters> {
    return (this.started[index] as Started).node.counters;
  }

  async client(options: Partial<ClientOptions> = {}): Promise<KvStoreClient> {
    const client = await KvStoreClient.open({ ...this.options, ...options });
    if (E.isLeft(client)) throw new Error(client.left);
    this.#clients.push(client.right);
    return client.right;
  }

  async administrator(): Promise<Administrator> {
    const { administrators } = this.configuration;
    const opened = await Administrator.open({ ...this.options, administrators });
    if (E.isLeft(opened)) throw new Error(opened.left);
    this.#clients.push(opened.right);
    return opened.right;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#clients.map((c) => c.close()));
    await Promise.all(this.started.map(({ node }) => node.close()));
    const { hosts, administrators } = this.configuration;
    releasePorts([...hosts, ...administrators].map(portOf));
  }
}
