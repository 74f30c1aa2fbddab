/**
 * Exactly-once under faults: IronRSM's counter with 10 % of the datagrams lost and 10 % doubled, others late and out of order, replicas that
 * crash, pause and are cut off, and states that are transferred. At the end of each run the counter stands at the increments that were
 * acknowledged, plus at most those with unknown outcomes. `--seeds N` (2,000 unless given; of the variant with 1,000 sessions a
 * hundredth), `--seed N` the first of them. Exit code 1 on a violation, 4 where something was not reached or decided.
 */
import { campaign, simulationOf } from '../src/refinement/campaign.js';
import { duplicateMax, lossMax } from '../src/refinement/simulation/faults/datagrams.js';
import type { FaultName } from '../src/refinement/simulation/faults.js';
import { ironrsmSimulationOf, type Scenario } from '../systems/ironrsm/simulation.js';

/** What a variant runs, and the goals that it cannot do without. */
interface Variant {
  readonly name: string;
  readonly scenario: Scenario;
  /** Of the seeds that are asked for. */
  readonly share: number;
  readonly steps: number;
  readonly goals: readonly string[];
  /** With so many requests at a time the search for a linearization runs out of steps; the count and the spec judge alone. */
  readonly unsearched?: boolean;
}

const roomy = { sessionsMax: 10_000, replyBytesMax: 1 << 26 };

/** A thousand clients fit through, and time out no view. */
const wide = {
  logLengthMax: 1024,
  voteBytesMax: 1 << 26,
  batchRequestsMax: 64,
  batchBytesMax: 1 << 18,
  requestsHeldMax: 65_536,
  receiveMax: 64,
  viewTimeoutMs: 300,
  viewTimeoutMsMax: 2_000,
};
const goals = ['executed request', 'view change', 'catch-up from the log', 'state transfer'];

const variants: readonly Variant[] = [
  {
    name: 'sessions that live',
    scenario: { counts: true, wellBehaved: true, parameters: { ...roomy, retainOpsMax: 4 } },
    share: 1,
    steps: 800,
    goals: [...goals, 'retry answered from what is kept'],
  },
  {
    name: 'sessions that expire in the middle',
    scenario: {
      counts: true,
      wellBehaved: true,
      machines: 3,
      sessions: 6,
      parameters: { sessionsMax: 4, replyBytesMax: 400, retainOpsMax: 4 },
    },
    share: 1,
    steps: 800,
    goals: [...goals, 'session expired'],
  },
  {
    name: '1,000 sessions',
    scenario: {
      counts: true,
      wellBehaved: true,
      machines: 20,
      sessions: 1000,
      slowness: 20,
      parameters: { ...roomy, ...wide, retainOpsMax: 4 },
    },
    unsearched: true,
    share: 1 / 100,
    steps: 2_000,
    goals: ['executed request', 'view change', 'catch-up from the log'],
  },
];

const faults: readonly FaultName[] = ['loss', 'duplicate', 'delay', 'reorder', 'pause', 'partition', 'crash'];
const strengths = { loss: 0.1 / lossMax, duplicate: 0.1 / duplicateMax, reorder: 0.5 };

const flag = (name: string, otherwise: number): number => {
  const at = process.argv.indexOf(name);
  return at < 0 ? otherwise : Number(process.argv[at + 1]);
};

const run = async ({ name, scenario, share, steps, goals: wanted, unsearched = false }: Variant): Promise<number> => {
  const runs = Math.ceil(flag('--seeds', 2000) * share);
  const seed = flag('--seed', 1);
  const begunMs = performance.now();
  const result = await campaign(simulationOf(ironrsmSimulationOf(scenario)), {
    seed,
    runs,
    steps,
    faults,
    strengths,
    nodes: undefined,
  });
  const counts = (record: Readonly<Record<string, number>>): string =>
    Object.entries(record)
      .filter(([, count]) => count > 0)
      .map(([what, count]) => `${what} ${count}`)
      .join(', ');
  const seconds = Math.round((performance.now() - begunMs) / 1000);
  console.log(`${name}: ${result.runs} runs from seed ${seed}, ${result.steps} steps, all checked, in ${seconds} s`);
  console.log(`  faults: ${counts(result.faultsFired)}`);
  console.log(`  reached: ${counts(result.reached)}`);
  for (const { code, rule, seed: where, evidence } of result.found)
    console.log(`  VIOLATION ${code} in seed ${where}: ${rule} ${JSON.stringify(evidence)}`);
  const undecided = unsearched ? [] : result.undecided;
  for (const { seed: where, why } of undecided) console.log(`  inconclusive in seed ${where}: ${why}`);
  const missing = wanted.filter((goal) => (result.reached[goal] ?? 0) === 0);
  if (missing.length > 0) console.log(`  never reached: ${missing.join(', ')}`);
  console.log(`  ${result.found.length} violations`);
  if (result.found.length > 0) return 1;
  return missing.length > 0 || undecided.length > 0 || !result.complete ? 4 : 0;
};

const codes: number[] = [];
for (const variant of variants) codes.push(await run(variant));
process.exitCode = codes.includes(1) ? 1 : Math.max(...codes);
