/** Replicas of IronRSM's key-value application in this process, on real sockets of the loopback interface, each judged on every step. */
import { freePorts, releasePorts } from '../../src/cli/cluster/free-ports.js';
import { type RunningNode, startNode } from '../../src/host/node.js';
import { wireName } from '../../src/host/wire-name.js';
import { HostJudge } from '../../src/refinement/host-judge.js';
import type { Violation } from '../../src/spec/check.js';
import { type EndPoint, endPoint, portOf } from '../../src/spec/endpoint.js';
import { E } from '../../src/spec/prelude.js';
import type { Configuration } from '../../systems/ironrsm/configuration.js';
import { type ReplicaAction, ReplicaHost } from '../../systems/ironrsm/host.js';
import { ironrsmConstants } from '../../systems/ironrsm/main.js';
import { type RsmMessage, rsmCodec } from '../../systems/ironrsm/messages.js';
import { ironrsmRefinement } from '../../systems/ironrsm/refinement.js';

/** A replica that runs. */
export interface StartedReplica {
  readonly host: ReplicaHost;
  readonly node: RunningNode<RsmMessage, ReplicaAction>;
}

/** The name of their cluster. */
export const clusterName = 'test';

const startReplica = async (
  constants: Configuration,
  me: EndPoint,
  violations: Violation[],
): Promise<StartedReplica> => {
  const host = new ReplicaHost(constants, me);
  const judge = new HostJudge(ironrsmRefinement, constants, me);
  judge.compareAll(host);
  const node = await startNode({
    host,
    me,
    clusterName: wireName(clusterName, 'ironrsm'),
    codec: rsmCodec,
    datagramBytesMax: 8192,
    inboxMessagesMax: 4096,
    judge: (record) => judge.judge(record, host),
    ghost: true,
    journalStepsMax: 4096,
    journalBytesMax: 1 << 24,
    onViolation: (violation) => violations.push(violation),
  });
  if (E.isLeft(node)) throw new Error(node.left);
  return { host, node: node.right };
};

export class LoopbackReplicas {
  readonly configuration: Configuration;
  readonly violations: Violation[];
  readonly started: readonly StartedReplica[];

  private constructor(configuration: Configuration, started: readonly StartedReplica[], violations: Violation[]) {
    this.configuration = configuration;
    this.started = started;
    this.violations = violations;
  }

  static async start(count: number, parameters: Readonly<Record<string, number>> = {}): Promise<LoopbackReplicas> {
    const ports = await freePorts(count);
    const nodes = ports.map((port, i) => ({ id: `r${i}`, address: endPoint(`127.0.0.1:${port}`) }));
    const constants = ironrsmConstants({ nodes, application: 'kv', parameters });
    if (E.isLeft(constants)) throw new Error(constants.left.join('; '));
    const violations: Violation[] = [];
    const started: StartedReplica[] = [];
    for (const { address } of nodes) started.push(await startReplica(constants.right, address, violations));
    return new LoopbackReplicas(constants.right, started, violations);
  }

  /** The replica that leads. */
  leader(): StartedReplica {
    const leading = this.started.find(({ host }) => host.proposer.leading());
    if (leading === undefined) throw new Error('nobody leads');
    return leading;
  }

  async stop(): Promise<void> {
    await Promise.all(this.started.map(({ node }) => node.close()));
    releasePorts(this.configuration.replicas.map(portOf));
  }
}
