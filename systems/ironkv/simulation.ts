/** IronKV under simulation: small clusters, clients with sessions, administrators who move ranges throughout, and what a campaign must have reached. */
import { crash, networks } from '../../src/protocol/network.js';
import { arbitraryOf } from '../../src/refinement/arbitrary.js';
import type { Random } from '../../src/refinement/random.js';
import type { Healed, Progress } from '../../src/refinement/simulation/progress.js';
import type {
  DrawOptions,
  SimulatedCluster,
  SimulatedSystem,
} from '../../src/refinement/simulation/simulated-system.js';
import type { Transition } from '../../src/refinement/transition.js';
import { endPoint } from '../../src/spec/endpoint.js';
import type { Configuration } from './configuration.js';
import type { KvHistory } from './history.js';
import type { KvAction, KvHost } from './host.js';
import { ironkv } from './main.js';
import { clientKinds, type KvMessage, kvSchema, textOfSession } from './messages.js';
import type { HostState, KvStep, Move } from './protocol.js';
import { ironkvCluster } from './refinement.js';
import { SimulatedAdministrator } from './simulation/administrator.js';
import { type MachineParts, SimulatedKvClient } from './simulation/client.js';
import { commandsOn, drawHabits, drawKeys, drawParameters, ofConnection } from './simulation/draw.js';
import { KvClientHistory } from './simulation/history.js';
import { SessionInventor } from './simulation/inventor.js';
import { Misuser } from './simulation/misuser.js';
import { answersAndDeliveries } from './simulation/progress.js';
import { type ExecuteRequest, isWrite, type KvSpec } from './spec.js';

const goals = [
  'executed write',
  'move completed',
  'range moved in pieces',
  'piece held back by the bytes unacked',
  'delivery accepted that tells of sessions',
  'delivery repeated',
  'delivery sent again',
  'sessions told apart from a delegate',
  'sessions expired',
  'request of an expired session',
  'announcement made',
  'request of a session that is not announced',
  'expired numbers skipped',
  'request out of order',
  'retry answered from its record',
  'redirect',
  'shard refused',
] as const;

type Goal = (typeof goals)[number];

const reachedByRequest = (t: Transition<HostState, KvMessage, KvStep>): Goal | undefined => {
  if (t.step.tag !== 'process' || t.step.packet.message.tag !== 'request') return undefined;
  const { session, seqno, command } = t.step.packet.message;
  const [answer] = t.sends;
  if (answer === undefined) {
    // Without an answer and without an entry: settled it cannot be.
    return t.before.sessions.has(textOfSession(session)) ? undefined : 'request of a session that is not announced';
  }
  switch (answer.message.tag) {
    case 'redirect':
      return 'redirect';
    case 'refused':
      if (answer.message.reason === 'SESSION_EXPIRED') return 'request of an expired session';
      return answer.message.reason === 'OUT_OF_ORDER' ? 'request out of order' : undefined;
    case 'reply': {
      if (!isWrite(command)) return undefined;
      const records = t.before.sessions.get(textOfSession(session))?.records ?? [];
      return records.some((r) => r.seqno === seqno) ? 'retry answered from its record' : 'executed write';
    }
    default:
      return undefined;
  }
};

const reachedByDelivery = ({ step, before, after }: Transition<HostState, KvMessage, KvStep>): Goal | undefined => {
  if (step.tag !== 'process' || step.packet.message.tag !== 'deliver') return undefined;
  if (before.peers === after.peers) return 'delivery repeated';
  return before.sessions === after.sessions ? undefined : 'delivery accepted that tells of sessions';
};

/** Whether the next piece of the move waits for an ack although fewer are unacked than may be. */
const isHeldBack = ({ peers, constants }: HostState, { recipient }: Move): boolean => {
  const { deliveriesMax, deliveryBytesMax } = constants.configuration.parameters;
  const { sent = 0, acked = 0, unackedBytes = 0 } = peers.get(recipient) ?? {};
  return sent - acked < deliveriesMax && unackedBytes >= deliveryBytesMax;
};

const reached = (t: Transition<HostState, KvMessage, KvStep>): Goal | undefined => {
  const { step, before, after, sends } = t;
  switch (step.tag) {
    case 'process':
      if (after.moves.length < before.moves.length) return 'move completed';
      if (step.packet.message.tag === 'open')
        return after.counts.opened > before.counts.opened + 1 ? 'expired numbers skipped' : undefined;
      if (step.packet.message.tag === 'shard') return after.moves === before.moves ? 'shard refused' : undefined;
      return reachedByRequest(t) ?? reachedByDelivery(t);
    case 'delegate': {
      const move = after.moves[step.move];
      if (move?.last !== null) return undefined;
      return isHeldBack(after, move) ? 'piece held back by the bytes unacked' : 'range moved in pieces';
    }
    case 'inform':
      return 'sessions told apart from a delegate';
    case 'announce':
      return 'announcement made';
    case 'resend':
      return sends.length > 0 ? 'delivery sent again' : undefined;
    default:
      return 'sessions expired';
  }
};

/** With a rate given, users think as long as makes it so. */
const thinkMsMaxOf = (machines: readonly number[], { rate }: DrawOptions, random: Random): number => {
  const sessions = machines.reduce((sum, count) => sum + count, 0);
  return rate === undefined ? random.pick([5, 15, 60]) : (2 * 1000 * sessions) / rate;
};

/** Clusters in which one client invents sessions, as a part of all. */
const attackedShare = 0.3;

/** Machines of clients that are like a gateway, as a part of all. */
const gatewayShare = 0.3;

const draw = (random: Random, options: DrawOptions): SimulatedCluster<Configuration, KvMessage, HostState> => {
  const size = options.nodes ?? random.pick([2, 2, 3, 3, 4]);
  const hosts = Array.from({ length: size }, (_, i) => endPoint(`10.0.0.${i + 1}:7000`));
  const administrators = Array.from({ length: random.int(1, 2) }, (_, i) => endPoint(`10.9.9.8:${9001 + i}`));
  const constants: Configuration = { hosts, administrators, parameters: drawParameters(random) };
  const { keys, bounds } = drawKeys(random);
  const { parameters } = constants;
  const history = new KvClientHistory(parameters.valueBytesMax);
  const parts: MachineParts = { hosts, nextCommand: commandsOn(keys, parameters), history };
  const clients = Array.from({ length: random.int(1, 3) }, () => random.int(1, parameters.sessionsMax < 8 ? 1 : 2)).map(
    (sessions, _, machines) => {
      const beside = random.chance(gatewayShare) ? random.pick(hosts) : undefined;
      const habits = Array.from({ length: sessions }, () =>
        drawHabits(random, parameters, thinkMsMaxOf(machines, options, random)),
      );
      if (beside === undefined) return new SimulatedKvClient(parts, habits);
      const connections = habits.map((one) => ofConnection(one, parameters, random));
      return new SimulatedKvClient({ ...parts, beside }, connections);
    },
  );
  const misusers = random.chance(0.6) ? [new Misuser(parts, parameters.sessionWindowMax)] : [];
  const orderers = administrators.map(
    (bind) =>
      new SimulatedAdministrator({
        bind,
        hosts,
        bounds,
        pauseMsMax: random.pick([10, 50, 200]),
        triesMax: random.pick([3, 20, 1000]),
      }),
  );
  const inventors = random.chance(attackedShare)
    ? [new SessionInventor({ hosts, keys, parameters, pauseMsMax: random.pick([10, 50, 200]) })]
    : [];
  const resting = [...clients, ...orderers, ...inventors];
  const progress = (healed: Healed<HostState>): Progress => answersAndDeliveries(resting, healed);
  return { constants, hosts, clients: [...resting, ...misusers], progress, history };
};

/** What `ironkeel simulate ironkv` runs. Hosts that crash take their keys with them: nothing wrong is said, but not everything is answered. */
export const ironkvSimulation: SimulatedSystem<
  Configuration,
  KvHost,
  HostState,
  KvMessage,
  KvStep,
  KvAction,
  KvHistory,
  KvSpec,
  ExecuteRequest
> = {
  definition: ironkv,
  draw,
  claims: { safeUnder: networks, liveUnder: networks.filter((network) => network !== crash) },
  withoutRight: ({ source, message: { tag } }, { hosts, administrators }) =>
    !hosts.includes(source) && (tag === 'shard' ? !administrators.includes(source) : !clientKinds.includes(tag)),
  model: ironkvCluster,
  strangers: arbitraryOf(kvSchema),
  goals,
  reached,
};
