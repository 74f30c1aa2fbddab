import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ClusterConfig } from '../../src/cli/config.js';
import { entryOf, InitViolation, type RefusedStep, type ServedNode } from '../../src/cli/systems/entry.js';
import { violationWords } from '../../src/cli/violation-words.js';
import { endPoint } from '../../src/spec/endpoint.js';
import { E } from '../../src/spec/prelude.js';
import { RsmClient } from '../../systems/ironrsm/client.js';
import { ironrsm } from '../../systems/ironrsm/main.js';
import { Bench } from './command-line.js';

let bench: Bench;
let node: ServedNode | undefined;
beforeEach(() => {
  bench = new Bench();
  node = undefined;
});
afterEach(async () => {
  await node?.close();
  await bench.clean();
});

const configAt = (port: number, parameters: ClusterConfig['parameters'] = {}): ClusterConfig => ({
  cluster: 'test',
  system: 'ironrsm',
  application: 'counter',
  nodes: [{ id: 'a', address: endPoint(`127.0.0.1:${port}`) }],
  parameters,
  network: { datagramBytesMax: 8192, inboxMessagesMax: 1024 },
});

/** IronRSM with an application that cannot bear one operation. */
const brittle: typeof ironrsm = {
  ...ironrsm,
  constants: (cluster) => {
    const constants = ironrsm.constants(cluster);
    if (E.isLeft(constants)) return constants;
    const { app } = constants.right;
    const apply: typeof app.apply = (state, operation) => {
      if (operation.length === 4) throw new Error('cannot bear four bytes');
      return app.apply(state, operation);
    };
    return E.right({ ...constants.right, app: { ...app, apply } });
  },
};

const extras = {
  shape: { applications: ['counter'], parameters: {} },
  counters: () => ({}),
  status: { request: (nonce: number) => ({ tag: 'statusRequest', nonce }) as const, fieldsIn: () => undefined },
};

describe('a node whose application throws', () => {
  it('stops, says which request it was, and answers nothing', async () => {
    const [port = 0] = await bench.ports(1);
    const config = configAt(port);
    const address = endPoint(`127.0.0.1:${port}`);
    const refusals: RefusedStep[] = [];
    const onRefused = (refused: RefusedStep): void => void refusals.push(refused);
    const served = await entryOf(brittle, extras).serve(config, { me: address, check: 'inline', onRefused });
    if (E.isLeft(served)) throw new Error(served.left);
    node = served.right;
    const client = await RsmClient.open({ cluster: 'test', replicas: [address] });
    if (E.isLeft(client)) throw new Error(client.left);
    expect(E.isRight(await client.right.request(new Uint8Array(3), { timeoutMs: 30_000 }))).toBe(true);
    const answer = await client.right.request(new Uint8Array(4), { timeoutMs: 500 });
    await client.right.close();
    expect(answer).toMatchObject(E.left({ tag: 'Timeout' }));
    await expect.poll(() => refusals.length, { timeout: 30_000 }).toBeGreaterThan(0);
    expect(refusals).toHaveLength(1);
    const [refused] = refusals;
    expect(refused?.violation.code).toBe('HOST_THREW');
    expect(refused && violationWords(refused.violation)).toMatch(
      /application counter failed on request 2 of session 0 of client 127\.0\.0\.1:\d+: cannot bear four bytes/,
    );
    expect(refused?.trace()).toContain('HOST_THREW');
    const { steps, stepsChecked, violations } = node.stats();
    expect({ steps, violations }).toEqual({ steps: stepsChecked + 1, violations: 1 });
  });
});

describe('a request above the limit of the cluster', () => {
  it('is refused by the replicas by name, and does not disturb the next one', async () => {
    const [port = 0] = await bench.ports(1);
    const address = endPoint(`127.0.0.1:${port}`);
    const onRefused = (refused: RefusedStep): void => expect(refused.violation).toBeUndefined();
    const config = configAt(port, { requestBytesMax: 100_000 });
    const served = await entryOf(ironrsm, extras).serve(config, { me: address, check: 'inline', onRefused });
    if (E.isLeft(served)) throw new Error(served.left);
    node = served.right;
    const client = await RsmClient.open({ cluster: 'test', replicas: [address] });
    if (E.isLeft(client)) throw new Error(client.left);
    const large = await client.right.request(new Uint8Array(200_000));
    expect(large).toMatchObject(E.left({ tag: 'TooLarge' }));
    expect(E.isRight(await client.right.request(new Uint8Array(60_000)))).toBe(true);
    // The bound is one on the request, whose one operation has four bytes more.
    const [fits, tooLarge] = [new Uint8Array(99_996), new Uint8Array(99_997)];
    expect(E.isRight(await client.right.request(fits))).toBe(true);
    expect(await client.right.request(tooLarge)).toMatchObject(E.left({ tag: 'TooLarge' }));
    await client.right.close();
    expect(node.stats().violations).toBe(0);
  });
});

describe('a node whose first state is not that of the protocol', () => {
  it('does not start', async () => {
    const [port = 0] = await bench.ports(1);
    const wrong: typeof ironrsm = {
      ...ironrsm,
      createHost: (constants, me) => {
        const host = ironrsm.createHost(constants, me);
        host.acceptor.truncationPoint = 7;
        return host;
      },
    };
    const options = { me: endPoint(`127.0.0.1:${port}`), check: 'inline', onRefused: () => undefined } as const;
    await expect(entryOf(wrong, extras).serve(configAt(port), options)).rejects.toThrow(InitViolation);
  });
});

describe('a violation in words', () => {
  it('names the rule, the code, the component and both values', () => {
    const evidence = { component: 'executor', where: 'opsComplete', host: '4', protocol: '3', stack: 'at …' };
    expect(violationWords({ code: 'STATE_MISMATCH', rule: 'the states agree', evidence })).toBe(
      'the rule "the states agree" is broken (STATE_MISMATCH): in executor at opsComplete the host has 4 and the protocol 3',
    );
  });
});

describe('an internal error', () => {
  it('ends the program with exit code 3', async () => {
    const { code, stderr } = await bench.startWith({ env: { TMPDIR: '/nowhere' } }, ['demo']).ended;
    expect(code).toBe(3);
    expect(stderr).toMatch(/^ironkeel: internal error: Error: ENOENT/);
  });
});
