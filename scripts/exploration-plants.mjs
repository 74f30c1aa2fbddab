/** Plants every bug that is meant for the explorer, one at a time, and writes the table of docs/exploration.md: `npm run campaign:exploration`. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const { explorationPlants } = await import(`${root}dist/src/cli/plants.js`);
const agreement = 'at most one batch is chosen';

/** The last line of `ironkeel explore ... --json`. */
const explored = (args) => {
  const { stdout } = spawnSync(process.execPath, [`${root}bin/ironkeel.js`, 'explore', ...args, '--json'], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  return JSON.parse(stdout.trimEnd().split('\n').at(-1));
};

console.log(
  '| plant | acceptors, ballots, operations | caught by | steps | states | s | steps until two batches are chosen |',
);
console.log('| --- | --- | --- | --- | --- | --- | --- |');
let missed = 0;
for (const [model, plants] of Object.entries(explorationPlants)) {
  for (const { id, title, size, bound, operations } of plants) {
    const { found, distinct, seconds } = explored([model, '--plant', id, '--time-limit', '120']);
    const alone = explored([model, '--plant', id, '--time-limit', '120', '--property', agreement]);
    if (found.length === 0) missed++;
    const caught = found.length === 0 ? 'NOT CAUGHT' : `${found[0].code}: ${found[0].rule}`;
    const steps = found.length === 0 ? '' : found[0].trace.length - 1;
    const until =
      alone.found.length > 0
        ? alone.found[0].trace.length - 1
        : alone.complete
          ? 'never within these bounds'
          : 'none found in 120 s';
    console.log(
      `| ${id} ${title} | ${size}, ${bound}, ${operations} | ${caught} | ${steps} | ${distinct} | ${seconds.toFixed(1)} | ${until} |`,
    );
  }
}
process.exitCode = missed === 0 ? 0 : 1;
