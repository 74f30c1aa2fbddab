/** IronRSM's constants as a counterexample's file holds them. */
import type { PlainConstants } from '../../src/refinement/schedule/plain-constants.js';
import { E } from '../../src/spec/prelude.js';
import { type Configuration, defaultParameters } from './configuration.js';
import { applications } from './main.js';

/**
 * For shrinking and for files: a cluster of one replica or more. Parameters need not be ones that an operator may choose:
 * simulated clusters have smaller ones.
 */
export const plainIronrsm: PlainConstants<Configuration> = {
  describe: ({ replicas, app, parameters }) => ({
    nodes: replicas.map((address, i) => ({ id: String(i + 1), address })),
    application: app.name,
    parameters: { ...parameters },
  }),
  restore: ({ nodes, application, parameters }) => {
    const app = Object.hasOwn(applications, application ?? '') ? applications[application ?? ''] : undefined;
    const mistakes: string[] = [];
    if (nodes.length === 0) mistakes.push('a cluster has at least one replica');
    if (app === undefined) mistakes.push(`application must be one of ${Object.keys(applications).join(', ')}`);
    for (const [name, value] of Object.entries(parameters)) {
      if (!Object.hasOwn(defaultParameters, name)) mistakes.push(`unknown parameter "${name}"`);
      else if (!Number.isSafeInteger(value) || value < 0) mistakes.push(`${name} must be a natural number`);
    }
    if (app === undefined || mistakes.length > 0) return E.left(mistakes);
    return E.right({
      replicas: nodes.map((node) => node.address),
      app,
      parameters: { ...defaultParameters, ...parameters },
    });
  },
};
