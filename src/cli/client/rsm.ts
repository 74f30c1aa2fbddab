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

const integerOf = (word = ''): number => {
  const number = Number(word);
  // There is one zero on the wire.
  if (/^[+-]?[0-9]+$/.test(word) && Number.isSafeInteger(number)) return number === 0 ? 0 : number;
  throw new UsageError(`"${word}" is no integer from ${Number.MIN_SAFE_INTEGER} to ${Number.MAX_SAFE_INTEGER}.`);
};

/** What an operation takes, besides what commander says about it. */
interface Operation {
  readonly words: string;
  readonly count: number;
  /** The words that are integers, and never hexadecimal. */
  readonly integers?: readonly number[];
  readonly application: 'kv' | 'counter';
  readonly run: (
    client: rsm.Requester,
    words: readonly Uint8Array[],
    flags: { readonly absent: boolean; readonly hex: boolean },
  ) => Promise<Answer>;
}

const none = new Uint8Array();

const operations: Readonly<Record<string, Operation>> = {
  get: {
    words: 'KEY',
    count: 1,
    application: 'kv',
    run: async (client, [key = none], { hex }) => answered(await new rsm.KvClient(client).get(key), shownValue(hex)),
  },
  set: {
    words: 'KEY VALUE',
    count: 2,
    application: 'kv',
    run: async (client, [key = none, value = none]) =>
      answered(await new rsm.KvClient(client).set(key, value), () => ({ text: 'OK', fields: {} })),
  },
  del: {
    words: 'KEY',
    count: 1,
    application: 'kv',
    run: async (client, [key = none]) => answered(await new rsm.KvClient(client).del(key), plain),
  },
  cas: {
    words: 'KEY OLD NEW (with --absent: KEY NEW)',
    count: 3,
    application: 'kv',
    run: async (client, [key = none, first = none, second = none], { absent }) => {
      const [old, value] = absent ? [null, first] : [first, second];
      return answered(await new rsm.KvClient(client).cas(key, old, value), plain);
    },
  },
  incr: {
    words: 'KEY',
    count: 1,
    application: 'kv',
    run: async (client, [key = none]) => answered(await new rsm.KvClient(client).incr(key), plain),
  },
  add: {
    words: 'KEY NUMBER',
    count: 2,
    application: 'kv',
    integers: [1],
    run: async (client, [key = none, by = none]) =>
      answered(await new rsm.KvClient(client).add(key, integerOf(Buffer.from(by).toString())), plain),
  },
  append: {
    words: 'KEY VALUE',
    count: 2,
    application: 'kv',
    run: async (client, [key = none, value = none]) =>
      answered(await new rsm.KvClient(client).append(key, value), plain),
  },
  swap: {
    words: 'KEY VALUE',
    count: 2,
    application: 'kv',
    run: async (client, [key = none, value = none], { hex }) =>
      answered(await new rsm.KvClient(client).swap(key, value), shownValue(hex)),
  },
  size: {
    words: '',
    count: 0,
    application: 'kv',
    run: async (client) => answered(await new rsm.KvClient(client).size(), plain),
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
    throw new UsageError(`There is no operation "${name}": use one of ${Object.keys(operations).join(', ')}, status.`);
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
  const hex = flags.hex === true;
  const bytes = words.map((word, i) => bytesOf(word, hex && operation.integers?.includes(i) !== true));
  const client = await rsm.RsmClient.open(clientOptionsOf(loaded));
  if (E.isLeft(client)) throw new UsageError(`The client cannot open a socket: ${client.left}.`);
  const answer = await operation.run(withTimeout(client.right, flags.timeout ?? rsm.requestTimeoutMsDefault), bytes, {
    absent,
    hex,
  });
  await client.right.close();
  return answer;
};
