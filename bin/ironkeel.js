#!/usr/bin/env node
// Loads the built command line; `npm ci` (its prepare script) builds it.
import { existsSync } from 'node:fs';

// Ctrl-C while the command line is still loading; it brings its own handler.
process.on('SIGINT', () => process.exit(130));

const built = new URL('../dist/src/cli/main.js', import.meta.url);
if (!existsSync(built)) {
  process.stderr.write('ironkeel: the build is missing; run `npm run build` in the checkout.\n');
  process.exit(2);
}
const { main } = await import(built.href);
await main(process.argv.slice(2));
