/** `ironkeel status` of IronKV where hosts have ended or were started again: real processes. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Bench, lastJson, type Running } from './command-line.js';

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});
afterEach(() => bench.clean());

const cluster = async (hosts: number, parameters = ''): Promise<string> => {
  const [port] = await bench.ports(1);
  return bench.cluster(hosts, `system: ironkv\nadministrators: ["127.0.0.1:${port}"]\n${parameters}`);
};

const start = (config: string, ...ids: readonly string[]): Promise<readonly Running[]> =>
  Promise.all(ids.map((id) => bench.serve(config, id)));

const client = (config: string, ...words: readonly string[]) => bench.run('client', '--config', config, ...words);

const kill = async (node: Running | undefined): Promise<void> => {
  node?.child.kill('SIGKILL');
  await node?.ended;
};

const status = async (config: string) => {
  const { code, stdout, stderr } = await bench.run('status', '--config', config, '--json');
  return { code, stderr, told: lastJson(stdout) };
};

describe('the status of a cluster of IronKV', () => {
  it('names the keys that nobody serves since their host has ended, though a majority answers', async () => {
    const config = await cluster(3);
    const [, b] = await start(config, 'a', 'b', 'c');
    expect((await client(config, 'shard', 'd', 'm', 'b')).code).toBe(0);
    expect(await status(config)).toMatchObject({
      code: 0,
      stderr: '',
      told: { ok: true, unserved: [], contested: [] },
    });
    await kill(b);
    const { code, stderr, told } = await status(config);
    expect(code).toBe(4);
    expect(told).toMatchObject({
      ...{ ok: false, command: 'status', answered: 2, nodes: 3, silent: ['b'], contested: [] },
      unserved: [{ lo: 'd', hi: 'm' }],
      ranges: [
        { lo: '', hi: 'd', host: 'a' },
        { lo: 'm', hi: null, host: 'a' },
      ],
    });
    expect(stderr).toMatch(/^ironkeel: no host that answers has the keys from d to m; silent, [^\n]*: b; [^\n]*\.\n$/);
    const shown = await bench.run('status', '--config', config);
    expect(shown.code).toBe(4);
    expect(shown.stdout).toMatch(/served by nobody from +to\s+d +m\n/);
  });

  it('is in order where the silent host has no keys, and an order to it is refused by name', async () => {
    const config = await cluster(2);
    await start(config, 'a');
    expect(await status(config)).toMatchObject({
      code: 0,
      told: { ok: true, answered: 1, silent: ['b'], unserved: [] },
    });
    const refused = await client(config, 'shard', 'd', 'm', 'b', '--timeout', '300', '--json');
    expect(refused.code).toBe(4);
    expect(refused.stderr).toMatch(
      /^ironkeel: RECIPIENT_SILENT: b \([\d.:]+\) did not answer [^\n]* nothing was moved: /,
    );
    expect(lastJson(refused.stdout)).toMatchObject({ ok: false, command: 'client', error: 'RECIPIENT_SILENT' });
    expect(await status(config)).toMatchObject({
      code: 0,
      told: { moves: [], ranges: [{ lo: '', hi: null, host: 'a' }] },
    });
  });

  it('names keys that two hosts claim since one was started again under its id', async () => {
    const config = await cluster(2);
    const [a] = await start(config, 'a', 'b');
    expect((await client(config, 'shard', 'd', 'm', 'b')).code).toBe(0);
    await kill(a);
    await start(config, 'a');
    const { code, stderr, told } = await status(config);
    expect(code).toBe(1);
    expect(told).toMatchObject({ ok: false, contested: [{ lo: 'd', hi: 'm', hosts: ['a', 'b'] }], unserved: [] });
    expect(stderr).toMatch(/^ironkeel: the keys from d to m are claimed by two hosts, of a, b: stop them; [^\n]*\.\n$/);
    const shown = await bench.run('status', '--config', config);
    expect(shown.stdout).toMatch(/claimed twice from +to +by\s+d +m +a, b\n/);
  });

  it('names keys that are lost since their host was started again, though all answer', async () => {
    const config = await cluster(2);
    const [, b] = await start(config, 'a', 'b');
    expect((await client(config, 'shard', 'd', '', 'b')).code).toBe(0);
    await kill(b);
    await start(config, 'b');
    const { code, stderr, told } = await status(config);
    expect(code).toBe(4);
    expect(told).toMatchObject({ ok: false, answered: 2, silent: [], unserved: [{ lo: 'd', hi: null }] });
    expect(stderr).toMatch(/and all answer: a host was probably started again under its id/);
  });

  it('shows a move whose recipient does not answer', async () => {
    const config = await cluster(3, 'parameters: { delegateKeysMax: 1, delegateRestMs: 60000 }\n');
    const [, b] = await start(config, 'a', 'b', 'c');
    for (const key of ['d1', 'd2', 'd3']) expect((await client(config, 'set', key, 'v')).code).toBe(0);
    // One piece goes at once, the next a minute later.
    expect((await client(config, 'shard', 'd', 'e', 'b', '--timeout', '300')).code).toBe(4);
    const underWay = { from: 'a', to: 'b', next: 'd2', hi: 'e' };
    expect((await status(config)).told).toMatchObject({ ok: true, moves: [{ ...underWay, recipientAnswers: true }] });
    await kill(b);
    const { code, told } = await status(config);
    expect(code).toBe(4);
    expect(told).toMatchObject({
      moves: [{ ...underWay, recipientAnswers: false }],
      unserved: [{ lo: 'd', hi: 'd2' }],
    });
    const shown = await bench.run('status', '--config', config);
    expect(shown.stdout).toContain('b does not answer: what was handed over waits for it');
    const plan = await bench.run('rebalance', '--config', config, '--periods', '1');
    expect([plan.code, plan.stderr]).toEqual([4, expect.stringContaining('moved to b, which did not answer')]);
  });
});
