/** How the test suites run. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/fixed-seed.ts'],
    // Suites own sockets, child processes and virtual clocks: a process each.
    pool: 'forks',
    maxWorkers: 2,
    // Simulations and clusters of processes: the slowest take 10 s, and six times that where eight programs share the two cores. A
    // test that hangs still ends.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
