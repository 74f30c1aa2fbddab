/** Programs and libraries for Redis against nodes in processes of their own: redis-cli, redis-benchmark and ioredis, before both systems. */
import { execFile, spawn } from 'node:child_process';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { endPoint } from '../../src/spec/endpoint.js';
import { E } from '../../src/spec/prelude.js';
import { askStatus } from '../../systems/ironrsm/client.js';
import { Bench, logLines, type Running } from './command-line.js';
import { command } from './raw-client.js';

/** How long a program may take. */
const programMs = 100_000;

interface Said {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Runs a program to its end, with this input; one that takes too long is ended. */
const run = (program: string, args: readonly string[], input: string | Uint8Array = ''): Promise<Said> =>
  new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'pipe', timeout: programMs, killSignal: 'SIGKILL' });
    const stdout: Buffer[] = [];
    let stderr = '';
    child.stdout.on('data', (data: Buffer) => stdout.push(data));
    child.stderr.on('data', (data: Buffer) => {
      stderr += data.toString();
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout: Buffer.concat(stdout), stderr }));
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });

const isInstalled = (program: string): Promise<boolean> =>
  new Promise((resolve) => execFile(program, ['--version'], (error) => resolve(error === null)));

const [hasCli, hasBenchmark] = await Promise.all([isInstalled('redis-cli'), isInstalled('redis-benchmark')]);

/** Why a suite was skipped stands in its name. */
const installed = (has: boolean): string => (has ? '' : ' (not installed)');

/** The port of a node's gateway. */
const respPort = (node: Running): number => Number(logLines(node.stderr).find(({ event }) => event === 'ready')?.resp);

/** Every byte there is. */
const everyByte = Uint8Array.from({ length: 256 }, (_, i) => i);

const clients: Redis[] = [];

const client = (port: number, options: object = {}): Redis => {
  const redis = new Redis({ port, host: '127.0.0.1', maxRetriesPerRequest: 20, ...options });
  // What matters of it fails the command that was under way.
  redis.on('error', () => undefined);
  clients.push(redis);
  return redis;
};

afterEach(() => {
  for (const redis of clients.splice(0)) redis.disconnect();
});

/** Ends nodes as an operator does; their judges must have found nothing. */
const stopCleanly = async (nodes: readonly Running[]): Promise<void> => {
  for (const { child } of nodes) child.kill('SIGTERM');
  for (const { ended } of nodes) {
    const { code, stderr } = await ended;
    expect(code, stderr.slice(-2000)).toBe(0);
    expect(logLines(stderr).at(-1)).toMatchObject({ event: 'stopped', violations: 0 });
  }
};

const systems = [
  ['ironkv', 'system: ironkv\n'],
  ['ironrsm', 'system: ironrsm\napplication: kv\n'],
] as const;

describe.each(systems)('before %s', (system, extra) => {
  const bench = new Bench();
  let nodes: readonly Running[] = [];
  let ports: readonly number[] = [];

  beforeAll(async () => {
    const config = await bench.cluster(3, extra);
    nodes = await Promise.all(['a', 'b', 'c'].map((id) => bench.serve(config, id, '--resp', '0')));
    ports = nodes.map(respPort);
  });

  afterAll(async () => {
    try {
      await stopCleanly(nodes);
    } finally {
      await bench.clean();
    }
  });

  const port = (index = 0): number => ports[index] as number;

  describe.skipIf(!hasCli)(`redis-cli${installed(hasCli)}`, () => {
    const cli = async (...words: readonly string[]): Promise<string> =>
      (await run('redis-cli', ['-p', String(port(1)), ...words])).stdout.toString();

    it('works with every command', async () => {
      const before = Number(await cli('dbsize'));
      const exchanges: readonly (readonly [sent: string, answer: string])[] = [
        ['set cli:k v', 'OK'],
        ['get cli:k', 'v'],
        ['get cli:none', ''],
        ['set cli:k w nx', ''],
        ['set cli:none w xx', ''],
        ['set cli:k w xx', 'OK'],
        ['setnx cli:k x', '0'],
        ['setnx cli:k2 x', '1'],
        ['append cli:k yz', '3'],
        ['strlen cli:k', '3'],
        ['getset cli:k new', 'wyz'],
        ['incr cli:n', '1'],
        ['decr cli:m', '-1'],
        ['mset cli:a 1 cli:b 2', 'OK'],
        ['mget cli:a cli:none cli:b', '1\n\n2'],
        ['exists cli:a cli:b cli:none', '2'],
        ['del cli:a cli:b cli:none', '2'],
        ['dbsize', String(before + 4)],
        ['ping', 'PONG'],
        ['ping hello', 'hello'],
        ['echo hello', 'hello'],
        ['select 0', 'OK'],
        ['config get databases', 'databases\n1'],
        ['client setname me', 'OK'],
        ['command count', '22'],
        ['quit', 'OK'],
      ];
      for (const [sent, answer] of exchanges) expect(await cli(...sent.split(' ')), sent).toBe(`${answer}\n`);
      expect(await cli('info')).toMatch(/^redis_version:\d/m);
      expect(await cli('hello', '3')).toMatch(/^proto[ \n]3$/m);
      expect(await cli('-3', 'get', 'cli:k')).toBe('new\n');
    });

    it('gets the errors of Redis', async () => {
      const errors: readonly (readonly [sent: string, error: RegExp])[] = [
        ['flushall', /^ERR unknown command 'flushall', with args beginning with: \n/],
        ['get', /^ERR wrong number of arguments for 'get' command\n/],
        ['set cli:e 1 ex 5', /^ERR syntax error\n/],
        ['select 1', /^ERR DB index is out of range\n/],
        ['config set save x', /^ERR /],
        [`get ${'k'.repeat(4097)}`, /^ERR KEY_TOO_LONG: the key is longer than the limit of 4096 bytes\n/],
      ];
      for (const [sent, error] of errors) expect(await cli(...sent.split(' '))).toMatch(error);
      await cli('set', 'cli:text', 'word');
      expect(await cli('incr', 'cli:text')).toMatch(/^ERR value is not an integer or out of range\n/);
      // One of several commands of one run: it goes on.
      const { stdout } = await run('redis-cli', ['-p', String(port())], 'nonsense\nset cli:after 1\nget cli:after\n');
      expect(stdout.toString()).toMatch(/^ERR unknown command 'nonsense'[^\n]*\n\n?OK\n1\n$/);
    });

    it('stores keys and values of every byte', async () => {
      const at = ['-p', String(port(2))];
      expect((await run('redis-cli', [...at, '-x', 'set', 'cli:bytes'], everyByte)).stdout.toString()).toBe('OK\n');
      const { stdout } = await run('redis-cli', [...at, 'get', 'cli:bytes']);
      expect(stdout).toEqual(Buffer.concat([everyByte, Buffer.from('\n')]));
      expect((await run('redis-cli', [...at, '-x', 'incr'], everyByte)).stdout.toString()).toBe('1\n');
      expect((await run('redis-cli', [...at, '-x', 'incr'], everyByte)).stdout.toString()).toBe('2\n');
      expect((await run('redis-cli', [...at, '-x', 'exists'], everyByte.subarray(1))).stdout.toString()).toBe('0\n');
      expect((await run('redis-cli', [...at, '-x', 'getset', ''], '')).stdout.toString()).toBe('\n');
      expect((await run('redis-cli', [...at, 'strlen', ''])).stdout.toString()).toBe('0\n');
      expect((await run('redis-cli', [...at, 'exists', ''])).stdout.toString()).toBe('1\n');
    });

    it('pipes any number of commands', async () => {
      const commands = Array.from(
        { length: 1000 },
        (_, i) => command('SET', `pipe:${i}`, `v${i}`) + command('INCR', 'pipe:n'),
      );
      const piped = await run('redis-cli', ['-p', String(port()), '--pipe'], commands.join(''));
      expect(piped.stdout.toString()).toContain('errors: 0, replies: 2000');
      expect(await cli('get', 'pipe:n')).toBe('1000\n');
      expect(await cli('mget', 'pipe:0', 'pipe:999')).toBe('v0\nv999\n');
      const wrong = await run(
        'redis-cli',
        ['-p', String(port()), '--pipe'],
        command('INCR', 'pipe:0') + command('PING'),
      );
      expect(wrong.stdout.toString()).toContain('errors: 1, replies: 2');
    });
  });

  it.skipIf(!hasBenchmark)(
    `redis-benchmark${installed(hasBenchmark)} works, and its increments take place once each`,
    async () => {
      const requests = 3200;
      const flags = [
        '-p',
        String(port()),
        '-t',
        'get,set,incr,mset',
        '-P',
        '16',
        '-c',
        '50',
        '-n',
        String(requests),
        '--csv',
      ];
      const { code, stdout, stderr } = await run('redis-benchmark', flags);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const rows = stdout
        .toString()
        .trim()
        .split('\n')
        .slice(1)
        .map((row) => row.replaceAll('"', '').split(','));
      expect(rows.map(([name]) => name)).toEqual(['SET', 'GET', 'INCR', 'MSET (10 keys)']);
      for (const [, rate] of rows) expect(Number(rate)).toBeGreaterThan(0);
      expect(await client(port()).get('counter:__rand_int__')).toBe(String(requests));
    },
  );

  describe('ioredis', () => {
    it('works with every command', async () => {
      const redis = client(port(1));
      expect(await redis.set('io:k', 'v')).toBe('OK');
      expect(await redis.get('io:k')).toBe('v');
      expect(await redis.get('io:none')).toBeNull();
      expect(await redis.set('io:k', 'w', 'NX')).toBeNull();
      expect(await redis.set('io:none', 'w', 'XX')).toBeNull();
      expect(await redis.set('io:k', 'w', 'XX')).toBe('OK');
      expect([await redis.setnx('io:k', 'x'), await redis.setnx('io:k2', 'x')]).toEqual([0, 1]);
      expect(await redis.append('io:k', 'yz')).toBe(3);
      expect([await redis.strlen('io:k'), await redis.strlen('io:none')]).toEqual([3, 0]);
      expect([await redis.getset('io:k', 'new'), await redis.getset('io:k3', 'x')]).toEqual(['wyz', null]);
      expect([await redis.incr('io:n'), await redis.incr('io:n'), await redis.decr('io:n')]).toEqual([1, 2, 1]);
      expect(await redis.mset({ 'io:a': '1', 'io:b': '2' })).toBe('OK');
      expect(await redis.mget('io:a', 'io:none', 'io:b')).toEqual(['1', null, '2']);
      expect(await redis.exists('io:a', 'io:b', 'io:none', 'io:a')).toBe(3);
      expect(await redis.del('io:a', 'io:b', 'io:none')).toBe(2);
      expect(await redis.dbsize()).toBeGreaterThan(3);
      expect([await redis.ping(), await redis.ping('hi'), await redis.echo('hi')]).toEqual(['PONG', 'hi', 'hi']);
      expect(await redis.select(0)).toBe('OK');
      expect([await redis.client('SETNAME', 'me'), await redis.client('GETNAME')]).toEqual(['OK', 'me']);
      expect(await redis.client('ID')).toBeGreaterThan(0);
      expect(await redis.info()).toContain('redis_version:');
      expect(await redis.config('GET', 'save')).toEqual(['save', '']);
      expect(await redis.command('COUNT')).toBe(22);
      expect(await redis.call('HELLO', '2')).toContain('proto');
      expect(await redis.quit()).toBe('OK');
    });

    it('stores keys and values of every byte, empty ones, and the largest', async () => {
      const redis = client(port(2));
      const key = Buffer.from(everyByte);
      expect(await redis.set(key, key)).toBe('OK');
      expect(await redis.getBuffer(key)).toEqual(key);
      expect(await redis.getsetBuffer(key, Buffer.alloc(0))).toEqual(key);
      expect(await redis.getBuffer(key)).toEqual(Buffer.alloc(0));
      const large = Buffer.alloc(1 << 20, everyByte);
      const longest = Buffer.alloc(4096, 0xff);
      expect(await redis.set(longest, large)).toBe('OK');
      expect(large.equals((await redis.getBuffer(longest)) as Buffer)).toBe(true);
      expect(await redis.strlen(longest)).toBe(1 << 20);
      expect(await redis.del(longest)).toBe(1);
    });

    it('pipelines, with errors where they belong', async () => {
      const redis = client(port());
      const results = await redis
        .pipeline()
        .set('io:p', 'word')
        .incr('io:p')
        .append('io:p', 's')
        .get('io:p')
        .call('NONSENSE')
        .strlen('io:p')
        .exec();
      const told = results?.map(([error, value]) => error?.message ?? value);
      const unknown = "ERR unknown command 'NONSENSE', with args beginning with: ";
      expect(told?.map((word) => (typeof word === 'string' ? word.trimEnd() : word))).toEqual([
        ...['OK', 'ERR value is not an integer or out of range', 5, 'words'],
        ...[unknown.trimEnd(), 5],
      ]);
      const auto = client(port(), { enableAutoPipelining: true });
      const sums = await Promise.all(Array.from({ length: 500 }, () => auto.incr('io:auto')));
      expect(sums).toEqual(Array.from({ length: 500 }, (_, i) => i + 1));
    });

    it('gets errors as errors of replies', async () => {
      const redis = client(port());
      const failing = (asked: Promise<unknown>) =>
        asked.then(
          () => undefined,
          (error: Error) => [error.name, error.message],
        );
      expect(await failing(redis.call('GET'))).toEqual([
        'ReplyError',
        "ERR wrong number of arguments for 'get' command",
      ]);
      await redis.set('io:text', 'word');
      expect(await failing(redis.incr('io:text'))).toEqual([
        'ReplyError',
        'ERR value is not an integer or out of range',
      ]);
      expect(await failing(redis.select(3))).toEqual(['ReplyError', 'ERR DB index is out of range']);
      expect(await failing(redis.get('k'.repeat(4097)))).toEqual([
        'ReplyError',
        'ERR KEY_TOO_LONG: the key is longer than the limit of 4096 bytes',
      ]);
      expect(await redis.get('io:text')).toBe('word');
    });

    it('increments exactly, with many connections at every gateway', async () => {
      const counting = Array.from({ length: 12 }, (_, i) => client(port(i % 3)));
      const each = 50;
      const sums = await Promise.all(
        counting.flatMap((redis) => Array.from({ length: each }, () => redis.incr('io:total'))),
      );
      const expected = Array.from({ length: counting.length * each }, (_, i) => i + 1);
      expect(sums.sort((a, b) => a - b)).toEqual(expected);
      expect(await client(port()).get('io:total')).toBe(String(expected.length));
    });

    it('connects again after its connection was closed, and goes on', async () => {
      const redis = client(port());
      await redis.set('io:again', '1');
      const closed = new Promise<void>((resolve) => redis.once('close', () => resolve()));
      // No Redis: the gateway says so, and ends the connection.
      redis.stream.write('*1\r\n:1\r\n');
      await closed;
      expect(await redis.incr('io:again')).toBe(2);
    });
  });

  if (system !== 'ironrsm') return;

  it('clients of surviving replicas go on when the leader is killed', async () => {
    const replicas = nodes.map(({ stderr }) => endPoint(String(logLines(stderr)[0]?.address)));
    let leader = -1;
    const leaders = async (): Promise<number> => {
      const asked = await askStatus({ cluster: 'test', replicas }, 30_000);
      if (E.isLeft(asked)) throw new Error(asked.left);
      leader = asked.right.findIndex(({ status }) => status?.leading === true);
      return asked.right.filter(({ status }) => status?.leading === true).length;
    };
    // Where a view has just changed none leads for a moment, or the last one does not know it yet.
    await expect.poll(leaders, { timeout: 60_000 }).toBe(1);
    const survivors = [0, 1, 2].filter((i) => i !== leader).map((i) => client(port(i)));
    const lost = nodes[leader] as Running;
    let sums = 0;
    const counting = survivors.map(async (redis) => {
      for (let n = 0; n < 200; n++) {
        await Promise.all([redis.incr('io:survives'), redis.incr('io:survives')]);
        sums += 2;
        if (sums === 100) lost.child.kill('SIGKILL');
      }
    });
    await Promise.all(counting);
    await lost.ended;
    nodes = nodes.filter((node) => node !== lost);
    expect(await survivors[0]?.get('io:survives')).toBe('800');
    expect(await survivors[1]?.dbsize()).toBeGreaterThan(0);
  });
});
