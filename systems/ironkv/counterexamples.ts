/** IronKV's constants as a counterexample's file holds them. */
import type { PlainConstants } from '../../src/refinement/schedule/plain-constants.js';
import { E } from '../../src/spec/prelude.js';
import { type Configuration, defaultParameters } from './configuration.js';

/** For shrinking and for files. Parameters need not be ones that an operator may choose: simulated clusters have smaller ones. */
export const plainIronkv: PlainConstants<Configuration> = {
  describe: ({ hosts, administrators, parameters }) => ({
    nodes: hosts.map((address, i) => ({ id: String(i + 1), address })),
    application: undefined,
    administrators,
    parameters: { ...parameters },
  }),
  restore: ({ nodes, administrators = [], parameters }) => {
    const mistakes: string[] = [];
    if (nodes.length === 0) mistakes.push('a cluster has at least one host');
    for (const [name, value] of Object.entries(parameters)) {
      if (!Object.hasOwn(defaultParameters, name)) mistakes.push(`unknown parameter "${name}"`);
      else if (!Number.isSafeInteger(value) || value < 0) mistakes.push(`${name} must be a natural number`);
    }
    if (mistakes.length > 0) return E.left(mistakes);
    return E.right({
      hosts: nodes.map((node) => node.address),
      administrators,
      parameters: { ...defaultParameters, ...parameters },
    });
  },
};
