import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Bench, lastJson } from './command-line.js';

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});
afterEach(() => bench.clean());

/** One sentence on stderr, nothing on stdout, exit code 2. */
const expectUsage = async (sentence: RegExp, ...args: readonly string[]): Promise<void> => {
  const { code, stdout, stderr } = await bench.run(...args);
  expect(stderr).toMatch(/^ironkeel: [^\n]*\n$/);
  expect(stderr).toMatch(sentence);
  expect(stdout).toBe('');
  expect(code).toBe(2);
};

describe('the command line', () => {
  it('prints help and its version with exit code 0', async () => {
    const help = await bench.run('--help');
    expect(help.code).toBe(0);
    for (const command of ['demo', 'serve', 'client', 'status', 'bench', 'config'])
      expect(help.stdout).toContain(command);
    expect(await bench.run('--version')).toMatchObject({ code: 0, stdout: '0.1.0\n' });
  });

  it('refuses what it does not know with exit code 2', async () => {
    await expectUsage(/unknown command 'serv'/, 'serv');
    await expectUsage(/unknown option '--chek'/, 'serve', '--config', 'c.yaml', '--node', 'a', '--chek', 'off');
    await expectUsage(/required option '--config <file>'/, 'serve', '--node', 'a');
    await expectUsage(/too many arguments/, 'demo', 'more');
    expect((await bench.run()).code).toBe(2);
  });

  it('refuses flags out of their range', async () => {
    await expectUsage(/--clients takes a whole number from 1 to 4096/, 'bench', 'rsm', '--clients', '0');
    await expectUsage(/--check takes inline or off/, 'bench', 'rsm', '--check', 'sometimes');
    await expectUsage(/--bundle takes a whole number from 1 to 1024/, 'bench', 'rsm', '--bundle', '0');
    await expectUsage(/--op takes set or get/, 'bench', 'rsm', '--op', 'delete');
    await expectUsage(/"disk" is not available/, 'bench', 'disk');
    await expectUsage(/--seconds takes a whole number from 2 to 30/, 'demo', '--seconds', '1');
  });

  it('refuses flags of a benchmark that mean nothing to it', async () => {
    const refuses = (why: string, ...words: readonly string[]) => expectUsage(new RegExp(why), 'bench', ...words);
    const counter = ['rsm', '--app', 'counter'] as const;
    const ofLoad = [
      '--clients 4',
      '--check off',
      '--seconds 1',
      '--value-bytes 1',
      '--app kv',
      '--op get',
      '--bundle 2',
    ];
    await Promise.all([
      refuses('bench kv has the application kv alone, and not "counter": leave --app out', 'kv', '--app', 'counter'),
      refuses('--op goes with --app kv, .*leave it out', ...counter, '--op', 'get'),
      refuses('--value-bytes goes with --app kv, .*leave it out', ...counter, '--value-bytes', '128'),
      ...['rsm', 'kv', 'judge'].map((subject) => refuses('--durable is not available yet', subject, '--durable')),
      ...[...ofLoad, '--profile x', '--journal x'].map((flag) => {
        const words = flag.split(' ');
        return refuses(`${words[0]} is of rsm and kv, .*leave it out`, 'judge', ...words);
      }),
    ]);
  });

  it('says plainly what is not available yet', async () => {
    const config = await bench.cluster(3);
    const dataDir = ['--data-dir', bench.folder] as const;
    await expectUsage(/^ironkeel: Durable storage is not/, 'serve', '--config', config, '--node', 'a', ...dataDir);
    await expectUsage(
      /not available yet: use inline or off/,
      'serve',
      '--config',
      config,
      '--node',
      'a',
      '--check',
      'twin',
    );
    await expectUsage(
      /pass --in-memory.*must not be started again under its id/,
      'serve',
      '--config',
      config,
      '--node',
      'a',
    );
  });

  it('checks a configuration', async () => {
    const config = await bench.cluster(3);
    const fine = await bench.run('config', 'check', config, '--json');
    expect(fine.code).toBe(0);
    expect(lastJson(fine.stdout)).toMatchObject({ ok: true, command: 'config check', system: 'ironrsm', nodes: 3 });
    const bad = bench.file(
      'bad.yaml',
      'cluster: x\nsystem: lock\nnodes:\n  - { id: a, address: "127.0.0.1:1", extra: 1 }\n',
    );
    await expectUsage(/bad\.yaml:4: nodes\[0\]: unknown key "extra"/, 'config', 'check', bad);
    const one = bench.file('one.yaml', 'cluster: x\nsystem: lock\nnodes:\n  - { id: a, address: "127.0.0.1:1" }\n');
    await expectUsage(/at least two/, 'config', 'check', one);
    await expectUsage(/no such file/, 'config', 'check', `${bench.folder}/none.yaml`);
  });

  it('refuses operations of another application, and wrong counts of words', async () => {
    const config = await bench.cluster(3);
    const client = ['client', '--config', config] as const;
    await expectUsage(/"increment" is one of the application counter/, ...client, 'increment');
    await expectUsage(/is written: set KEY VALUE/, ...client, 'set', 'key');
    await expectUsage(/There is no operation "put"/, ...client, 'put', 'key', 'value');
    await expectUsage(/--absent goes with the operation cas/, ...client, 'get', 'key', '--absent');
    const lock = await bench.cluster(3, 'system: lock\n');
    await expectUsage(/cluster of lock takes no clients/, 'client', '--config', lock, 'get', 'key');
  });

  it('ends with 130 when it is interrupted', async () => {
    const { socket, port } = await bench.socket();
    const config = bench.file(
      'cluster.yaml',
      `cluster: test\nsystem: ironrsm\napplication: kv\nnodes:\n  - { id: a, address: "127.0.0.1:${port}" }\n`,
    );
    const asked = new Promise((resolve) => socket.once('message', resolve));
    const client = bench.start('client', '--config', config, 'get', 'key', '--timeout', '50000');
    await asked;
    client.child.kill('SIGINT');
    expect((await client.ended).code).toBe(130);
  });

  it('reports a request without an answer with exit code 4, says what is known of it, and no majority likewise', async () => {
    const config = await bench.cluster(3);
    const client = await bench.run('client', '--config', config, 'get', 'key', '--timeout', '100', '--json');
    expect(client.code).toBe(4);
    // Nobody opened a session, so that the request itself was never sent.
    expect(client.stderr).toContain('the request was not sent, and will not be executed');
    const known = 'not executed';
    expect(lastJson(client.stdout)).toMatchObject({ ok: false, command: 'client', error: 'TIMEOUT', known });
    const status = await bench.run('status', '--config', config, '--timeout', '100', '--json');
    expect(status.code).toBe(4);
    expect(lastJson(status.stdout)).toMatchObject({ ok: false, answered: 0, nodes: 3 });
  });
});
