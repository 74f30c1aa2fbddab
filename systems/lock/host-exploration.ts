/** Rings of the lock's real host code, for the explorer: every order in which their packets may arrive, each step judged. */
import { type HostedState, hostModel, type Reading } from '../../src/refinement/explorer/host-model.js';
import { always, noDeadlock, type SuccessorModel, sometimes } from '../../src/refinement/explorer.js';
import { endPoint } from '../../src/spec/endpoint.js';
import { lockSystem } from './index.js';
import type { LockMessage } from './messages.js';
import type { Node } from './protocol.js';

type LockReading = Reading<Node, LockMessage>;

/** A ring of `size` nodes up to epoch `epochsMax`; each step takes at most `receiveMax` packets. */
export const lockHosts = (
  size: number,
  epochsMax: number,
  receiveMax = 2,
): SuccessorModel<HostedState<LockMessage>, string> => {
  const nodes = Array.from({ length: size }, (_, i) => endPoint(`10.0.0.${i + 1}:7000`));
  return hostModel({
    name: `host code of a lock with ${size} nodes up to epoch ${epochsMax}`,
    definition: lockSystem,
    constants: { nodes, parameters: { holdMs: 0, resendMs: 0, receiveMax } },
    hosts: nodes,
    receiveMax,
    stepsMax: 1_000,
    within: (hosts) => [...hosts.values()].every(({ epoch }) => epoch <= epochsMax),
    properties: [
      always<LockReading>(
        'at most one node holds the lock',
        ({ hosts }) => [...hosts.values()].filter(({ role }) => role.tag === 'holding').length <= 1,
      ),
      noDeadlock(),
      sometimes<LockReading>('the lock went round the whole ring', ({ hosts }) =>
        [...hosts.values()].some(({ epoch }) => epoch > size),
      ),
    ],
  });
};
