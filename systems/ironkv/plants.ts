/**
 * Known bugs of sharded stores, planted in IronKV one at a time, controls, and faults of the checks. RC and SEC bugs are in the
 * host alone, and its judge must stop it; INV, REF, LIN and LIVE bugs are in protocol and host alike, so that the host refinement
 * stays silent, or in the client, which it does not judge.
 */
import type { Plant } from '../../src/refinement/plant.js';
import { checkPlants } from './plants/checks.js';
import { clientControls, clientPlants } from './plants/clients.js';
import { controlPlants } from './plants/controls.js';
import { deliveryPlants } from './plants/deliveries.js';
import { orderPlants } from './plants/order.js';
import { rangePlants } from './plants/ranges.js';
import { sessionControls, sessionPlants } from './plants/sessions.js';

/** The corpus for IronKV: docs/plants.md has the table. */
export const ironkvPlants: readonly Plant[] = [
  ...deliveryPlants,
  ...rangePlants,
  ...sessionPlants,
  ...orderPlants,
  ...clientPlants,
  ...controlPlants,
  ...sessionControls,
  ...clientControls,
  ...checkPlants,
];
