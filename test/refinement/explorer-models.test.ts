/** The models that come with the explorer, and protocols as models: the lock, as it is and with bugs. */
import { describe, expect, it } from 'vitest';
import type { ProtocolHost } from '../../src/protocol/protocol.js';
import { explore, leadsTo, protocolModel } from '../../src/refinement/explorer.js';
import { type PaxosState, paxos } from '../../src/refinement/models/paxos.js';
import { endPoint } from '../../src/spec/endpoint.js';
import type { Packet } from '../../src/spec/packet.js';
import { O } from '../../src/spec/prelude.js';
import type { LockConfiguration } from '../../systems/lock/configuration.js';
import { type LockState, lockExploration } from '../../systems/lock/exploration.js';
import { lockInduction, lockLemmas } from '../../systems/lock/induction.js';
import { type LockMessage, lockCodec } from '../../systems/lock/messages.js';
import { lockProtocol, lockSteps, type Node, type NodeStep } from '../../systems/lock/protocol.js';
import { lockCluster } from '../../systems/lock/refinement.js';

describe('paxos', () => {
  // TLC's figures for MCPaxosTiny of tlaplus/Examples: three acceptors, two values, ballots 0 and 1.
  it('has the states that TLC finds', async () => {
    const result = await explore(paxos(3));
    expect(result).toMatchObject({ distinct: 3_921, generated: 23_563, depth: 16, complete: true, found: [] });
    expect(result.collisionProbability).toBeLessThan(1e-11);
  });

  it('has fewer states where acceptors are taken as interchangeable', async () => {
    const full = await explore(paxos(3));
    const result = await explore(paxos(3), { symmetry: true });
    expect(result).toMatchObject({ complete: true, found: [], depth: full.depth });
    expect(result.distinct).toBeLessThan(full.distinct / 4);
  });

  it('chooses two values where a proposer ignores the votes that it hears of', async () => {
    const model = paxos(3);
    const quorum = [0, 1];
    const planted: typeof model = {
      ...model,
      *actions(s: PaxosState) {
        yield* model.actions(s);
        if (s.proposed[1] === null && quorum.every((i) => s.acceptors[i]?.promised[1] !== undefined)) {
          for (const value of ['a', 'b']) yield { tag: 'propose', ballot: 1, value, quorum, highest: null };
        }
      },
    };
    const [found] = (await explore(planted)).found;
    expect(found).toMatchObject({ code: 'INVARIANT', rule: 'at most one value is chosen' });
    // Two starts, four promises, two proposals, four votes.
    expect(found?.trace).toHaveLength(13);
  });
});

type Change = (protocol: typeof lockProtocol.step) => typeof lockProtocol.step;

/** The lock of two nodes up to epoch 4 with another step function. */
const plantedLock = (change: Change) => {
  const nodes = [endPoint('10.0.0.1:7000'), endPoint('10.0.0.2:7000')];
  const protocol: ProtocolHost<LockConfiguration, Node, LockMessage, NodeStep> = {
    ...lockProtocol,
    step: change(lockProtocol.step),
  };
  const constants = { nodes, parameters: { holdMs: 0, resendMs: 0, receiveMax: 1 } };
  return protocolModel({
    name: 'planted lock',
    protocol,
    constants,
    hosts: nodes,
    enabledSteps: lockSteps,
    encode: lockCodec.encode,
    cluster: lockCluster(constants),
    copyHistory: ({ holders }) => ({ holders: [...holders] }),
    within: ({ history }) => history.holders.length <= 4,
    properties: [
      leadsTo(
        'a grant of epoch 2 arrives',
        ({ history }: LockState) => history.holders.length >= 2,
        ({ hosts }: LockState) => [...hosts.values()].some((node) => node.epoch >= 2),
      ),
    ],
  });
};

describe('the lock', () => {
  it.each([
    [2, 6],
    [3, 6],
    [4, 6],
  ])('of %i nodes is safe and goes round, in all states up to epoch %i', async (size, epochs) => {
    const result = await explore(lockExploration(size, epochs));
    expect(result).toMatchObject({ complete: true, found: [], fault: undefined });
    // The last epochs are cut off, so that running out of them is no deadlock.
    expect(result.cut).toBeGreaterThan(0);
    expect(result.actions.filter(({ generated }) => generated > 0).map(({ action }) => action)).toEqual([
      'accept',
      'answerAgain',
      'answerStatus',
      'grant',
      'ignore',
      'resend',
      'settle',
    ]);
  });

  it('has two holders where a node takes a grant of an old epoch, and the trace is a shortest one', async () => {
    const step = plantedLock((next) => (s, taken) => {
      if (taken.tag !== 'accept' || taken.packet.message.tag !== 'transfer') return next(s, taken);
      const { message, target } = taken.packet;
      // The guard on the epoch is gone.
      if (target !== s.place.me || s.role.tag === 'holding' || taken.packet.source !== s.place.previous) return O.none;
      return O.some({ state: { ...s, role: { tag: 'holding', grantAtMs: 0 }, epoch: message.epoch }, sends: [] });
    });
    const { found } = await explore(step);
    expect(found[0]?.code).toMatch(/^(STEP_)?INVARIANT$/);
    // Grant, accept, grant, and the first grant is taken again.
    expect(found[0]?.trace.map(({ action }) => /tag: "(\w+)"/.exec(action ?? '')?.[1])).toEqual([
      undefined,
      'grant',
      'accept',
      'grant',
      'accept',
    ]);
  });

  it('refutes the service where a holder claims an epoch that it never held', async () => {
    const later = (packet: Packet<LockMessage>): Packet<LockMessage> =>
      packet.message.tag === 'locked'
        ? { ...packet, message: { tag: 'locked', epoch: packet.message.epoch + 1 } }
        : packet;
    const step = plantedLock((next) => (s, taken) => {
      const after = next(s, taken);
      return O.isNone(after) ? after : O.some({ ...after.value, sends: after.value.sends.map(later) });
    });
    const { found } = await explore(step);
    expect(found[0]?.code).toMatch(/^(STEP_)?INVARIANT$|LOCKED_UNJUSTIFIED/);
    expect(found[0]?.trace).toHaveLength(3);
  });

  it('does not go on where grants are never taken', async () => {
    const { found } = await explore(
      plantedLock((next) => (s, taken) => (taken.tag === 'accept' ? O.none : next(s, taken))),
    );
    expect(found).toMatchObject([{ code: 'LEADS_TO', rule: 'a grant of epoch 2 arrives' }]);
    expect(found[0]?.trace).toHaveLength(2);
  });

  it('keeps the lemmas of its induction in every reachable state', async () => {
    const model = lockExploration(3, 5);
    expect(await explore({ ...model, properties: lockLemmas })).toMatchObject({ complete: true, found: [] });
  });

  it('has invariants that are inductive with their lemmas', () => {
    for (const [size, epochs] of [
      [2, 4],
      [3, 3],
    ] as const) {
      const result = lockInduction(size, epochs);
      expect(result).toMatchObject({ found: undefined, initiallyFalse: undefined });
      expect(result.drawn).toBeGreaterThan(500);
    }
  });

  it('has invariants that are not inductive without them, and shows the step', () => {
    const { found } = lockInduction(2, 3, false);
    expect(found?.action).toContain('resend');
    expect(found?.invariant).toContain('the epoch of a transfer');
    expect(found?.before).not.toBe(found?.after);
  });
});
