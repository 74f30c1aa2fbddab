/** `ironkeel bench`: how fast the system is on this machine. */
import type { Command } from 'commander';
import { bundleMax } from '../bench/closed-loop.js';
import { benchJudge, requestsPerStep, valueBytes } from '../bench/judge.js';
import { benchKvJudge, kvValueBytes } from '../bench/judge-kv.js';
import { benchKv } from '../bench/kv.js';
import { benchRsm } from '../bench/rsm.js';
import { conclude, exitCodes, UsageError, wholeFlag } from '../outcome.js';
import { rsm } from '../systems.js';
import { table } from '../table.js';
import { checkLevelOf } from './serve.js';

interface BenchFlags {
  readonly clients: number;
  readonly check: string;
  readonly seconds: number;
  readonly valueBytes: number;
  readonly app: string;
  readonly op?: string;
  readonly bundle: number;
  readonly durable?: boolean;
  readonly profile?: string;
  readonly journal?: string;
  readonly json?: boolean;
}

/** Flags that mean something only to some benchmarks: why the others refuse them. A flag that was ignored would make a figure say what was not measured. */
const refuseFlags = (flags: readonly string[], given: (flag: string) => boolean, why: string): void => {
  const flag = flags.find(given);
  if (flag !== undefined) throw new UsageError(`${flag} ${why}: leave it out.`);
};

const loadFlags: readonly string[] =
  '--clients --check --seconds --value-bytes --app --op --bundle --profile --journal'.split(' ');

/** Refuses a word that is not one of `words`. */
const oneOfWords = <W extends string>(flag: string, text: string, words: readonly W[]): W => {
  const word = words.find((w) => w === text);
  if (word === undefined) throw new UsageError(`${flag} takes ${words.join(' or ')}, and not "${text}".`);
  return word;
};

const runJudge = (json: boolean): void => {
  const rows = benchJudge();
  const head = ['log', 'sessions', 'state MB', 'µs a step', 'µs a request', "host's µs a step"];
  const cells = rows.map((r) =>
    [r.logLength, r.sessions, r.stateBytes / 1e6, r.microsPerStep, r.microsPerRequest, r.hostMicrosPerStep].map(String),
  );
  process.stdout.write(
    `A leader's judge, steps of ${requestsPerStep} requests of ${valueBytes} bytes:\n${table(head, cells)}`,
  );
  const tables = benchKvJudge();
  const kvHead = ['keys', 'µs a Set', 'p99', "host's µs a Set"];
  const kvCells = tables.map((r) => [r.keys, r.microsPerSet, r.microsPerSetP99, r.hostMicrosPerSet].map(String));
  process.stdout.write(
    `\nThe judge of a host of IronKV, steps of one Set of ${kvValueBytes} bytes:\n${table(kvHead, kvCells)}`,
  );
  const fields = {
    bench: 'judge',
    requestsPerStep,
    valueBytes,
    rows,
    ironkv: { valueBytes: kvValueBytes, rows: tables },
  };
  conclude({ command: 'bench', exitCode: exitCodes.ok, json, fields });
};

const runRsm = (flags: BenchFlags, given: (flag: string) => boolean): Promise<Readonly<Record<string, unknown>>> => {
  const check = checkLevelOf(flags.check);
  const app = oneOfWords('--app', flags.app, ['kv', 'counter']);
  if (app === 'counter') {
    refuseFlags(['--op', '--value-bytes'], given, 'goes with --app kv, and the counter does nothing but increment');
  }
  const op = oneOfWords('--op', flags.op ?? 'set', ['set', 'get']);
  const { clients, bundle, seconds, valueBytes, profile: profileDir, journal } = flags;
  return benchRsm({ clients, bundle, check, seconds, valueBytes, app, op, profileDir, journal });
};

const runKv = (flags: BenchFlags): Promise<Readonly<Record<string, unknown>>> => {
  const check = checkLevelOf(flags.check);
  if (flags.app !== 'kv') {
    throw new UsageError(
      `bench kv has the application kv alone, and not "${flags.app}": leave --app out, or use bench rsm.`,
    );
  }
  const op = oneOfWords('--op', flags.op ?? 'get', ['get', 'set']);
  const { clients, bundle, seconds, valueBytes, profile: profileDir, journal } = flags;
  return benchKv({ clients, bundle, check, seconds, valueBytes, op, profileDir, journal });
};

const runBench = async (subject: string, flags: BenchFlags, command: Command): Promise<void> => {
  if (subject !== 'rsm' && subject !== 'kv' && subject !== 'judge') {
    throw new UsageError(`The benchmark "${subject}" is not available: use rsm, kv or judge.`);
  }
  if (flags.durable === true) {
    throw new UsageError('--durable is not available yet: nodes keep their state in memory.');
  }
  const given = (flag: string): boolean => {
    const option = command.options.find(({ long }) => long === flag);
    return option !== undefined && command.getOptionValueSource(option.attributeName()) === 'cli';
  };
  if (subject === 'judge') {
    refuseFlags(loadFlags, given, 'is of rsm and kv, and bench judge has sizes of its own');
    runJudge(flags.json === true);
    return;
  }
  const fields = await (subject === 'kv' ? runKv(flags) : runRsm(flags, given));
  const exitCode = Number(fields.violations) > 0 ? exitCodes.violation : exitCodes.ok;
  const json = flags.json === true;
  if (!json) {
    for (const [name, value] of Object.entries(fields)) process.stdout.write(`${name.padEnd(18)} ${String(value)}\n`);
  }
  conclude({ command: 'bench', exitCode, json, fields });
};

/** Adds `bench` to the command line. */
export const registerBench = (program: Command): void => {
  program
    .command('bench')
    .description(
      "measure three replica processes, or one host of IronKV, under a closed loop of clients, or a judge's cost at several sizes",
    )
    .argument('<subject>', 'rsm, kv or judge')
    .option('--clients <n>', 'clients, each a session on a socket of its own', wholeFlag('--clients', 1, 4096), 64)
    .option('--check <level>', 'what the replicas judge before packets leave: inline or off', 'inline')
    .option('--seconds <n>', 'how long to measure, after a warm-up', wholeFlag('--seconds', 1, 3600), 10)
    .option('--value-bytes <n>', 'bytes of each value', wholeFlag('--value-bytes', 0, rsm.valueBytesMax), 128)
    .option('--app <app>', 'kv, or of rsm counter', 'kv')
    .option('--op <op>', 'set or get, of the application kv: of bench rsm set, of bench kv get unless told')
    .option('--bundle <n>', 'requests that each client keeps outstanding', wholeFlag('--bundle', 1, bundleMax), 1)
    .option('--durable', 'not available yet')
    .option('--profile <dir>', 'write a CPU profile of each replica into this folder')
    .option('--journal <dir>', 'the replicas write journals into this folder')
    .option('--json', 'print one JSON object as the last line')
    .action(runBench);
};
