/** Processes that run with a planted bug: the same command line, with the loader that patches the built code in memory. */
import { type ChildProcess, spawn } from 'node:child_process';
import { binFile } from './package-root.js';

const loader = new URL('./plant-loader.js', import.meta.url).href;

/** Starts `ironkeel ARGS` with the plant `SYSTEM/ID`. The caller ends the process. */
export const spawnPlanted = (name: string, args: readonly string[], stdio: 'inherit' | 'pipe'): ChildProcess =>
  spawn(process.execPath, ['--import', loader, binFile, ...args], {
    stdio: stdio === 'inherit' ? 'inherit' : ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, IRONKEEL_PLANT: name },
  });

/** Runs this very command again with the plant; the exit code of that. */
export const rerunWithPlant = (name: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const child = spawnPlanted(name, process.argv.slice(2), 'inherit');
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 3));
  });
