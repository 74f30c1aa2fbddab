/** IronRSM's constants from a cluster's configuration file. */
import type { ClusterDescription } from '../../src/refinement/system.js';
import { E } from '../../src/spec/prelude.js';
import type { AnyApplication } from './application.js';
import { counter } from './applications/counter.js';
import { kv } from './applications/kv.js';
import { type Configuration, defaultParameters, type Parameters } from './configuration.js';

/** The applications that come with IronRSM, by name. */
export const applications: Readonly<Record<string, AnyApplication>> = { counter, kv };

const replicasMax = 15;

/** The allowed range of each parameter, both ends included. */
const ranges: Readonly<Record<keyof Parameters, readonly [number, number]>> = {
  logLengthMax: [2, 1 << 20],
  batchRequestsMax: [1, 4096],
  requestBytesMax: [1, 1 << 20],
  pipelineMax: [1, 4096],
  receiveMax: [1, 65_536],
  resendOpsMax: [1, 4096],
  heartbeatPeriodMs: [1, 60_000],
  viewTimeoutMs: [10, 600_000],
  viewTimeoutMsMax: [10, 3_600_000],
  retransmitPeriodMs: [1, 60_000],
};

const isParameter = (name: string): name is keyof Parameters => Object.hasOwn(ranges, name);

const parameterMistakes = (given: Readonly<Record<string, number>>): string[] =>
  Object.entries(given).flatMap(([name, value]) => {
    if (!isParameter(name)) return [`parameters.${name} is unknown: choose from ${Object.keys(ranges).join(', ')}`];
    const [min, max] = ranges[name];
    if (Number.isInteger(value) && value >= min && value <= max) return [];
    return [`parameters.${name} is ${value}: give a whole number from ${min} to ${max}`];
  });

/** `Left`: one sentence for each mistake, with its mend. */
export const configurationOf = (cluster: ClusterDescription): E.Either<readonly string[], Configuration> => {
  const mistakes = parameterMistakes(cluster.parameters);
  const name = cluster.application ?? 'kv';
  const app = applications[name];
  if (app === undefined)
    mistakes.push(`application "${name}" is unknown: choose from ${Object.keys(applications).join(', ')}`);
  if (cluster.nodes.length > replicasMax)
    mistakes.push(`there are ${cluster.nodes.length} nodes: at most ${replicasMax} can be replicas`);
  const parameters: Parameters = { ...defaultParameters, ...cluster.parameters };
  if (parameters.viewTimeoutMsMax < parameters.viewTimeoutMs) {
    mistakes.push('parameters.viewTimeoutMsMax is below viewTimeoutMs: raise it');
  }
  if (mistakes.length > 0 || app === undefined) return E.left(mistakes);
  return E.right({ replicas: cluster.nodes.map((n) => n.address), app, parameters });
};
