/** `ironkeel client` for IronRSM. */
import { E } from '../../spec/prelude.js';
import type { LoadedCluster } from '../cluster-config.js';
import { clientAddressFor } from '../config.js';
import { exitCodes, UsageError } from '../outcome.js';
import { rsm } from '../systems.js';
import { type Answer, bytesOf, type ClientFlags, fine, plain, type Shown, shownValue, type Words } from './answer.js';

const answered = <A>(result: E.Either<rsm.CommandError, A>, show: (value: A) => Shown): Answer => {
  if (E.isRight(result)) return fine(show(result.right));
  const { tag, message } = result.left;
  const exitCode = exitCodeOf[tag];
  return {
    exitCode,
    text: message,
    fields: {
      error: 'error' in result.left ? result.left.error : errorNames[tag],
      message,
      known: 'known' in result.left ? result.left.known : 'not executed',
    },
  };
};

/** What the user can mend is a mistake of usage; of the rest it is unknown whether it was executed, or it was not in time. */
const exitCodeOf = {
  Timeout: exitCodes.inconclusive,
  Closed: exitCodes.inconclusive,
  SessionExpired: exitCodes.inconclusive,
  SeqnoReused: exitCodes.internal,
  TooLarge: exitCodes.usage,
  BadArgument: exitCodes.usage,
  ReplyTooLarge: exitCodes.usage,
  Application: exitCodes.usage,
} as const;

const errorNames = {
  Timeout: 'TIMEOUT',
  Closed: 'CLOSED',
  SessionExpired: 'SESSION_EXPIRED',
  SeqnoReused: 'SEQNO_REUSED',
  TooLarge: 'REQUEST_TOO_LARGE',
  BadArgument: 'BAD_ARGUMENT',
  ReplyTooLarge: 'REPLY_TOO_LARGE',
  Application: 'APPLICATION',
} as const;

/** What an operation takes, besides what commander says about it. */
interface Operation {
  readonly words: string;
  readonly count: number;
  readonly application: 'kv' | 'counter';
  readonly run: (client: rsm.Requester, words: Words, absent: boolean) => Promise<Answer>;
}

const operations: Readonly<Record<string, Operation>> = {
  get: {
    words: 'KEY',
    count: 1,
    application: 'kv',
    run: async (client, [key]) => answered(await new rsm.KvClient(client).get(bytesOf(key)), shownValue),
  },
  set: {
    words: 'KEY VALUE',
    count: 2,
    application: 'kv',
    run: async (client, [key, value]) =>
      answered(await new rsm.KvClient(client).set(bytesOf(key), bytesOf(value)), () => ({ text: 'OK', fields: {} })),
  },
  del: {
    words: 'KEY',
    count: 1,
    application: 'kv',
    run: async (client, [key]) => answered(await new rsm.KvClient(client).del(bytesOf(key)), plain),
  },
  cas: {
    words: 'KEY OLD NEW (with --absent: KEY NEW)',
    count: 3,
    application: 'kv',
    run: async (client, [key, first, second], absent) => {
      const [old, value] = absent ? [null, bytesOf(first)] : [bytesOf(first), bytesOf(second)];
      return answered(await new rsm.KvClient(client).cas(bytesOf(key), old, value), plain);
    },
  },
  incr: {
    words: 'KEY',
    count: 1,
    application: 'kv',
    run: async (client, [key]) => answered(await new rsm.KvClient(client).incr(bytesOf(key)), plain),
  },
  increment: {
    words: '',
    count: 0,
    application: 'counter',
    run: async (client) => answered(await new rsm.CounterClient(client).increment(), plain),
  },
};

const operationOf = (name: string, words: Words, absent: boolean, application: string | undefined): Operation => {
  const operation = Object.hasOwn(operations, name) ? operations[name] : undefined;
  if (operation === undefined) {
    throw new UsageError(`There is no operation "${name}": use one of ${Object.keys(operations).join(', ')}.`);
  }
  if (operation.application !== application) {
    throw new UsageError(
      `The operation "${name}" is one of the application ${operation.application}, and this cluster replicates ${application}.`,
    );
  }
  if (absent && name !== 'cas') throw new UsageError('--absent goes with the operation cas only.');
  if (words.length !== operation.count - (absent ? 1 : 0)) {
    throw new UsageError(`The operation "${name}" is written: ${name} ${operation.words}`.trimEnd());
  }
  return operation;
};

/** How a client of the cluster in `config` reaches it. */
const clientOptionsOf = ({ config }: LoadedCluster): rsm.RsmClientOptions => ({
  cluster: config.cluster,
  replicas: config.nodes.map((n) => n.address),
  address: clientAddressFor(config),
  datagramBytesMax: config.network.datagramBytesMax,
  requestBytesMax: config.parameters.requestBytesMax ?? rsm.defaultParameters.requestBytesMax,
  window: config.parameters.sessionWindow ?? rsm.defaultParameters.sessionWindow,
});

/** The client's requests carry the flag's timeout. */
const withTimeout = (client: rsm.RsmClient, timeoutMs: number): rsm.Requester => ({
  request: (value) => client.request(value, { timeoutMs }),
});

/** Sends one request to the cluster; what it gave. */
export const askRsm = async (
  loaded: LoadedCluster,
  name: string,
  words: Words,
  flags: ClientFlags,
): Promise<Answer> => {
  const absent = flags.absent === true;
  const operation = operationOf(name, words, absent, loaded.config.application);
  const client = await rsm.RsmClient.open(clientOptionsOf(loaded));
  if (E.isLeft(client)) throw new UsageError(`The client cannot open a socket: ${client.left}.`);
  const answer = await operation.run(
    withTimeout(client.right, flags.timeout ?? rsm.requestTimeoutMsDefault),
    words,
    absent,
  );
  await client.right.close();
  return answer;
};
