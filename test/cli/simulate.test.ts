/** `ironkeel simulate` as a command: a campaign that shows nothing never ends with exit code 0. */
import { afterEach, describe, expect, it } from 'vitest';
import { Running } from './command-line.js';

const commands: Running[] = [];

const simulate = (args: readonly string[], execArgv: readonly string[] = []): Running => {
  const command = new Running(['simulate', ...args], {}, execArgv);
  commands.push(command);
  return command;
};

const ended = (args: readonly string[], execArgv: readonly string[] = []) => simulate(args, execArgv).ended;

afterEach(async () => {
  for (const command of commands.splice(0)) {
    command.child.kill('SIGKILL');
    await command.ended;
  }
});

const json = (stdout: string): Record<string, unknown> =>
  JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, unknown>;

/** Loaded into every thread of the command: ends the worker threads, and only them, after a while. */
const endsWorkers =
  'data:text/javascript,import { isMainThread } from "node:worker_threads"; if (!isMainThread) setTimeout(() => process.exit(0), 300);';

/** Says when the command first listens for SIGINT: until then the signal ends it like any program. */
const tellsOfListeners = `data:text/javascript,${encodeURIComponent(`
  process.on('newListener', (event) => {
    if (event === 'SIGINT') queueMicrotask(() => process.stderr.write('it listens'));
  });`)}`;

describe('simulate', () => {
  it('ends with exit code 3 where a worker thread ends by itself', async () => {
    const { code, stderr, stdout } = await ended(
      ['lock', '--runs', '20000', '--jobs', '2', '--json'],
      ['--import', endsWorkers],
    );
    expect([code, json(stdout).ok]).toEqual([3, false]);
    expect(stderr).toContain('a worker of the campaign ended by itself');
  });

  it('ends with exit code 4 where it runs out of time', async () => {
    const { code, stdout } = await ended(['lock', '--runs', '50000', '--jobs', '2', '--time-limit', '2', '--json']);
    expect([code, json(stdout).complete]).toEqual([4, false]);
  });

  it('ends with exit code 130 where it is interrupted', async () => {
    const command = simulate(['lock', '--runs', '50000', '--jobs', '1'], ['--import', tellsOfListeners]);
    await command.printed('it listens');
    // In the midst of its runs, or before them where the machine is slow.
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    command.child.kill('SIGINT');
    expect((await command.ended).code).toBe(130);
  });

  it('gives the same result with one thread and with two', async () => {
    const args = ['lock', '--seed', '5', '--runs', '12', '--steps', '200', '--json'];
    const [one, two] = await Promise.all([ended([...args, '--jobs', '1']), ended([...args, '--jobs', '2'])]);
    expect(json(two.stdout)).toEqual(json(one.stdout));
  });

  it('runs the faults of a network, for a stated simulated time, at a stated rate', async () => {
    const { stdout } = await ended([
      ...['ironrsm', '--seed', '1', '--runs', '2', '--network', 'ordered'],
      ...['--simulated-ms', '2000', '--rate', '10', '--json'],
    ]);
    const { faultsFired, simulatedMs, reached } = json(stdout) as {
      faultsFired: Record<string, number>;
      simulatedMs: number;
      reached: Record<string, number>;
    };
    expect([faultsFired.loss, faultsFired.reorder, faultsFired.crash]).toEqual([0, 0, 0]);
    expect(simulatedMs).toBeGreaterThanOrEqual(4_000);
    // Each request is executed by every replica.
    expect(reached['executed request']).toBeLessThan(400);
  });

  it.each([
    [['lock', '--shard', '5/4'], '--shard takes I/N'],
    [['lock', '--network', 'quantum'], '--network does not know'],
    [['lock', '--faults', 'gremlins'], '--faults does not know'],
    [['lock', '--faults', 'loss', '--network', 'busy'], 'give one of them'],
  ] as const)('refuses %j in one sentence', async (args, sentence) => {
    const { code, stderr } = await ended(args);
    expect([code, stderr.trim().split('\n').length]).toEqual([2, 1]);
    expect(stderr).toContain(sentence);
  });
});
