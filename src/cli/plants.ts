/** The planted bugs of every system. Loads no host and no protocol: a plant must be known before they are loaded. */

import { ironkvExplorationPlants } from '../../systems/ironkv/plants/exploration.js';
import { ironkvSessionPlants } from '../../systems/ironkv/plants/session-exploration.js';
import { ironkvPlants } from '../../systems/ironkv/plants.js';
import { ironrsmExplorationPlants } from '../../systems/ironrsm/plants/exploration.js';
import { ironrsmPlants } from '../../systems/ironrsm/plants.js';
import { lockPlants } from '../../systems/lock/plants.js';
import type { ExplorationPlant, Patch, Plant } from '../refinement/plant.js';

/** By system. */
export const plants: Readonly<Record<string, readonly Plant[]>> = {
  lock: lockPlants,
  ironrsm: ironrsmPlants,
  ironkv: ironkvPlants,
};

/** Those in protocols, for the explorer, by model. Their names are `explore/MODEL/ID`. */
export const explorationPlants: Readonly<Record<string, readonly ExplorationPlant[]>> = {
  ironrsm: ironrsmExplorationPlants,
  ironkv: ironkvExplorationPlants,
  'ironkv-sessions': ironkvSessionPlants,
};

/** The plant `id` of the model `model`. */
export const explorationPlantNamed = (model: string, id: string): ExplorationPlant | undefined =>
  Object.hasOwn(explorationPlants, model) ? explorationPlants[model]?.find((plant) => plant.id === id) : undefined;

/** The plant with the name `SYSTEM/ID`. */
export const plantNamed = (name: string): Plant | undefined => {
  const [system = '', id = ''] = name.split('/');
  return Object.hasOwn(plants, system) ? plants[system]?.find((plant) => plant.id === id) : undefined;
};

/** The patches of `explore/MODEL/ID` or `SYSTEM/ID`; of a fault of a check, those of the bug that it is to miss too. Throws where there is no such plant. */
export const patchesOf = (name: string): readonly Patch[] => {
  const [kind, model = '', id = ''] = name.split('/');
  const explored = kind === 'explore' ? explorationPlantNamed(model, id) : undefined;
  if (explored !== undefined) return explored.patches;
  const plant = plantNamed(name);
  if (plant === undefined) throw new Error(`there is no planted bug "${name}"`);
  if (plant.breaks === undefined) return plant.patches;
  return [...plant.patches, ...patchesOf(`${name.split('/')[0]}/${plant.breaks}`)];
};
