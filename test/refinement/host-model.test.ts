/** Host code under the explorer: what it must notice. */
import { describe, expect, it } from 'vitest';
import { hostModel } from '../../src/refinement/explorer/host-model.js';
import { explore, sometimes } from '../../src/refinement/explorer.js';
import { endPoint } from '../../src/spec/endpoint.js';
import { LockHost } from '../../systems/lock/host.js';
import { lockHosts } from '../../systems/lock/host-exploration.js';
import { lockSystem } from '../../systems/lock/index.js';

const nodes = [1, 2, 3].map((i) => endPoint(`10.0.0.${i}:7000`));

const ringOf = (createHost: typeof lockSystem.createHost) =>
  hostModel({
    name: 'ring',
    definition: { ...lockSystem, createHost },
    constants: { nodes, parameters: { holdMs: 0, resendMs: 0, receiveMax: 2 } },
    hosts: nodes,
    receiveMax: 1,
    stepsMax: 6,
    properties: [sometimes('any', () => true)],
  });

/** It forgets its epoch as it accepts its second grant. */
class ForgetfulNode extends LockHost {
  override next(io: Parameters<LockHost['next']>[0]): void {
    const before = this.epoch;
    super.next(io);
    if (this.epoch > before && before > 0) this.epoch = before;
  }
}

let drawn = 0;

/** Acts at first, and no more when it is executed again. */
class FickleNode extends LockHost {
  readonly #acts = ++drawn < 7;

  override next(io: Parameters<LockHost['next']>[0]): void {
    if (this.#acts) super.next(io);
  }
}

describe('host code under the explorer', () => {
  it.each([2, 3, 4])('of a lock with %i nodes is what the protocol allows, in all orders of delivery', async (size) => {
    const result = await explore(lockHosts(size, 2 * size + 1));
    expect(result.fault).toBeUndefined();
    expect(result.found).toEqual([]);
    expect(result.complete).toBe(true);
    expect(result.reached['the lock went round the whole ring']).toBeGreaterThan(0);
  });

  it('is stopped by its judge at the first step that the protocol does not allow, with a shortest trace', async () => {
    const { found, complete } = await explore(ringOf((configuration, me) => new ForgetfulNode(configuration, me)));
    expect(complete).toBe(false);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({ evidence: { host: nodes[0] } });
    // Each node steps once on the way round, and the first once more.
    expect(found[0]?.trace).toHaveLength(5);
  });

  it('that does not do the same again is told', async () => {
    const { fault, complete } = await explore(ringOf((configuration, me) => new FickleNode(configuration, me)));
    expect(complete).toBe(false);
    expect(fault?.sentence).toMatch(/is not deterministic|cannot be executed again/);
  });
});
