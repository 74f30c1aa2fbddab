/** Where the package lies, from its built files and from its sources alike. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const findRoot = (): string => {
  let at = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(at, 'package.json'))) {
    const up = dirname(at);
    if (up === at) throw new Error('the package.json of ironkeel is missing');
    at = up;
  }
  return at;
};

/** The package's folder. */
export const packageRoot = findRoot();

/** The command line's executable file. */
export const binFile = join(packageRoot, 'bin', 'ironkeel.js');

/** The version in package.json. */
export const packageVersion = (): string => {
  const parsed: unknown = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8'));
  return String((parsed as { readonly version?: unknown }).version);
};
