import { fileURLToPath } from 'node:url';
import { refinementSuite } from '../../src/vitest/index.js';
import { ironrsmSimulation } from '../../systems/ironrsm/simulation.js';

refinementSuite(ironrsmSimulation, {
  runs: 20,
  steps: 600,
  codecRuns: 300,
  scheduleRuns: 5,
  regressions: fileURLToPath(new URL('../regressions.json', import.meta.url)),
});
