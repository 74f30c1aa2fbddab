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

/** The addresses of the nodes in a file. */
const addressesIn = (config: string): readonly EndPoint[] =>
  [...readFileSync(config, 'utf8').matchAll(/address: "([^"]*)"/g)].map((match) => endPoint(match[1] ?? ''));

describe('a cluster of IronKV', () => {
  it('serves clients while ranges move, and shows where they are', async () => {
    const config = await kvCluster(3);
    const nodes = await Promise.all(['a', 'b', 'c'].map((id) => bench.serve(config, id)));
    const client = async (...words: readonly string[]) => {
      const { code, stdout, stderr } = await bench.run('client', '--config', config, ...words);
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

    const status = await bench.run('status', '--config', config, '--json');
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
  });

  it('gives a busy host less to do with rebalance --apply', async () => {
    const config = await kvCluster(2, 'parameters: { loadPeriodMs: 300 }\n');
    await Promise.all(['a', 'b'].map((id) => bench.serve(config, id, '--resp', '0')));
    const quiet = await bench.run('rebalance', '--config', config, '--periods', '1', '--json', '--apply');
    expect(lastJson(quiet.stdout)).toMatchObject({ ok: true, proposals: [], applied: 0 });

    const hosts = addressesIn(config);
    const opened = await KvStoreClient.open({ cluster: 'test', hosts });
    if (E.isLeft(opened)) throw new Error(opened.left);
    const client = opened.right;
    let asking = true;
    const load = (async () => {
      for (let n = 0; asking; n++) {
        const keys = Array.from({ length: 50 }, (_, i) =>
          Buffer.from(`key-${String((n * 50 + i) % 100).padStart(3, '0')}`),
        );
        const answers = await Promise.all(keys.map((key) => client.increment(key)));
        if (answers.some(E.isLeft)) throw new Error('an increment was not answered');
      }
    })();
    const { code, stdout } = await bench.run('rebalance', '--config', config, '--periods', '2', '--json', '--apply');
    asking = false;
    await load;
    await client.close();
    const found = lastJson(stdout);
    expect(code).toBe(0);
    expect(found).toMatchObject({ ok: true, applied: 1, proposals: [{ from: 'a', to: 'b', hi: null, isPart: true }] });
    const status = lastJson((await bench.run('status', '--config', config, '--json')).stdout);
    const [first, second] = status.ranges as [{ keys: number }, { keys: number }];
    expect(first).toMatchObject({ host: 'a', lo: '' });
    expect(second).toMatchObject({ host: 'b', hi: null });
    // The cut is near the middle of what was asked, which was the same for each key.
    expect(first.keys + second.keys).toBe(100);
    expect(second.keys).toBeGreaterThan(25);
    expect(second.keys).toBeLessThan(75);
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
      ...['bench', 'kv', '--clients', '4', '--bundle', '8', '--op', 'set', '--seconds', '1', '--json'],
    );
    expect(code).toBe(0);
    const result = lastJson(stdout);
    expect(result).toMatchObject({ ok: true, bench: 'kv', nodes: 1, clients: 4, bundle: 8, errors: 0, violations: 0 });
    expect(result.requestsPerSecond).toBeGreaterThan(0);
    expect(result.stepsChecked).toBe(result.steps);
  });
});
