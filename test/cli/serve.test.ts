import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { endPoint } from '../../src/spec/endpoint.js';
import { E } from '../../src/spec/prelude.js';
import { askStatus } from '../../systems/ironrsm/client.js';
import { Bench, lastJson, logLines, type Running } from './command-line.js';

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});
afterEach(() => bench.clean());

/** How long answers are waited for: on a machine that is busy with something else, too. */
const patienceMs = 30_000;
const patient = ['--timeout', String(patienceMs)] as const;

/** Asks the node how it is. Once it answers it has taken every datagram that was sent to it before. */
const answered = async (node: Running): Promise<void> => {
  const replicas = [endPoint(/127\.0\.0\.1:\d+/.exec(node.stderr)?.[0] ?? '')];
  const asked = await askStatus({ cluster: 'test', replicas }, patienceMs);
  expect(E.isRight(asked) && asked.right[0]?.status).toBeDefined();
};

describe('a node', () => {
  it('stops cleanly on SIGTERM: one last comparison, its counters, exit code 0', async () => {
    const config = await bench.cluster(3);
    const node = await bench.serve(config, 'a');
    await answered(node);
    node.child.kill('SIGTERM');
    const { code, stderr } = await node.ended;
    expect(code).toBe(0);
    const stopped = logLines(stderr).at(-1);
    expect(stopped).toMatchObject({ level: 'info', node: 'a', event: 'stopped', exitCode: 0, violations: 0 });
    expect(Number(stopped?.steps)).toBeGreaterThan(0);
    expect(stopped?.stepsChecked).toBe(stopped?.steps);
  });

  it('stops cleanly on a SIGTERM that comes in the moment in which it says that it is ready', async () => {
    const config = await bench.cluster(3);
    const impatient = `
      const write = process.stderr.write.bind(process.stderr);
      process.stderr.write = (text, ...rest) => {
        const written = write(text, ...rest);
        if (String(text).includes('"event":"ready"')) process.kill(process.pid, 'SIGTERM');
        return written;
      };`;
    const execArgv = ['--import', `data:text/javascript,${encodeURIComponent(impatient)}`];
    const node = bench.startWith({ execArgv }, ['serve', '--config', config, '--node', 'a', '--in-memory']);
    const { code, stderr } = await node.ended;
    expect(code).toBe(0);
    expect(logLines(stderr).at(-1)).toMatchObject({ event: 'stopped', exitCode: 0, violations: 0 });
  });

  it('checks no step of the protocol with --check off, and stops cleanly on SIGINT too', async () => {
    const node = await bench.serve(await bench.cluster(3), 'a', '--check', 'off');
    node.child.kill('SIGINT');
    const { code, stderr } = await node.ended;
    expect(code).toBe(0);
    expect(logLines(stderr).at(-1)).toMatchObject({ event: 'stopped', stepsChecked: 0 });
  });

  it('whose port is in use exits with 2 and one sentence', async () => {
    const config = await bench.cluster(3);
    await bench.serve(config, 'a');
    const second = await bench.run('serve', '--config', config, '--node', 'a', '--in-memory');
    expect(second.code).toBe(2);
    expect(second.stderr).toMatch(/^ironkeel: The node "a" cannot start: 127\.0\.0\.1:\d+ is in use: [^\n]*\.\n$/);
  });

  it('that is not in the configuration exits with 2 and one sentence', async () => {
    const config = await bench.cluster(3);
    const { code, stderr } = await bench.run('serve', '--config', config, '--node', 'z', '--in-memory');
    expect(code).toBe(2);
    expect(stderr).toBe(`ironkeel: The node "z" is not in ${config}: its nodes are a, b, c.\n`);
  });

  it('whose gateway cannot listen exits with 2 before it has taken part in its cluster', async () => {
    const [port] = await bench.ports(1);
    const [b, c] = [await bench.socket(), await bench.socket()];
    const nodes = [port, b.port, c.port].map((p, i) => `  - { id: ${'abc'[i]}, address: "127.0.0.1:${p}" }\n`);
    const config = bench.file(
      'cluster.yaml',
      `cluster: test\nsystem: ironrsm\napplication: kv\nnodes:\n${nodes.join('')}`,
    );
    let heard = 0;
    for (const { socket } of [b, c]) socket.on('message', () => heard++);
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const resp = String((taken.address() as AddressInfo).port);
    const journal = join(bench.folder, 'journal');
    const flags = ['--in-memory', '--journal', journal, '--resp'] as const;
    const refused = await bench.run('serve', '--config', config, '--node', 'a', ...flags, resp);
    taken.close();
    expect([refused.code, refused.stderr]).toEqual([
      2,
      `ironkeel: The gateway cannot start: 127.0.0.1:${resp} cannot be listened on (EADDRINUSE).\n`,
    ]);
    expect([existsSync(journal), heard]).toEqual([false, 0]);
    // So that it can be started still.
    const node = await bench.serve(config, 'a', ...flags.slice(1), resp);
    expect(node.stderr).toContain(`"resp":${resp}`);
  });

  it.each([
    ['lock', 'system: lock\n', /^ironkeel: The gateway cannot start: lock has no gateway: /],
    ['the counter', 'system: ironrsm\napplication: counter\n', /^ironkeel: .* application counter has no gateway: /],
  ])('of %s, which has no gateway, is refused before it starts', async (_, system, sentence) => {
    const config = await bench.cluster(3, system);
    const journal = join(bench.folder, 'journal');
    const { code, stderr } = await bench.run(
      ...['serve', '--config', config, '--node', 'a', '--in-memory', '--journal', journal, '--resp', '0'],
    );
    expect([code, stderr]).toEqual([2, expect.stringMatching(sentence)]);
    expect(existsSync(journal)).toBe(false);
  });

  it('drops and counts datagrams of any bytes, and answers none', async () => {
    const config = await bench.cluster(3);
    const node = await bench.serve(config, 'a');
    const port = Number(/127\.0\.0\.1:(\d+)/.exec(node.stderr)?.[1]);
    const socket = createSocket('udp4');
    let answers = 0;
    socket.on('message', () => answers++);
    for (let i = 0; i < 100; i++) {
      await new Promise((sent) => socket.send(Buffer.alloc(i, i), port, '127.0.0.1', sent));
    }
    await answered(node);
    node.child.kill('SIGTERM');
    const { code, stderr } = await node.ended;
    socket.close();
    expect(code).toBe(0);
    expect(answers).toBe(0);
    const { network } = logLines(stderr).at(-1) as { network: Record<string, number> };
    expect(Number(network.droppedTooShort) + Number(network.droppedMagic)).toBe(100);
  });

  it('that its judge stops tells the violation in words, saves a trace that replay opens, and exits with 1', async () => {
    const config = await bench.cluster(1);
    // R47: a send before the last receive of a step.
    const loader = new URL('../../dist/src/cli/plant-loader.js', import.meta.url).href;
    const node = bench.startWith({ env: { IRONKEEL_PLANT: 'ironrsm/R47' }, execArgv: ['--import', loader] }, [
      ...['serve', '--config', config, '--node', 'a', '--in-memory', '--trace-dir', bench.folder],
    ]);
    const { code, stderr } = await node.ended;
    expect(code).toBe(1);
    const violation = logLines(stderr).find((line) => line.event === 'violation');
    expect(violation).toMatchObject({ level: 'error', node: 'a', code: 'REDUCTION_OBLIGATION' });
    expect(violation?.message).toMatch(
      /^Step \d+ of node a was refused, and nothing of it has left: the rule "a host step receives/,
    );
    expect(logLines(stderr).at(-1)).toMatchObject({ event: 'stopped', exitCode: 1, violations: 1 });
    const trace = String(violation?.trace);
    expect(trace.startsWith(bench.folder)).toBe(true);
    const replayed = await bench.run('replay', trace, '--json');
    expect(replayed.code).toBe(1);
    expect(JSON.stringify(lastJson(replayed.stdout).found)).toContain('REDUCTION_OBLIGATION');
  });
});

describe('a cluster of three nodes', () => {
  it('answers clients, tells its status, refuses large requests by name, and survives a killed node', async () => {
    const parameters = 'parameters: { requestBytesMax: 65536 }\n';
    const config = await bench.cluster(3, `system: ironrsm\napplication: kv\n${parameters}`);
    const nodes = await Promise.all(['a', 'b', 'c'].map((id) => bench.serve(config, id)));
    const client = async (...words: readonly string[]): Promise<string> => {
      const { code, stdout, stderr } = await bench.run('client', '--config', config, ...patient, ...words);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      return stdout.trimEnd();
    };
    expect(await client('get', 'k')).toBe('(nil)');
    expect(await client('set', 'k', 'grüße')).toBe('OK');
    expect(await client('get', 'k')).toBe('grüße');
    expect(await client('cas', 'k', 'grüße', '41')).toBe('true');
    expect(await client('cas', 'k', 'grüße', '0')).toBe('false');
    expect(await client('incr', 'k')).toBe('42');
    expect(await client('add', 'k', '--', '-1')).toBe('41');
    expect(await client('swap', 'k', '42')).toBe('41');
    const noNumber = await bench.run('client', '--config', config, 'add', 'k', '1.5');
    expect(noNumber).toMatchObject({ code: 2, stderr: expect.stringMatching(/^ironkeel: "1\.5" is no integer from /) });
    expect(lastJson(await client('get', 'k', '--json'))).toMatchObject({ ok: true, operation: 'get', value: '42' });

    const large = await bench.run('client', '--config', config, 'set', 'k', 'x'.repeat(100_000));
    expect(large.code).toBe(2);
    expect(large.stderr).toMatch(/^ironkeel: REQUEST_TOO_LARGE: [^\n]*\n$/);
    expect(await client('del', 'k')).toBe('true');

    let rows: readonly Record<string, unknown>[] = [];
    const askAll = async (): Promise<number> => {
      const status = await bench.run('status', '--config', config, ...patient, '--json');
      expect(status.code).toBe(0);
      rows = lastJson(status.stdout).rows as readonly Record<string, unknown>[];
      return rows.filter((r) => r.leading === true).length;
    };
    // Where a view has just changed none leads for a moment, or the last one does not know it yet.
    await expect.poll(askAll, { timeout: patienceMs }).toBe(1);
    expect(rows.map((r) => r.id)).toEqual(['a', 'b', 'c']);
    // Each command above was a client with a session of its own, but for the one that was refused before it asked. A retry may open another.
    expect(Math.max(...rows.map((r) => Number(r.sessions)))).toBeGreaterThanOrEqual(8);

    const leader = rows.findIndex((r) => r.leading === true);
    nodes[leader]?.child.kill('SIGKILL');
    expect(await client('set', 'k', 'still here')).toBe('OK');
    const after = await bench.run('status', '--config', config);
    expect(after.code).toBe(0);
    expect(after.stdout).toContain('no answer');

    for (const node of nodes) node.child.kill('SIGTERM');
    const codes = await Promise.all(nodes.map(async (n) => (await n.ended).code));
    expect(codes.filter((code) => code === 0)).toHaveLength(2);
    // Some twenty commands one after the other, each a process.
  }, 240_000);

  it('counts, where it replicates the counter', async () => {
    const config = await bench.cluster(1, 'system: ironrsm\napplication: counter\n');
    await bench.serve(config, 'a');
    for (const count of [1, 2]) {
      expect((await bench.run('client', '--config', config, ...patient, 'increment')).stdout).toBe(`${count}\n`);
    }
  });

  it('passes the lock round', async () => {
    const config = await bench.cluster(3, 'system: lock\nparameters: { holdMs: 20 }\n');
    const nodes = await Promise.all(['a', 'b', 'c'].map((id) => bench.serve(config, id)));
    await expect
      .poll(async () => lastJson((await bench.run('status', '--config', config, ...patient, '--json')).stdout).rows, {
        timeout: patienceMs,
      })
      .toSatisfy((rows: readonly Record<string, unknown>[]) => rows.every((r) => Number(r.epoch) > 3));
    for (const node of nodes) node.child.kill('SIGTERM');
    expect(await Promise.all(nodes.map(async (n) => (await n.ended).code))).toEqual([0, 0, 0]);
  });
});
