/** Module hooks that apply a plant's patches while files are loaded (Node's customization hooks). */
import type { InitializeHook, LoadHook } from 'node:module';
import { applyPatch, type Patch } from '../refinement/plant.js';

let patches: readonly Patch[] = [];

/** Takes the patches from the loader. */
export const initialize: InitializeHook<readonly Patch[]> = (data) => {
  patches = data;
};

/** Loads a file, patched where a patch names it. */
export const load: LoadHook = async (url, context, nextLoad) => {
  const loaded = await nextLoad(url, context);
  const concerning = patches.filter((patch) => url.endsWith(`/${patch.file}`));
  if (concerning.length === 0 || loaded.source === undefined || loaded.source === null) return loaded;
  const source =
    typeof loaded.source === 'string' ? loaded.source : Buffer.from(loaded.source as Uint8Array).toString();
  return { ...loaded, source: concerning.reduce(applyPatch, source) };
};
