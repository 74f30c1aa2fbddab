/** Preloaded (`node --import`) into a process that runs with a planted bug: registers the hooks that patch the built code in memory. */
import { register } from 'node:module';
import { patchesOf } from './plants.js';

register('./plant-hooks.js', import.meta.url, { data: patchesOf(process.env.IRONKEEL_PLANT ?? '') });
