/** The planted bugs of every system. Loads no host and no protocol: a plant must be known before they are loaded. */
import { ironrsmPlants } from '../../systems/ironrsm/plants.js';
import type { Plant } from '../refinement/plant.js';

/** By system. */
export const plants: Readonly<Record<string, readonly Plant[]>> = { ironrsm: ironrsmPlants };

/** The plant with the name `SYSTEM/ID`. */
export const plantNamed = (name: string): Plant | undefined => {
  const [system = '', id = ''] = name.split('/');
  return Object.hasOwn(plants, system) ? plants[system]?.find((plant) => plant.id === id) : undefined;
};
