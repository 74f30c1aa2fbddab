/** IronRSM under simulation: small clusters, clients that retry, and what a campaign must have reached. */
import { arbitraryOf } from '../../src/refinement/arbitrary.js';
import type { Random } from '../../src/refinement/random.js';
import type { ClientIo, ClientProgram, SimulatedSystem } from '../../src/refinement/simulation/simulated-system.js';
import type { Transition } from '../../src/refinement/transition.js';
import { type EndPoint, endPoint } from '../../src/spec/endpoint.js';
import type { Packet } from '../../src/spec/packet.js';
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
import type { ExecuteBatch, RsmSpec } from './spec.js';

/** One outstanding request at a time; retries for ever, at any replica. */
class SimulatedClient implements ClientProgram<RsmMessage> {
  readonly #replicas: readonly EndPoint[];
  readonly #nextValue: (random: Random) => Uint8Array;
  #io: ClientIo<RsmMessage> | undefined;
  #leader: EndPoint;
  #seqno = 0;
  #value: Uint8Array = new Uint8Array();
  #answered = true;

  constructor(replicas: readonly EndPoint[], nextValue: (random: Random) => Uint8Array) {
    this.#replicas = replicas;
    this.#nextValue = nextValue;
    this.#leader = replicas[0] as EndPoint;
  }

  start(io: ClientIo<RsmMessage>): void {
    this.#io = io;
    io.after(io.random.between(0, 20), this.#ask);
  }

  receive({ source, message }: Packet<RsmMessage>): void {
    const io = this.#io;
    if (io === undefined || message.tag !== 'reply' || message.seqno !== this.#seqno || this.#answered) return;
    this.#answered = true;
    this.#leader = source;
    io.after(io.random.between(0, 15), this.#ask);
  }

  readonly #ask = (): void => {
    const io = this.#io;
    if (io === undefined) return;
    this.#seqno++;
    this.#value = this.#nextValue(io.random);
    this.#answered = false;
    this.#send(io, [this.#leader]);
    this.#retryLater(io, this.#seqno);
  };

  #send(io: ClientIo<RsmMessage>, targets: readonly EndPoint[]): void {
    for (const target of targets) io.send(target, { tag: 'request', seqno: this.#seqno, value: this.#value });
  }

  #retryLater(io: ClientIo<RsmMessage>, seqno: number): void {
    io.after(io.random.between(40, 120), () => {
      if (this.#seqno !== seqno || this.#answered) return;
      this.#send(io, this.#replicas);
      this.#retryLater(io, seqno);
    });
  }
}

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
    const clients = Array.from({ length: random.int(1, 5) }, () => new SimulatedClient(hosts, nextValue));
    return { constants, hosts, clients };
  },
  model: ironrsmCluster,
  strangers: arbitraryOf(rsmSchema),
  goals: ['executed request', 'view change', 'truncation', 'inherited vote or filled gap', 'state transfer'],
  reached,
};
