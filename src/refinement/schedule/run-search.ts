/** Smaller runs with the same violation, for violations that no schedule shows: of liveness and of clients' histories. */
import type { Found, RunOptions } from '../simulation/run-result.js';

/** Runs a seed; what it found. */
export type FindIn = (options: RunOptions) => Promise<Found | undefined>;

/** Fewer faults, fewer hosts, fewer steps, as long as the same rule is broken and `more()` says to go on. */
export const smallerRun = async (
  find: FindIn,
  start: RunOptions,
  found: Found,
  more: () => boolean,
): Promise<RunOptions> => {
  let best = start;
  const attempt = async (options: RunOptions): Promise<boolean> => {
    if (!more()) return false;
    const again = await find(options);
    if (again === undefined || again.code !== found.code || again.rule !== found.rule) return false;
    best = options;
    return true;
  };
  for (const fault of start.faults) await attempt({ ...best, faults: best.faults.filter((f) => f !== fault) });
  for (const nodes of [2, 3, 4]) {
    if ((best.nodes ?? Number.POSITIVE_INFINITY) > nodes && (await attempt({ ...best, nodes }))) break;
  }
  for (let steps = Math.floor(best.steps / 2); steps > 0; steps = Math.floor(steps / 2)) {
    if (!(await attempt({ ...best, steps }))) break;
  }
  return best;
};
