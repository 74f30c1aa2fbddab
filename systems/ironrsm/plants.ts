/**
 * Known bugs of consensus, planted in IronRSM one at a time, and controls. RC, RED and SEC bugs are in the host alone, and its
 * judge must stop it; INV, REF, LIN and LIVE bugs are in protocol and host alike, so that the host refinement stays silent.
 */
import type { Plant } from '../../src/refinement/plant.js';
import { ballotPlants } from './plants/ballots.js';
import { changePlants } from './plants/change.js';
import { controlPlants } from './plants/controls.js';
import { executionPlants } from './plants/execution.js';
import { logPlants } from './plants/log.js';
import { sessionPlants } from './plants/sessions.js';
import { shellPlants } from './plants/shell.js';

/** The corpus for IronRSM, by number: docs/plants.md has the table. */
export const ironrsmPlants: readonly Plant[] = [
  ...ballotPlants,
  ...logPlants,
  ...sessionPlants,
  ...executionPlants,
  ...shellPlants,
  ...changePlants,
  ...controlPlants,
];
