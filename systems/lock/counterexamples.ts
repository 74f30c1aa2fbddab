/** The lock's constants as a counterexample's file holds them. */
import type { PlainConstants } from '../../src/refinement/schedule/plain-constants.js';
import { type LockConfiguration, lockConfiguration } from './configuration.js';

/** For shrinking and for files: any ring of at least two nodes. */
export const plainLock: PlainConstants<LockConfiguration> = {
  describe: ({ nodes, parameters }) => ({
    nodes: nodes.map((address, i) => ({ id: String(i + 1), address })),
    application: undefined,
    parameters: { ...parameters },
  }),
  restore: ({ nodes, parameters }) =>
    lockConfiguration(
      nodes.map((node) => node.address),
      parameters,
    ),
};
