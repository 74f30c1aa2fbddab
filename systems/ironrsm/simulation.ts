/** IronRSM under simulation: small clusters, clients with sessions, and what a campaign must have reached. */
import { networks } from '../../src/protocol/network.js';
import { arbitraryOf } from '../../src/refinement/arbitrary.js';
import type { Random } from '../../src/refinement/random.js';
import type { Healed, Progress } from '../../src/refinement/simulation/progress.js';
import type {
  DrawOptions,
  SimulatedCluster,
  SimulatedSystem,
} from '../../src/refinement/simulation/simulated-system.js';
import { endPoint } from '../../src/spec/endpoint.js';
import { counter } from './applications/counter.js';
import { kv } from './applications/kv.js';
import type { Configuration, Parameters } from './configuration.js';
import type { RsmHistory } from './history.js';
import type { ReplicaAction, ReplicaHost } from './host.js';
import { ironrsm } from './main.js';
import { type RsmMessage, rsmSchema, sessionIdsMax } from './messages.js';
import type { Replica, ReplicaStep } from './protocol.js';
import { ironrsmCluster } from './refinement.js';
import { type MachineParts, type SessionHabits, SimulatedClient } from './simulation/client.js';
import { drawParameters, increment, kvCommands } from './simulation/draw.js';
import { ironrsmGoals, reached } from './simulation/goals.js';
import { RsmClientHistory, recordingOf } from './simulation/history.js';
import { Misuser } from './simulation/misuser.js';
import { answersAndAgreement } from './simulation/progress.js';
import { RsmScheduledClients } from './simulation/scheduled-clients.js';
import type { RsmSpec, RsmStep } from './spec.js';

/** What a campaign fixes, where the seed would draw it otherwise. */
export interface Scenario {
  /** Only the counter, whose exactness is judged. */
  readonly counts?: boolean;
  /** Sessions of all clients together, and how many machines they share. */
  readonly sessions?: number;
  readonly machines?: number;
  /** Without those who misuse their sessions, so that the counter's bounds are tight. */
  readonly wellBehaved?: boolean;
  /** Clients begin, think and ask again this many times slower, and do not give up: many of them overload replicas otherwise. */
  readonly slowness?: number;
  readonly parameters?: Partial<Parameters>;
}

/**
 * Sessions in use beyond those that may live. Few, since with many of them clients mostly pause before they open another one, and
 * little happens in a run.
 */
const crowdMax = 1;

/** Where they are crowded, users are slower, so that most sessions are idle. */
const crowdedThinkMs = 60;

const drawHabits = (
  random: Random,
  window: number,
  thinkMsMax: number,
  requestsMax: number,
  slowness = 1,
): SessionHabits => ({
  ordered: random.chance(0.4),
  window: random.int(1, window),
  requests: random.int(1, slowness > 1 ? 2 : 4),
  requestsMax,
  startMsMax: 20 * slowness,
  thinkMsMax: thinkMsMax * slowness,
  retryMs: random.int(40, 80) * slowness,
  retryMsMax: random.int(80, 400) * slowness,
  timeoutMs: random.chance(0.2) ? random.int(30, 150) : random.int(800, 3_000),
  givesUp: slowness === 1,
});

type Cluster = SimulatedCluster<Configuration, RsmMessage, Replica>;

const clientsOf = (scenario: Scenario, c: Configuration, random: Random, parts: MachineParts, options: DrawOptions) => {
  const { rate, requests: requestsMax = Infinity } = options;
  // Drawn in any case: a run with fewer clients is that run otherwise.
  const drawn = scenario.machines ?? random.int(1, 3);
  const machines = options.clients ?? drawn;
  const { sessionWindow, sessionsMax, requestBytesMax } = c.parameters;
  const sessions = scenario.sessions ?? Math.min(machines * random.int(1, 3), sessionsMax + crowdMax);
  const crowded = sessions > sessionsMax ? crowdedThinkMs : 0;
  const thinkMsMax = rate === undefined ? 15 + crowded : (2 * 1000 * sessions) / rate;
  const window = Math.min(sessionWindow, 8);
  const clients = Array.from({ length: machines }, (_, i) => {
    const own = Math.floor((sessions + i) / machines);
    return new SimulatedClient(
      parts,
      Array.from({ length: own }, () => drawHabits(random, window, thinkMsMax, requestsMax, scenario.slowness)),
    );
  });
  const misuses = random.chance(0.6) && scenario.wellBehaved !== true;
  const misusers = misuses ? [new Misuser(parts, requestBytesMax, random.chance(0.5))] : [];
  return { clients, misusers };
};

/** A stranger guesses no session: ids are small, and whoever names one speaks for it (README.md, "Terms"). */
const strangers = arbitraryOf(rsmSchema).map((m) =>
  m.tag === 'request' && m.session < sessionIdsMax ? { ...m, session: m.session + sessionIdsMax } : m,
);

type IronrsmSimulation = SimulatedSystem<
  Configuration,
  ReplicaHost,
  Replica,
  RsmMessage,
  ReplicaStep,
  ReplicaAction,
  RsmHistory,
  RsmSpec,
  RsmStep
>;

/** Clusters and clients as a scenario wants them, the rest as the seed draws it. */
export const ironrsmSimulationOf = (scenario: Scenario): IronrsmSimulation => ({
  definition: ironrsm,
  draw: (random, options): Cluster => {
    const size = options.nodes ?? random.pick([3, 3, 3, 4, 5]);
    const hosts = Array.from({ length: size }, (_, i) => endPoint(`10.0.0.${i + 1}:7000`));
    const counts = random.chance(0.3) || scenario.counts === true;
    const parameters = { ...drawParameters(random), ...scenario.parameters };
    const constants: Configuration = { replicas: hosts, app: counts ? counter : kv, parameters };
    const history = new RsmClientHistory(recordingOf(constants.app));
    const nextValue = counts ? increment : kvCommands(parameters.requestBytesMax);
    const { requestBytesMax } = parameters;
    const parts: MachineParts = { replicas: hosts, nextValue, requestBytesMax, history };
    const { clients, misusers } = clientsOf(scenario, constants, random, parts, options);
    const progress = (healed: Healed<Replica>): Progress => answersAndAgreement(constants, clients, history, healed);
    return { constants, hosts, clients: [...clients, ...misusers], progress, history };
  },
  claims: { safeUnder: networks, liveUnder: networks },
  scheduledClients: (constants) => new RsmScheduledClients(constants),
  model: ironrsmCluster,
  strangers,
  goals: ironrsmGoals,
  reached,
});

/** What `ironkeel simulate ironrsm` runs. */
export const ironrsmSimulation: IronrsmSimulation = ironrsmSimulationOf({});
