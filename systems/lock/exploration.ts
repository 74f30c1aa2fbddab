/**
 * The lock as a model for the explorer: all states of small rings, for all epochs up to a bound.
 *
 * The reduction: both periods are 0 and the clock always reads 0, so that a holder may grant, and a granter send again, at
 * any moment. It is sound for what is judged here, since time occurs in the protocol only as a guard of these two steps and
 * in the two due times that nothing else reads: set all times of a real behavior to 0, and it is a behavior of the model,
 * with the same epochs, roles and packets. (The model allows more than real time does, never less.) With time gone, to
 * send again changes nothing, as the packet is in the set already.
 */

import { type ExploredCluster, type HostStep, protocolModel } from '../../src/refinement/explorer/protocol-model.js';
import { type ActionModel, leadsTo, noDeadlock, type StateProperty, sometimes } from '../../src/refinement/explorer.js';
import { endPoint } from '../../src/spec/endpoint.js';
import type { LockHistory } from './invariants.js';
import { type LockMessage, lockCodec } from './messages.js';
import { lockProtocol, lockSteps, type Node, type NodeStep } from './protocol.js';
import { lockCluster } from './refinement.js';

export type LockState = ExploredCluster<Node, LockMessage, LockHistory>;

const isHeldIn =
  (epoch: number) =>
  ({ hosts }: LockState): boolean =>
    [...hosts.values()].some((node) => node.role.tag === 'holding' && node.epoch === epoch);

const isGrantedIn =
  (epoch: number) =>
  ({ history }: LockState): boolean =>
    history.holders.length >= epoch;

/** Every grant arrives, if packets that are in the set for ever are delivered in the end. */
const grantsArrive = (epoch: number): StateProperty<LockState> =>
  leadsTo(
    `a grant of epoch ${epoch} leads to a holder in that epoch`,
    isGrantedIn(epoch),
    (s) => isHeldIn(epoch)(s) || isGrantedIn(epoch + 1)(s),
  );

/** A ring of `size` nodes in which the lock is granted up to `epochsMax` times, the first holder included. */
export const lockExploration = (size: number, epochsMax = 2 * size + 1): ActionModel<LockState, HostStep<NodeStep>> => {
  const nodes = Array.from({ length: size }, (_, i) => endPoint(`10.0.0.${i + 1}:7000`));
  const constants = { nodes, parameters: { holdMs: 0, resendMs: 0, receiveMax: 1 } };
  const epochs = Array.from({ length: epochsMax - 1 }, (_, i) => i + 2);
  return protocolModel({
    name: `lock with ${size} nodes up to epoch ${epochsMax}`,
    protocol: lockProtocol,
    constants,
    hosts: nodes,
    enabledSteps: lockSteps,
    encode: lockCodec.encode,
    // Somebody asks the first node how it stands.
    clientPackets: nodes.slice(0, 1).map((target) => ({
      source: endPoint('10.0.1.1:9000'),
      target,
      message: { tag: 'statusRequest', nonce: 0 },
    })),
    cluster: lockCluster(constants),
    showHost: ({ role, epoch }) => ({ role: role.tag, epoch }),
    copyHistory: ({ holders }) => ({ holders: [...holders] }),
    within: ({ history }) => history.holders.length <= epochsMax,
    properties: [
      noDeadlock(),
      sometimes('the lock went round the whole ring', ({ history }) => history.holders.length > size),
      ...epochs.map(grantsArrive),
    ],
  });
};
