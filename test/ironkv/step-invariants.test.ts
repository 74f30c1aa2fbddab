/** What each node judges of its own steps: nothing that a host knows goes back. */
import { expect, test } from 'vitest';
import { endPoint } from '../../src/spec/endpoint.js';
import { E } from '../../src/spec/prelude.js';
import { kvConfiguration } from '../../systems/ironkv/configuration.js';
import { type HostState, initHost, type Peer } from '../../systems/ironkv/protocol.js';
import { ironkvRefinement } from '../../systems/ironkv/refinement.js';

const hosts = ['10.0.0.1:7000', '10.0.0.2:7000'].map(endPoint);

const state = (): HostState => {
  const made = kvConfiguration(hosts);
  if (E.isLeft(made)) throw new Error(made.left.join());
  return initHost(made.right, hosts[0] as (typeof hosts)[number]);
};

const withPeer = (s: HostState, change: Partial<Peer>): HostState => ({
  ...s,
  peers: s.peers.set(1, { ...(s.peers.get(1) as Peer), ...change }),
});

const isHeld = (before: HostState, after: HostState): boolean =>
  ironkvRefinement.stepInvariants.every(({ check }) => E.isRight(check(before, after)));

const high = { received: 5, sent: 5, acked: 5, told: 5, announced: 5000, warned: 5 };

test.each(Object.keys(high))('a step in which %s of a peer goes back is reported', (name) => {
  const before = withPeer(state(), high);
  const back = withPeer(before, { [name]: high[name as keyof typeof high] - 1 });
  expect(isHeld(before, withPeer(before, { [name]: 10_000 }))).toBe(true);
  expect(isHeld(before, back)).toBe(false);
});

test.each(['horizons', 'bounds'] as const)('a step in which one of the %s goes back is reported', (name) => {
  const before = { ...state(), horizons: [7, 7], bounds: [7, 7] };
  expect(isHeld(before, { ...before, [name]: [7, 8] })).toBe(true);
  expect(isHeld(before, { ...before, [name]: [8, 6] })).toBe(false);
});
