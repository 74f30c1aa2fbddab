/**
 * How fast one core simulates with all checks on: host steps a CPU-second under the default campaign, and simulated
 * cluster-hours a CPU-hour in long runs, IronRSM's under 10 requests a simulated second. With `--determinism N`: of how many of
 * N seeds two runs have the same trace.
 */
import { simulations } from '../src/cli/simulations.js';
import type { Simulation } from '../src/refinement/campaign.js';
import { faultNames } from '../src/refinement/simulation/faults.js';
import type { RunOptions } from '../src/refinement/simulation/run-result.js';

const loaded = async (system: string): Promise<Simulation> => {
  const load = simulations[system];
  if (load === undefined) throw new Error(`there is no system ${system}`);
  return load();
};

/** CPU time of this process in seconds: what other processes of the machine do does not count. */
const cpuSeconds = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

const measure = async (
  system: string,
  what: string,
  runs: number,
  options: Omit<RunOptions, 'seed'>,
): Promise<void> => {
  const { run } = await loaded(system);
  for (let seed = 1; seed <= 3; seed++) await run({ ...options, seed });
  let [steps, simulatedMs] = [0, 0];
  const begun = cpuSeconds();
  for (let seed = 1; seed <= runs; seed++) {
    const result = await run({ ...options, seed });
    if (result.found !== undefined) throw new Error(`seed ${seed}: ${result.found.code}`);
    steps += result.steps;
    simulatedMs += result.simulatedMs;
  }
  const seconds = cpuSeconds() - begun;
  const speed = `${Math.round(steps / seconds)} steps a CPU-second`;
  const hours = `${(simulatedMs / 1000 / seconds).toFixed(1)} cluster-hours a CPU-hour`;
  console.log(`${system}, ${what}, seeds 1 to ${runs}: ${speed}, ${hours}`);
};

const compare = async (system: string, runs: number): Promise<void> => {
  const { run } = await loaded(system);
  let same = 0;
  for (let seed = 1; seed <= runs; seed++) {
    const options = { seed, steps: 1000, faults: faultNames, nodes: undefined };
    const once = await run(options);
    const again = await run(options);
    if (once.traceHash === again.traceHash) same++;
  }
  console.log(`${system}: the same trace twice in ${same} of ${runs} seeds`);
};

const [flag, count] = process.argv.slice(2);
const all = { faults: faultNames, nodes: undefined };
if (flag === '--determinism')
  for (const system of Object.keys(simulations)) await compare(system, Number(count ?? 1000));
else {
  await measure('lock', '1,000 steps a run', 300, { ...all, steps: 1000 });
  await measure('ironrsm', '1,000 steps a run', 60, { ...all, steps: 1000 });
  const long = { ...all, steps: Number.MAX_SAFE_INTEGER, simulatedMs: 60_000 };
  await measure('lock', 'one simulated minute a run', 20, long);
  await measure('ironrsm', 'one simulated minute a run, 10 requests a second', 6, { ...long, rate: 10 });
}
