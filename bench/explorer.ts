/** How fast the explorer is: `npm run bench:explorer -- [MODEL:SIZE ...] [--workers N]`; MODEL:SIZE is `two-phase-commit:7` or `paxos:3`. */
import { loadavg } from 'node:os';
import { explorations, modelNamed } from '../src/cli/explorations.js';
import { explore, exploreInParallel } from '../src/refinement/explorer.js';

const args = process.argv.slice(2);
const at = args.indexOf('--workers');
const workers = at < 0 ? 1 : Number(args[at + 1]);
const asked = args.filter((_, i) => at < 0 || (i !== at && i !== at + 1));

for (const text of asked.length > 0
  ? asked
  : ['two-phase-commit:7', 'two-phase-commit:8', 'paxos:3', 'lock:3', 'ironrsm:3']) {
  const [name = '', size = ''] = text.split(':');
  const entry = explorations[name];
  if (entry === undefined || entry.size.max < Number(size) || !(Number(size) >= entry.size.min)) {
    console.error(`${text} is no MODEL:SIZE: choose a model from ${Object.keys(explorations).join(', ')}.`);
    process.exit(2);
  }
  const bound = entry.bound?.default ?? 0;
  const operations = entry.operations?.default ?? 0;
  const request = JSON.stringify({ size: Number(size), bound, operations, hosts: false, property: '' });
  const cpu = process.cpuUsage();
  const module = new URL('../src/cli/explorations.js', import.meta.url).href;
  const result =
    workers > 1
      ? await exploreInParallel({ module, name: 'modelNamed', args: [name, request] }, workers)
      : await explore(await modelNamed(name, request));
  const { user, system } = process.cpuUsage(cpu);
  const cpuSeconds = (user + system) / 1e6;
  console.log(
    JSON.stringify({
      model: result.model,
      workers,
      distinct: result.distinct,
      generated: result.generated,
      complete: result.complete,
      seconds: Number(result.seconds.toFixed(3)),
      cpuSeconds: Number(cpuSeconds.toFixed(3)),
      generatedPerSecond: Math.round(result.generated / result.seconds),
      generatedPerCpuSecond: Math.round(result.generated / cpuSeconds),
      residentMb: Math.round(process.memoryUsage().rss / 1e6),
      load: loadavg()[0]?.toFixed(1),
    }),
  );
}
