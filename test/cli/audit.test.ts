/** Journals of real processes, and what the command line makes of them. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Bench, lastJson, logLines } from './command-line.js';

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});
afterEach(() => bench.clean());

const lockExtra = 'system: lock\nparameters: { holdMs: 5, resendMs: 20 }\n';

/** Three nodes of the lock as processes, which write journals into the folder. */
const lockCluster = async (folder: string) => {
  const config = await bench.cluster(3, lockExtra);
  const nodes = [];
  for (const id of ['a', 'b', 'c']) nodes.push(await bench.serve(config, id, '--journal', folder));
  return nodes;
};

/** Waits until the lock of the cluster that `lockCluster` started has gone round so far. */
const lockAt = async (epoch: number): Promise<void> => {
  const status = ['status', '--config', join(bench.folder, 'cluster.yaml'), '--timeout', '30000', '--json'] as const;
  const epochs = async (): Promise<readonly number[]> =>
    (lastJson((await bench.run(...status)).stdout).rows as { epoch?: number }[]).map((row) => row.epoch ?? 0);
  await expect.poll(async () => Math.max(...(await epochs())), { timeout: 60_000 }).toBeGreaterThanOrEqual(epoch);
};

const auditJson = async (...args: readonly string[]) => {
  const { code, stdout, stderr } = await bench.run('audit', ...args, '--json');
  return { code, stderr, stdout, result: code === 2 ? {} : lastJson(stdout) };
};

const sentences = (stderr: string): readonly string[] => stderr.trimEnd().split('\n');

describe('the journals of a lock', () => {
  it('pass where a node was killed; cut, altered or strange ones are told apart by one sentence and the exit code', async () => {
    const folder = join(bench.folder, 'journals');
    const [a, b, c] = await lockCluster(folder);
    await lockAt(40);
    b?.child.kill('SIGKILL');
    await sleep(200);
    for (const node of [a, c]) node?.child.kill('SIGTERM');
    expect([(await a?.ended)?.code, (await c?.ended)?.code]).toEqual([0, 0]);
    const whole = await auditJson(folder);
    expect(whole).toMatchObject({
      code: 0,
      result: { ok: true, command: 'audit', violations: 0, found: [], notKnown: [] },
    });
    expect(whole.result.stepsChecked).toBe(whole.result.steps);
    expect(Number(whole.result.specSteps)).toBeGreaterThan(20);
    expect(whole.stdout).toContain('The journal of b has no end');

    const changed = (name: string, change: (file: string) => void): string => {
      const copy = join(bench.folder, name);
      cpSync(folder, copy, { recursive: true });
      change(join(copy, 'a.1.000001.journal'));
      return copy;
    };
    const altered = await auditJson(
      changed('altered', (file) => {
        const bytes = readFileSync(file);
        const at = bytes.length >> 1;
        bytes[at] = (bytes[at] as number) ^ 1;
        writeFileSync(file, bytes);
      }),
    );
    expect(altered).toMatchObject({
      code: 1,
      result: { ok: false, violations: 1, found: [{ code: 'JOURNAL_ALTERED', node: 'a' }] },
    });
    expect(altered.stdout).toMatch(/^WRONG: step \d+ of a \(.*a\.1\.000001\.journal\): the rule .*$/m);
    const cut = await auditJson(changed('cut', (file) => truncateSync(file, readFileSync(file).length - 20)));
    expect(cut).toMatchObject({ code: 4, result: { ok: false, violations: 0 } });
    expect(cut.stdout).toMatch(/^NOT KNOWN: The journal of a is cut off at byte \d+ of .*a\.1\.000001\.journal\.$/m);
    const strange = await auditJson(changed('strange', (file) => writeFileSync(file, '{}')));
    expect(strange.code).toBe(2);
    expect(sentences(strange.stderr)).toEqual([
      expect.stringMatching(/^ironkeel: .*journal cannot be audited: it is not a journal of a node\.$/),
    ]);
  });

  it('are followed while the nodes run, to their ends', async () => {
    const folder = join(bench.folder, 'journals');
    const nodes = await lockCluster(folder);
    const following = bench.start('audit', folder, '--follow', '--idle', '60', '--json');
    await lockAt(80);
    for (const node of nodes) node.child.kill('SIGTERM');
    const { code, stdout } = await following.ended;
    expect({ code, result: lastJson(stdout) }).toMatchObject({
      code: 0,
      result: { ok: true, notes: [], notKnown: [] },
    });
    expect(Number(lastJson(stdout).specSteps)).toBeGreaterThan(50);
  });
});

describe('the journals of a demo with a killed leader', () => {
  it('pass together with what its clients saw, and not with what they did not see; so do those of IronKV while a shard moves', async () => {
    const folder = join(bench.folder, 'journals');
    const demo = await bench.run('demo', '--seconds', '4', '--journal', folder, '--json');
    expect({ code: demo.code, stderr: demo.stderr }).toMatchObject({ code: 0 });
    const table = await auditJson(join(folder, 'ironkv'), '--every', '10');
    expect(table).toMatchObject({
      code: 0,
      result: { ok: true, history: 'linearizable', violations: 0, notKnown: [], notes: [] },
    });
    expect(table.result.stepsChecked).toBe(table.result.steps);
    expect(Number(table.result.fullChecks)).toBeGreaterThan(1);
    expect(Number(table.result.requests)).toBeGreaterThan(100);
    expect(Number(table.result.historyOperations)).toBeGreaterThanOrEqual(Number(table.result.requests));
    for (const { events } of table.result.rows as { events: number }[]) expect(events).toBeGreaterThan(0);

    const whole = await auditJson(folder, '--every', '500');
    expect(whole).toMatchObject({
      code: 0,
      result: { ok: true, history: 'linearizable', violations: 0, notKnown: [] },
    });
    const { steps, stepsChecked, requests, historyOperations, rows } = whole.result;
    expect(stepsChecked).toBe(steps);
    expect(Number(requests)).toBeGreaterThan(100);
    expect(Number(historyOperations)).toBeGreaterThanOrEqual(Number(requests));
    expect((rows as { end: string }[]).filter(({ end }) => end === 'open')).toHaveLength(1);

    const history = readFileSync(join(folder, 'clients.history.json'), 'utf8');
    const lines = history.split('\n');
    const read = lines.findIndex((line) => line.includes('"client":"reader"') && line.includes('count-'));
    const stale = lines.with(read, (lines[read] as string).replace(/"result":"\d+"/, '"result":"1"'));
    const wrong = bench.file('stale.json', stale.join('\n'));
    const seen = await auditJson(folder, '--history', wrong);
    expect(seen).toMatchObject({ code: 1, result: { history: 'not', found: [{ code: 'NOT_LINEARIZABLE' }] } });
    const told = readFileSync(join(folder, 'ironkv', 'clients.history.json'), 'utf8');
    for (const op of [
      'set',
      'setIfAbsent',
      'setIfPresent',
      'compareAndSet',
      'append',
      'increment',
      'delete',
      'length',
      'get',
    ])
      expect(told).toContain(`"op":"${op}"`);
    const lost = told.replace(/("op":"get","key":"key-[^\n]*"result":)"(\d+)"/, '$1"1000$2"');
    const seenTable = await auditJson(join(folder, 'ironkv'), '--history', bench.file('lost.json', lost));
    expect(seenTable).toMatchObject({ code: 1, result: { history: 'not', found: [{ code: 'NOT_LINEARIZABLE' }] } });

    // Without the requests of some clients, the same history shows nothing.
    const part = bench.file('part.json', stale.filter((line) => !/"client":"client [0-3]"/.test(line)).join('\n'));
    const partial = await auditJson(folder, '--history', part);
    expect(partial).toMatchObject({ code: 4, result: { history: 'unknown', violations: 0 } });
    // A demo and five audits.
  }, 240_000);

  it('need a folder of their own', async () => {
    const folder = join(bench.folder, 'full');
    mkdirSync(folder);
    writeFileSync(join(folder, 'file'), '');
    const { code, stderr } = await bench.run('demo', '--seconds', '2', '--journal', folder);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: `ironkeel: --journal ${folder} is not empty: name a new folder.\n`,
    });
  });
});

describe('a node whose journal cannot be written', () => {
  it('does not start where there is no folder for it', async () => {
    const config = await bench.cluster(3, lockExtra);
    const folder = bench.file('file', '');
    const flags = ['--node', 'a', '--in-memory', '--journal', folder];
    const { code, stderr } = await bench.run('serve', '--config', config, ...flags);
    expect(code).toBe(2);
    expect(sentences(stderr)).toEqual([
      expect.stringMatching(/^ironkeel: The node "a" cannot start: its journal .* cannot be written: .*\.$/),
    ]);
  });

  it('stops before the packets of that step leave, and says which file', async () => {
    const config = await bench.cluster(3, lockExtra);
    const folder = join(bench.folder, 'journals');
    const bin = fileURLToPath(new URL('../../bin/ironkeel.js', import.meta.url));
    const flags = ['--node', 'a', '--in-memory', '--trace-dir', bench.folder, '--journal', folder];
    const command = [process.execPath, bin, 'serve', '--config', config, ...flags];
    // The system refuses to let a file grow beyond a few blocks.
    const { status, stderr } = spawnSync('sh', ['-c', 'ulimit -f 6; exec "$@"', 'sh', ...command], {
      timeout: 100_000,
      encoding: 'utf8',
    });
    expect(status).toBe(3);
    const violation = logLines(stderr).find((line) => line.event === 'violation');
    expect(violation).toMatchObject({ code: 'JOURNAL_NOT_WRITTEN' });
    expect(String(violation?.message)).toContain(
      'a.1.000001.journal cannot be written: it would be larger than the system allows (EFBIG)',
    );
    expect(readdirSync(folder)).toEqual(['a.1.000001.journal']);
  });
});
