/** A lock of three nodes for tests, and its random behaviors. */
import fc from 'fast-check';
import { behavior, type Choose } from '../../src/protocol/behavior.js';
import { type NetworkSemantics, networks } from '../../src/protocol/network.js';
import type { ProtocolHost } from '../../src/protocol/protocol.js';
import { packetKeyBy } from '../../src/protocol/system.js';
import { ClusterJudge } from '../../src/refinement/cluster-judge.js';
import { Random } from '../../src/refinement/random.js';
import type { Violation } from '../../src/spec/check.js';
import { type EndPoint, endPoint } from '../../src/spec/endpoint.js';
import type { Packet } from '../../src/spec/packet.js';
import { E } from '../../src/spec/prelude.js';
import { type LockConfiguration, lockConfiguration } from '../../systems/lock/configuration.js';
import { type LockMessage, lockCodec } from '../../systems/lock/messages.js';
import { lockProtocol, lockSteps, type Node, type NodeStep } from '../../systems/lock/protocol.js';
import { lockCluster } from '../../systems/lock/refinement.js';

/** The nodes, in the order of the ring. */
export const [a, b, c] = ['10.0.0.1:7001', '10.0.0.2:7001', '10.0.0.3:7001'].map(endPoint) as [
  EndPoint,
  EndPoint,
  EndPoint,
];
export const nodes: readonly EndPoint[] = [a, b, c];
export const stranger = endPoint('10.0.0.9:9');

const made = lockConfiguration(nodes, { holdMs: 20, resendMs: 10 });
if (E.isLeft(made)) throw new Error(made.left.join());
export const configuration: LockConfiguration = made.right;

export type LockProtocol = ProtocolHost<LockConfiguration, Node, LockMessage, NodeStep>;

/** A packet. */
export const packet = (source: EndPoint, target: EndPoint, message: LockMessage): Packet<LockMessage> => ({
  source,
  target,
  message,
});

/** What clients and strangers send in behaviors: questions, and grants that no node made. */
export const foreignPackets: readonly Packet<LockMessage>[] = [
  packet(stranger, b, { tag: 'statusRequest', nonce: 7 }),
  packet(stranger, c, { tag: 'transfer', epoch: 9 }),
  packet(stranger, a, { tag: 'locked', epoch: 2 }),
];

/** The judge of a cluster that was just started. */
export const newClusterJudge = (protocol: LockProtocol = lockProtocol) =>
  new ClusterJudge(lockCluster(configuration), protocol, configuration, nodes, lockCodec.encode);

/** What a judged behavior came to. */
export interface Outcome {
  readonly violation: Violation | undefined;
  /** How often each kind of step was taken. */
  readonly taken: ReadonlyMap<NodeStep['tag'], number>;
  /** Length of the history of holders. */
  readonly epochs: number;
}

/** Runs a random behavior under the cluster's judge, which also looks at everything from scratch now and then. */
export const judgedBehavior = (
  protocol: LockProtocol,
  network: NetworkSemantics,
  choose: Choose,
  moves: number,
): Outcome => {
  const judge = newClusterJudge(protocol);
  const taken = new Map<NodeStep['tag'], number>();
  const outcome = (violation: Violation | undefined): Outcome => ({
    violation,
    taken,
    epochs: judge.spec.history.length,
  });
  for (const p of foreignPackets) {
    const check = judge.environmentSends(p);
    if (E.isLeft(check)) return outcome(check.left);
  }
  const parts = { protocol, enabledSteps: lockSteps, keyOf: packetKeyBy(lockCodec.encode), constants: configuration };
  const run = behavior(
    { ...parts, hosts: nodes, network, clientPackets: foreignPackets, tickMsMax: 15 },
    choose,
    moves,
  );
  for (const step of run) {
    taken.set(step.step.tag, (taken.get(step.step.tag) ?? 0) + 1);
    const check = judge.observe(step);
    if (E.isLeft(check)) return outcome(check.left);
  }
  const full = judge.full();
  return outcome(E.isLeft(full) ? full.left : undefined);
};

/** Choices that fast-check makes, and can shrink. */
export const choices: fc.Arbitrary<Choose> = fc.gen().map(
  (generate): Choose =>
    (count) =>
      generate(fc.nat, { max: count - 1 }),
);

/** Choices from a seed, for searches that only count what they reach. */
export const seededChoices = (seed: number): Choose => {
  const random = new Random(seed);
  return (count) => random.int(0, count - 1);
};

/** The first violation of a mutant in a few seeded behaviors on each network. */
export const caught = (protocol: LockProtocol): Violation | undefined => {
  for (let seed = 1; seed <= 20; seed++) {
    for (const network of networks) {
      const { violation } = judgedBehavior(protocol, network, seededChoices(seed), 400);
      if (violation !== undefined) return violation;
    }
  }
  return undefined;
};
