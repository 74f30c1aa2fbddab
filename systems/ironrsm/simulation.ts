/** IronRSM under simulation: small clusters, clients that retry, and what a campaign must have reached. */
import { networks } from '../../src/protocol/network.js';
import { arbitraryOf } from '../../src/refinement/arbitrary.js';
import type { Random } from '../../src/refinement/random.js';
import type { Healed, Progress } from '../../src/refinement/simulation/progress.js';
import type { SimulatedSystem } from '../../src/refinement/simulation/simulated-system.js';
import type { Transition } from '../../src/refinement/transition.js';
import { endPoint } from '../../src/spec/endpoint.js';
import type { AnyApplication } from './application.js';
import { counter } from './applications/counter.js';
import { encodeCommand, kv } from './applications/kv.js';
import { type Configuration, defaultParameters, type Parameters } from './configuration.js';
import type { RsmHistory } from './history.js';
import type { ReplicaAction, ReplicaHost } from './host.js';
import { ironrsm } from './main.js';
import { type RsmMessage, rsmSchema } from './messages.js';
import type { Replica, ReplicaStep } from './protocol.js';
import { ironrsmCluster } from './refinement.js';
import { SimulatedClient } from './simulation/client.js';
import { RsmClientHistory, recordingOf } from './simulation/history.js';
import { answersAndAgreement } from './simulation/progress.js';
import { RsmScheduledClients } from './simulation/scheduled-clients.js';
import type { ExecuteBatch, RsmSpec } from './spec.js';

const keys = ['a', 'b', 'c'].map((key) => Buffer.from(key));

const kvCommand = (random: Random): Uint8Array => {
  const key = random.pick(keys);
  const value = Buffer.from(String(random.int(0, 9)));
  switch (random.int(0, 4)) {
    case 0:
      return encodeCommand({ tag: 'get', key });
    case 1:
      return encodeCommand({ tag: 'set', key, value });
    case 2:
      return encodeCommand({ tag: 'del', key });
    case 3:
      return encodeCommand({ tag: 'cas', key, old: random.chance(0.5) ? null : value, new: Buffer.from('5') });
    default:
      return encodeCommand({ tag: 'incr', key });
  }
};

const increment = (): Uint8Array => new Uint8Array();

/** Small bounds, so that truncation, full logs and timeouts happen within a short run. */
const drawParameters = (random: Random): Parameters => ({
  ...defaultParameters,
  logLengthMax: random.pick([4, 8, 32, 1024]),
  batchRequestsMax: random.pick([1, 2, 8]),
  pipelineMax: random.pick([1, 2, 4]),
  receiveMax: random.pick([1, 4, 64]),
  resendOpsMax: random.pick([1, 4, 16]),
  requestBytesMax: 256,
  heartbeatPeriodMs: random.int(20, 60),
  quietHeartbeatPeriodMs: random.pick([20, 100, 500]),
  viewTimeoutMs: random.chance(0.5) ? random.int(15, 60) : random.int(60, 300),
  // A low bound makes storms of view changes, in which ballots meet half done.
  viewTimeoutMsMax: random.pick([60, 300, 2_000]),
  retransmitPeriodMs: random.int(30, 100),
});

const reached = ({ step, before, after }: Transition<Replica, RsmMessage, ReplicaStep>): string | undefined => {
  switch (step.tag) {
    case 'execute':
      return after.executor.replies === before.executor.replies ? undefined : 'executed request';
    case 'enterPhase2':
      return before.proposer.ballot.seqno > 1 || before.proposer.ballot.proposer > 0 ? 'view change' : undefined;
    case 'truncate':
      return 'truncation';
    case 'nominate':
      return before.proposer.votedMax >= before.proposer.nextOpn ? 'inherited vote or filled gap' : undefined;
    case 'process':
      return step.packet.message.tag === 'appStateSupply' && after.executor.opsComplete > before.executor.opsComplete
        ? 'state transfer'
        : undefined;
    default:
      return undefined;
  }
};

/** What `ironkeel simulate ironrsm` runs. */
export const ironrsmSimulation: SimulatedSystem<
  Configuration,
  ReplicaHost,
  Replica,
  RsmMessage,
  ReplicaStep,
  ReplicaAction,
  RsmHistory,
  RsmSpec,
  ExecuteBatch
> = {
  definition: ironrsm,
  draw: (random, options) => {
    const size = options.nodes ?? random.pick([3, 3, 3, 4, 5]);
    const hosts = Array.from({ length: size }, (_, i) => endPoint(`10.0.0.${i + 1}:7000`));
    const counts = random.chance(0.3);
    const app: AnyApplication = counts ? counter : kv;
    const constants: Configuration = { replicas: hosts, app, parameters: drawParameters(random) };
    const nextValue = counts ? increment : kvCommand;
    // Drawn in any case: a run with fewer clients is that run otherwise.
    const drawnClients = random.int(1, 5);
    const count = options.clients ?? drawnClients;
    const thinkMsMax = options.rate === undefined ? 15 : (2 * 1000 * count) / options.rate;
    const history = new RsmClientHistory(recordingOf(app));
    const clients = Array.from(
      { length: count },
      () => new SimulatedClient(hosts, nextValue, thinkMsMax, history, options.requests ?? Infinity),
    );
    const progress = (healed: Healed<Replica>): Progress => answersAndAgreement(constants, clients, healed);
    return { constants, hosts, clients, progress, history };
  },
  claims: { safeUnder: networks, liveUnder: networks },
  scheduledClients: (constants) => new RsmScheduledClients(constants),
  model: ironrsmCluster,
  strangers: arbitraryOf(rsmSchema),
  goals: ['executed request', 'view change', 'truncation', 'inherited vote or filled gap', 'state transfer'],
  reached,
};
