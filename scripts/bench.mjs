/** Compiles the checkout to .ironkeel/bench and runs one benchmark: `npm run bench:NAME -- ARGS`. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const [name = '', ...args] = process.argv.slice(2);

if (!existsSync(`${root}bench/${name}.ts`)) {
  const names = readdirSync(`${root}bench`).filter((file) => file.endsWith('.ts'));
  console.error(`bench takes one of ${names.map((file) => file.slice(0, -3)).join(', ')}, and not "${name}".`);
  process.exit(2);
}

/** Runs a script of Node in the root of the checkout; its exit code. */
const node = (...argv) => spawnSync(process.execPath, argv, { cwd: root, stdio: 'inherit' }).status ?? 1;

const compiled = node('node_modules/typescript/bin/tsc', '-p', 'tsconfig.bench.json');
process.exit(compiled === 0 ? node(`.ironkeel/bench/bench/${name}.js`, ...args) : compiled);
