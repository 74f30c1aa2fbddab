/** Where plants are planted, and how long they are looked for. */
import type { Hunt } from '../../../src/refinement/plant.js';

/** A file of the host's parts. */
export const host = (part: string): string => `systems/ironkv/host/${part}.js`;
/** A file of the protocol's parts. */
export const protocol = (part: string): string => `systems/ironkv/protocol/${part}.js`;

export const hostFile = 'systems/ironkv/host.js';
export const specFile = 'systems/ironkv/spec.js';
export const invariantsFile = 'systems/ironkv/invariants.js';

/** Hosts that crash end the demand for progress, and are no fault that IronKV survives. */
const lastingFaults: readonly string[] = [
  'loss',
  'duplicate',
  'delay',
  'reorder',
  'corrupt',
  'partition',
  'one-way',
  'clog',
  'pause',
  'skew',
  'jump',
  'stranger',
];

/** For most bugs. */
export const hunt: Hunt = { runs: 150, steps: 800, faults: lastingFaults };
/** For bugs of the host over packets of other hosts: strangers are away, who would be blamed for what they did not do. */
export const amongHosts: Hunt = { ...hunt, faults: lastingFaults.filter((name) => name !== 'stranger') };
/** For bugs that stop progress: short safety phases, since what counts comes after the faults heal. */
export const live: Hunt = { ...hunt, steps: 400 };
/** Controls must stay green over this much. */
export const control: Hunt = { runs: 20, steps: 600, faults: lastingFaults };
