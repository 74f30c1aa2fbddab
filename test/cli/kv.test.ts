/** IronKV from the command line: three processes, real packets. */

import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type EndPoint, endPoint } from '../../src/spec/endpoint.js';
import { E } from '../../src/spec/prelude.js';
import { KvStoreClient } from '../../systems/ironkv/client.js';
import { Bench, lastJson } from './command-line.js';

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});
afterEach(() => bench.clean());

const kvCluster = async (hosts: number, extra = ''): Promise<string> => {
  const [port] = await bench.ports(1);
  return bench.cluster(hosts, `system: ironkv\nadministrators: ["127.0.0.1:${port}"]\n${extra}`);
};

/** How long answers are waited for: on a machine that is busy with something else, too. */
const patient = ['--timeout', '30000'] as const;

/** The addresses of the nodes in a file. */
const addressesIn = (config: string): readonly EndPoint[] =>
  [...readFileSync(config, 'utf8').matchAll(/address: "([^"]*)"/g)].map((match) => endPoint(match[1] ?? ''));

/** Asks for keys of different hosts, as one client that knows no map: whichever host it starts from redirects a request. */
const askForKeysOf = async (config: string, ...keys: readonly Uint8Array[]): Promise<void> => {
  const opened = await KvStoreClient.open({ cluster: 'test', hosts: addressesIn(config) });
  if (E.isLeft(opened)) throw new Error(opened.left);
  for (const key of keys) expect(E.isRight(await opened.right.get(key, { timeoutMs: 30_000 }))).toBe(true);
  await opened.right.close();
};

describe('a cluster of IronKV', () => {
  it('serves clients while ranges move, and shows where they are', async () => {
    const config = await kvCluster(3);
    const nodes = await Promise.all(['a', 'b', 'c'].map((id) => bench.serve(config, id)));
    const client = async (...words: readonly string[]) => {
      const { code, stdout, stderr } = await bench.run('client', '--config', config, ...patient, ...words);
      return code === 0 ? stdout.trimEnd() : `${code} ${stderr.trimEnd()}`;
    };
    for (const key of ['ant', 'bee', 'cat', 'dog']) expect(await client('set', key, `the ${key}`)).toBe('OK');
    expect(await client('shard', 'b', 'd', 'b')).toBe('done');
    expect(await client('shard', 'cat', '', 'c')).toBe('done');
    for (const key of ['ant', 'bee', 'cat', 'dog']) expect(await client('get', key)).toBe(`the ${key}`);
    expect(await client('incr', 'count')).toBe('1');
    expect(await client('cas', 'bee', 'the bee', '9')).toBe('true');
    expect(await client('cas', '--absent', 'bee', '1')).toBe('false');
    expect(await client('incr', 'bee')).toBe('10');
    expect(await client('del', 'dog')).toBe('true');
    expect(await client('get', 'dog')).toBe('(nil)');
    expect(await client('incr', 'ant')).toMatch(/^2 ironkeel: NOT_AN_INTEGER: /);
    expect(await client('shard', 'x', 'y', 'z')).toMatch(/^2 ironkeel: There is no host "z": use one of a, b, c\.$/);
    expect(await client('shard', 'y', 'x', 'a')).toMatch(/^2 ironkeel: BAD_RANGE: /);

    const status = await bench.run('status', '--config', config, ...patient, '--json');
    expect(status.code).toBe(0);
    expect(lastJson(status.stdout)).toMatchObject({
      ok: true,
      answered: 3,
      moves: [],
      ranges: [
        { lo: '', hi: 'b', host: 'a', keys: 1 },
        { lo: 'b', hi: 'cat', host: 'b', keys: 1 },
        { lo: 'cat', hi: null, host: 'c', keys: 2 },
      ],
    });
    for (const node of nodes) node.child.kill('SIGTERM');
    for (const { code } of await Promise.all(nodes.map((n) => n.ended))) expect(code).toBe(0);
    // Some twenty commands one after the other, each a process.
  }, 240_000);

  it('counts ranges on all pages of a status, shows what hosts refused, and takes keys in hexadecimal', async () => {
    const config = await kvCluster(2, 'parameters: { rangesPerStatusMax: 2 }\n');
    await Promise.all(['a', 'b'].map((id) => bench.serve(config, id)));
    const client = async (...words: readonly string[]) => {
      const { code, stdout, stderr } = await bench.run('client', '--config', config, ...patient, ...words);
      return code === 0 ? stdout.trimEnd() : `${code} ${stderr.trimEnd()}`;
    };
    for (const lo of ['10', '20', '30']) expect(await client('shard', '--hex', lo, `${lo}80`, 'b')).toBe('done');
    expect(await client('shard', '--hex', '20', '10', 'b')).toMatch(/^2 .*BAD_RANGE/);
    expect(await client('set', '--hex', '1000ff', '00c3')).toBe('OK');
    expect(await client('get', '--hex', '0x1000ff')).toBe('00c3');
    expect(await client('cas', '--hex', '1000ff', '00c3', '31')).toBe('true');
    expect(await client('incr', '--hex', '1000FF')).toBe('2');
    expect(await client('del', '--hex', '1000ff')).toBe('true');
    expect(await client('get', '--hex', '1000ff')).toBe('(nil)');
    expect(await client('get', '--hex', '123')).toMatch(/^2 ironkeel: "123" is not hexadecimal/);
    await askForKeysOf(config, Buffer.from('00', 'hex'), Buffer.from('1000ff', 'hex'));
    const status = lastJson(await client('status', '--json'));
    expect(status).toMatchObject({
      ...{ ok: true, command: 'status', answered: 2 },
      rows: [
        { id: 'a', rangesOwned: 4, strangers: 0, requestsRefused: 0, requestsUnannounced: 0 },
        { id: 'b', rangesOwned: 3, strangers: 0, shardsRefused: 0 },
      ],
    });
    expect((status.ranges as { lo: string }[]).map(({ lo }) => lo)).toHaveLength(7);
    const redirected = (status.rows as { requestsRedirected: number }[]).map((row) => row.requestsRedirected);
    expect(redirected.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(0);
    const shown = await client('status');
    expect(shown).toMatch(/requestsRedirected/);
    expect(await client('status', 'x')).toMatch(/^2 ironkeel: The operation "status" is written: status$/);
    // As many.
  }, 240_000);

  describe('under load', () => {
    /** Increments in batches of 40 keys, the n-th in all of which is `keyOf(n)`, until what it gives is called. */
    const load = async (config: string, keyOf: (n: number) => string): Promise<() => Promise<void>> => {
      const opened = await KvStoreClient.open({ cluster: 'test', hosts: addressesIn(config) });
      if (E.isLeft(opened)) throw new Error(opened.left);
      const client = opened.right;
      let asking = true;
      const asked = (async () => {
        for (let n = 0; asking; n += 40) {
          const keys = Array.from({ length: 40 }, (_, i) => Buffer.from(keyOf(n + i)));
          const answers = await Promise.all(keys.map((key) => client.increment(key, 1, { timeoutMs: 50_000 })));
          if (answers.some(E.isLeft)) throw new Error('an increment was not answered');
        }
      })();
      return async () => {
        asking = false;
        await asked;
        await client.close();
      };
    };
    const name = (n: number): string => `key-${String(n).padStart(3, '0')}`;
    const rebalance = async (
      config: string,
      ...flags: readonly string[]
    ): Promise<Readonly<Record<string, unknown>>> => {
      const { code, stdout, stderr } = await bench.run('rebalance', '--config', config, '--json', '--apply', ...flags);
      expect([code, stderr]).toEqual([0, expect.any(String)]);
      return { ...lastJson(stdout), stderr };
    };
    interface Shown {
      readonly lo: string;
      readonly hi: string | null;
      readonly host: string;
      readonly keys: number;
    }
    const rangesOf = async (config: string): Promise<readonly Shown[]> =>
      lastJson((await bench.run('status', '--config', config, ...patient, '--json')).stdout).ranges as Shown[];
    // So long that even where the machine is busy hundreds of requests come in each period: of fewer a plan may say that they are noise.
    const longPeriods = 'parameters: { loadPeriodMs: 1000 }\n';

    it('a busy host gets less to do with rebalance --apply', async () => {
      const config = await kvCluster(2, longPeriods);
      await Promise.all(['a', 'b'].map((id) => bench.serve(config, id)));
      expect(await rebalance(config, '--periods', '1')).toMatchObject({ ok: true, proposals: [], applied: 0 });
      const stop = await load(config, (n) => name(n % 100));
      const found = await rebalance(config, '--periods', '2');
      await stop();
      expect(found).toMatchObject({ ok: true, applied: 1, proposals: [{ from: 'a', to: 'b', isPart: true }] });
      const ranges = await rangesOf(config);
      expect(ranges.map(({ host }) => host).sort()).toEqual(['a', 'b']);
      // The cut is near the middle of what was asked, which was the same for each key.
      for (const { keys } of ranges) expect(Math.abs(keys - 50)).toBeLessThan(15);
    });

    it('a hot key stays where it is while what lies around it goes, and then nothing moves', async () => {
      const config = await kvCluster(3, longPeriods);
      const nodes = await Promise.all(['a', 'b', 'c'].map((id) => bench.serve(config, id)));
      const stop = await load(config, (n) => (n % 40 < 28 ? name(50) : name((n * 7) % 100)));
      const moves: number[] = [];
      for (let round = 0; round < 4; round++) {
        moves.push(Number((await rebalance(config, '--periods', '2')).applied));
        const hot = (await rangesOf(config)).find(({ lo, hi }) => lo <= name(50) && (hi === null || name(50) < hi));
        expect(hot?.host).toBe('a');
      }
      expect(moves[0]).toBeGreaterThan(0);
      expect(moves.at(-1)).toBe(0);
      // Who does not answer is left out of the plan.
      await stop();
      nodes[2]?.child.kill('SIGKILL');
      await nodes[2]?.ended;
      const without = await rebalance(config, '--periods', '1');
      expect(without).toMatchObject({ silent: ['c'], hosts: [{ id: 'a' }, { id: 'b' }] });
      expect(without.stderr).toBe('ironkeel: planned without c: no answer.\n');
      // Nine periods of a second, and as many processes.
    }, 240_000);
  });

  it('is not watched for rebalance --apply where nothing could be ordered', async () => {
    const { port } = await bench.socket();
    const taken = bench.file(
      'taken.yaml',
      `cluster: test\nsystem: ironkv\nadministrators: ["127.0.0.1:${port}"]\nnodes:\n  - { id: a, address: "127.0.0.1:1" }\n`,
    );
    const none = await bench.cluster(1, 'system: ironkv\n');
    for (const [config, why] of [
      [taken, `no end point of "administrators" is free on this machine: 127.0.0.1:${port} is in use`],
      [none, 'the configuration names no administrators: '],
    ] as const) {
      // Nobody would wait for so many periods.
      const { code, stderr } = await bench.run('rebalance', '--config', config, '--apply', '--periods', '1000');
      expect([code, stderr]).toEqual([2, expect.stringContaining(`ironkeel: Nothing can be ordered: ${why}`)]);
    }
  });

  it('refuses orders without administrators in the file, and rebalance for other systems', async () => {
    const config = await bench.cluster(1, 'system: ironkv\n');
    const { code, stderr } = await bench.run('client', '--config', config, 'shard', '', '', 'a');
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/^ironkeel: Nothing can be ordered: [^\n]*administrators[^\n]*\n$/),
    ]);
    const other = await bench.cluster(1);
    const refused = await bench.run('rebalance', '--config', other);
    expect([refused.code, refused.stderr]).toEqual([
      2,
      'ironkeel: A cluster of ironrsm has no ranges: this is for ironkv.\n',
    ]);
  });
});

describe('ironkeel bench kv', () => {
  it('judges every step, and loses nothing', async () => {
    const { code, stdout } = await bench.run(
      ...['bench', 'kv', '--clients', '4', '--bundle', '8', '--op', 'set', '--seconds', '2', '--json'],
    );
    expect(code).toBe(0);
    const result = lastJson(stdout);
    expect(result).toMatchObject({ ok: true, bench: 'kv', nodes: 1, clients: 4, bundle: 8, errors: 0, violations: 0 });
    expect(result.requestsPerSecond).toBeGreaterThan(0);
    expect(result.stepsChecked).toBe(result.steps);
  });
});
