/** `ironkeel plants`: plants every known bug, one at a time, and says which check caught it and how fast. */
import type { Command } from 'commander';
import type { CheckKind } from '../../refinement/check-kind.js';
import { kindOf, type Plant, type PlantKind } from '../../refinement/plant.js';
import { conclude, type ExitCode, exitCodes, UsageError, wholeFlag } from '../outcome.js';
import { spawnPlanted } from '../planted-process.js';
import { plants } from '../plants.js';
import { table } from '../table.js';

interface PlantsFlags {
  readonly only: string | undefined;
  readonly seeds: number;
  readonly seed: number;
  readonly json: boolean | undefined;
}

/** One search for one plant. */
interface Row {
  readonly system: string;
  readonly id: string;
  readonly title: string;
  readonly kind: PlantKind;
  readonly expected: string;
  readonly seed: number;
  /** The search ended as it should: caught by a check named; all green, for a control; not reported, for a fault of that check. */
  readonly asExpected: boolean;
  readonly caughtBy: string;
  readonly rule: string;
  readonly runs: number;
  readonly steps: number;
  readonly stoppedBeforeRelease: boolean | undefined;
  readonly seconds: number;
}

/** What of the search's JSON is read here. */
interface Report {
  readonly runs: number;
  readonly steps: number;
  /** Where the campaign began with canaries that no check reported: how many is all that is read. */
  readonly silentCanaries?: readonly string[];
  readonly found: readonly {
    readonly check: CheckKind;
    readonly rule: string;
    readonly stoppedBeforeRelease?: boolean;
  }[];
}

/** A search that takes longer has failed: it is never counted as having passed. */
const searchSecondsMax = 120;

/** Seeds of one search never overlap with those of the next. */
const seedStride = 1_000_000;

interface Ended {
  readonly code: number | undefined;
  readonly report: Report | undefined;
  readonly lastError: string;
}

const search = (name: string, args: readonly string[]): Promise<Ended> =>
  new Promise((resolve) => {
    const child = spawnPlanted(name, args, 'pipe');
    let out = '';
    let errors = '';
    child.stdout?.on('data', (data: Buffer) => {
      out += data.toString();
    });
    child.stderr?.on('data', (data: Buffer) => {
      errors += data.toString();
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), searchSecondsMax * 1000);
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve({
        code: code ?? undefined,
        report: reportIn(out),
        lastError: errorIn(errors),
      });
    });
  });

/** The line that says what went wrong: Node prints the place first. */
const errorIn = (errors: string): string => {
  const lines = errors.trim().split('\n');
  return lines.find((line) => /^(?:\w*(?:Error|Mismatch)|ironkeel)\b.*:/.test(line)) ?? lines[0] ?? '';
};

const reportIn = (out: string): Report | undefined => {
  const last = out.trim().split('\n').at(-1) ?? '';
  try {
    const parsed: unknown = JSON.parse(last);
    return typeof parsed === 'object' && parsed !== null && 'found' in parsed ? (parsed as Report) : undefined;
  } catch {
    return undefined;
  }
};

const argsOf = (system: string, { id, hunt }: Plant, seed: number): readonly string[] => [
  'simulate',
  system,
  '--json',
  // Two searches go on at a time, one thread each: seeds are tried in their order.
  ...['--jobs', '1'],
  '--plant',
  id,
  ...['--seed', String(seed), '--runs', String(hunt.runs), '--steps', String(hunt.steps)],
  ...(hunt.nodes === undefined ? [] : ['--nodes', String(hunt.nodes)]),
  ...(hunt.faults === undefined ? [] : ['--faults', hunt.faults.join(',')]),
];

/** A control may leave goals unreached (exit 4) in its few runs. */
const greenCodes: readonly (number | undefined)[] = [exitCodes.ok, exitCodes.inconclusive];

/** Whether the campaign itself saw that a check does not check. */
const isSilent = (report: Report): boolean => (report.silentCanaries ?? []).length > 0;

const asExpected = (plant: Plant, { code, report }: Ended): boolean => {
  if (report === undefined) return false;
  const first = report.found[0];
  const named = first !== undefined && plant.checks.includes(first.check);
  switch (kindOf(plant)) {
    case 'control':
      return first === undefined && greenCodes.includes(code);
    case 'check fault':
      if (isSilent(report)) return code === exitCodes.internal;
      // A check that crashed has not missed the bug: it has shown nothing.
      return first === undefined ? greenCodes.includes(code) : !named && first.check !== 'JUDGE';
    case 'bug':
      return code === exitCodes.violation && named && first.stoppedBeforeRelease !== false;
  }
};

const expectation = (plant: Plant): string => {
  const checks = plant.checks.join(' or ');
  return plant.breaks === undefined ? checks || 'nothing' : `${plant.breaks} without ${checks}`;
};

/** How a search ended that reported no violation. */
const otherEnd = ({ code, report, lastError }: Ended): string => {
  if (report === undefined) return `FAILED: ${lastError || `exit code ${code}`}`;
  return isSilent(report) ? 'canary' : 'nothing';
};

const huntFor = async (system: string, plant: Plant, seed: number): Promise<Row> => {
  const begun = performance.now();
  const ended = await search(`${system}/${plant.id}`, argsOf(system, plant, seed));
  const first = ended.report?.found[0];
  return {
    system,
    id: plant.id,
    title: plant.title,
    kind: kindOf(plant),
    expected: expectation(plant),
    seed,
    asExpected: asExpected(plant, ended),
    caughtBy: first?.check ?? otherEnd(ended),
    rule: first?.rule ?? '',
    runs: ended.report?.runs ?? 0,
    steps: ended.report?.steps ?? 0,
    stoppedBeforeRelease: first?.stoppedBeforeRelease,
    seconds: Math.round((performance.now() - begun) / 100) / 10,
  };
};

/** Two searches at a time; the rows in the order of the jobs. */
const huntAll = async (jobs: readonly (() => Promise<Row>)[], onRow: (row: Row) => void): Promise<readonly Row[]> => {
  const rows: Row[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let i = next++; i < jobs.length; i = next++) {
      const row = await (jobs[i] as (typeof jobs)[number])();
      onRow(row);
      rows[i] = row;
    }
  };
  await Promise.all([worker(), worker()]);
  return rows;
};

const chosen = (system: string | undefined, only: string | undefined): readonly (readonly [string, Plant])[] => {
  if (system !== undefined && !Object.hasOwn(plants, system)) {
    throw new UsageError(`There are no planted bugs for "${system}": choose from ${Object.keys(plants).join(', ')}.`);
  }
  const all = Object.entries(plants).flatMap(([name, list]) => list.map((plant) => [name, plant] as const));
  const some = all.filter(
    ([name, { id }]) => (system === undefined || name === system) && (only === undefined || id === only),
  );
  if (some.length === 0) throw new UsageError(`There is no planted bug "${only}"; \`ironkeel plants\` lists all.`);
  return some;
};

const shown = (rows: readonly Row[]): string =>
  table(
    ['id', 'bug', 'expected', 'caught by', 'rule', 'runs', 'steps', 'nothing left', 's', ''],
    rows.map((r) => [
      r.id,
      r.title,
      r.expected,
      r.caughtBy,
      r.rule,
      String(r.runs),
      String(r.steps),
      r.stoppedBeforeRelease === undefined ? '' : r.stoppedBeforeRelease ? 'yes' : 'NO',
      r.seconds.toFixed(1),
      r.asExpected ? 'ok' : 'FAILED',
    ]),
  );

/** Adds `plants` to the command line. */
export const registerPlants = (program: Command): void => {
  program
    .command('plants [system]')
    .description('plant known bugs one at a time, and see each caught by the check that must catch it')
    .option('--only <id>', 'one plant')
    .option('--seeds <n>', 'searches for each plant, with fresh seeds', wholeFlag('--seeds', 1, 1000), 1)
    .option('--seed <n>', 'the first seed', wholeFlag('--seed', 0), 1)
    .option('--json', 'print one JSON object as the last line')
    .action(async (system: string | undefined, flags: PlantsFlags) => {
      const jobs = chosen(system, flags.only).flatMap(([name, plant]) =>
        Array.from({ length: flags.seeds }, (_, i) => () => huntFor(name, plant, flags.seed + i * seedStride)),
      );
      const rows = await huntAll(jobs, (row) =>
        process.stderr.write(`${row.id} ${row.asExpected ? 'ok' : 'FAILED'} (${row.caughtBy}, ${row.seconds} s)\n`),
      );
      process.stdout.write(`${shown(rows)}\n`);
      const count = (kind: PlantKind, good?: boolean): number =>
        rows.filter((row) => row.kind === kind && (good === undefined || row.asExpected === good)).length;
      const fields = {
        planted: count('bug'),
        caught: count('bug', true),
        controls: count('control'),
        falseAlarms: count('control', false),
        checkFaults: count('check fault'),
        noticed: count('check fault', true),
        rows,
      };
      process.stdout.write(
        `${fields.caught} of ${fields.planted} bugs caught, ${fields.falseAlarms} false alarms in ${fields.controls} controls, ${fields.noticed} of ${fields.checkFaults} faults of checks noticed\n`,
      );
      const good = rows.every((row) => row.asExpected);
      const exitCode: ExitCode = good ? exitCodes.ok : exitCodes.violation;
      conclude({ command: 'plants', exitCode, json: flags.json === true, fields });
    });
};
