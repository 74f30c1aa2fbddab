/**
 * Plants every bug that is meant for the explorer, one at a time, and writes the tables of docs/exploration.md: `npm run
 * campaign:exploration`, or `node scripts/exploration-plants.mjs MODEL` for one model.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const { explorationPlants } = await import(`${root}dist/src/cli/plants.js`);

/** What the numbers of a model mean; and the one property that is also judged alone, with what its violation means. */
const models = {
  ironrsm: {
    bounds: 'acceptors, ballots, operations',
    alone: { property: 'at most one batch is chosen', until: 'two batches are chosen' },
  },
  ironkv: { bounds: 'writes, orders to refuse', alone: undefined },
  'ironkv-sessions': { bounds: 'ordered requests, moves, sessions', alone: undefined },
};

/** The last line of `ironkeel explore ... --json`. */
const explored = (args) => {
  const { stdout } = spawnSync(process.execPath, [`${root}bin/ironkeel.js`, 'explore', ...args, '--json'], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  return JSON.parse(stdout.trimEnd().split('\n').at(-1));
};

/** The steps of a counterexample to the property alone. */
const stepsUntil = (args, { property }) => {
  const alone = explored([...args, '--property', property]);
  if (alone.found.length > 0) return alone.found[0].trace.length - 1;
  return alone.complete ? 'never within these bounds' : 'none found in 120 s';
};

const line = (cells) => console.log(`| ${cells.join(' | ')} |`);

let missed = 0;
for (const [model, plants] of Object.entries(explorationPlants)) {
  if (process.argv[2] !== undefined && process.argv[2] !== model) continue;
  const { bounds, alone } = models[model];
  const head = ['plant', bounds, 'caught by', 'steps', 'states', 's'];
  if (alone !== undefined) head.push(`steps until ${alone.until}`);
  line(head);
  line(head.map(() => '---'));
  for (const { id, title, size, bound, operations } of plants) {
    const args = [model, '--plant', id, '--time-limit', '120'];
    const { found, distinct, seconds } = explored(args);
    if (found.length === 0) missed++;
    const caught = found.length === 0 ? 'NOT CAUGHT' : `${found[0].code}: ${found[0].rule}`;
    const steps = found.length === 0 ? '' : found[0].trace.length - 1;
    const numbers = [size, bound, operations].filter((n) => n !== undefined).join(', ');
    const cells = [`${id} ${title}`, numbers, caught, steps, distinct, seconds.toFixed(1)];
    line(alone === undefined ? cells : [...cells, stepsUntil(args, alone)]);
  }
  console.log('');
}
process.exitCode = missed === 0 ? 0 : 1;
