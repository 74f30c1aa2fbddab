import { fileURLToPath } from 'node:url';
import { refinementSuite } from '../../src/vitest/index.js';
import { ironrsmSimulation } from '../../systems/ironrsm/simulation.js';

refinementSuite(ironrsmSimulation, {
  // Few runs of this length see a replica fetch a batch, or a seqno used twice: two of these do the one, three the other.
  seed: 16,
  runs: 20,
  steps: 600,
  codecRuns: 300,
  scheduleRuns: 5,
  regressions: fileURLToPath(new URL('../regressions.json', import.meta.url)),
});
