/** How the test suites run. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Suites own sockets, child processes and virtual clocks: a process each.
    pool: 'forks',
    maxWorkers: 2,
    // Simulations and clusters of processes on a busy machine; a test that hangs still ends.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
