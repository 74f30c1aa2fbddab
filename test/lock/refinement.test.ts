import { fileURLToPath } from 'node:url';
import { refinementSuite } from '../../src/vitest/index.js';
import { lockSimulation } from '../../systems/lock/simulation.js';

refinementSuite(lockSimulation, {
  runs: 40,
  steps: 500,
  scheduleRuns: 10,
  regressions: fileURLToPath(new URL('../regressions.json', import.meta.url)),
});
