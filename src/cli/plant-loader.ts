/** Preloaded (`node --import`) into a process that runs with a planted bug: registers the hooks that patch the built code in memory. */
import { register } from 'node:module';
import { plantNamed } from './plants.js';

const name = process.env.IRONKEEL_PLANT ?? '';
const plant = plantNamed(name);
if (plant === undefined) throw new Error(`there is no planted bug "${name}"`);
register('./plant-hooks.js', import.meta.url, { data: plant.patches });
