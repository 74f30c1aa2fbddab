/** The planted bugs of every system. Loads no host and no protocol: a plant must be known before they are loaded. */
import { ironkvPlants } from '../../systems/ironkv/plants.js';
import { ironrsmPlants } from '../../systems/ironrsm/plants.js';
import { lockPlants } from '../../systems/lock/plants.js';
import type { Patch, Plant } from '../refinement/plant.js';

/** By system. */
export const plants: Readonly<Record<string, readonly Plant[]>> = {
  lock: lockPlants,
  ironrsm: ironrsmPlants,
  ironkv: ironkvPlants,
};

/** The plant with the name `SYSTEM/ID`. */
export const plantNamed = (name: string): Plant | undefined => {
  const [system = '', id = ''] = name.split('/');
  return Object.hasOwn(plants, system) ? plants[system]?.find((plant) => plant.id === id) : undefined;
};

/** The patches of `SYSTEM/ID`; of a fault of a check, those of the bug that it is to miss too. Throws where there is no such plant. */
export const patchesOf = (name: string): readonly Patch[] => {
  const plant = plantNamed(name);
  if (plant === undefined) throw new Error(`there is no planted bug "${name}"`);
  if (plant.breaks === undefined) return plant.patches;
  return [...plant.patches, ...patchesOf(`${name.split('/')[0]}/${plant.breaks}`)];
};
