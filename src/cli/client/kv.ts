/** `ironkeel client` for IronKV. */
import type { EndPoint } from '../../spec/endpoint.js';
import { E } from '../../spec/prelude.js';
import type { LoadedCluster } from '../cluster-config.js';
import type { ClusterConfig } from '../config.js';
import { exitCodes, UsageError } from '../outcome.js';
import { kv, kvClientOptions } from '../systems.js';
import { type Answer, bytesOf, type ClientFlags, fine, plain, type Shown, shownValue, type Words } from './answer.js';

/** A key for a person: as it is where that is printable text, else in hexadecimal. */
export const keyText = (key: Uint8Array): string => {
  const text = Buffer.from(key).toString('utf8');
  const exact = Buffer.compare(Buffer.from(text, 'utf8'), key) === 0;
  return exact && /^[^\p{C}]*$/u.test(text) && !text.startsWith('0x') ? text : `0x${Buffer.from(key).toString('hex')}`;
};

const errorNames: Readonly<Record<kv.RequestError['tag'], string>> = {
  Timeout: 'TIMEOUT',
  Closed: 'CLOSED',
  SessionExpired: 'SESSION_EXPIRED',
  OrderLost: 'ORDER_LOST',
  OutOfWindow: 'OUT_OF_WINDOW',
  KeyTooLong: 'KEY_TOO_LONG',
  ValueTooLarge: 'VALUE_TOO_LARGE',
  BadArgument: 'BAD_ARGUMENT',
  Failed: 'FAILED',
};

const answered = <A>(result: E.Either<kv.RequestError, A>, show: (value: A) => Shown): Answer => {
  if (E.isRight(result)) return fine(show(result.right));
  const error = result.left;
  const mendable = ['Failed', 'KeyTooLong', 'ValueTooLarge', 'BadArgument'].includes(error.tag);
  return {
    exitCode: mendable ? exitCodes.usage : exitCodes.inconclusive,
    text: error.message,
    fields: {
      error: error.tag === 'Failed' ? error.error : errorNames[error.tag],
      message: error.message,
      known: 'known' in error ? error.known : 'executed without effect',
    },
  };
};

/** What an operation takes. */
interface Operation {
  readonly words: string;
  readonly count: number;
  readonly run: (
    client: kv.KvStoreClient,
    words: readonly Uint8Array[],
    options: kv.RequestOptions,
    flags: { readonly absent: boolean; readonly hex: boolean },
  ) => Promise<Answer>;
}

const none = new Uint8Array();

const operations: Readonly<Record<string, Operation>> = {
  get: {
    words: 'KEY',
    count: 1,
    run: async (client, [key = none], options, { hex }) => answered(await client.get(key, options), shownValue(hex)),
  },
  set: {
    words: 'KEY VALUE',
    count: 2,
    run: async (client, [key = none, value = none], options) =>
      answered(await client.set(key, value, options), () => ({ text: 'OK', fields: {} })),
  },
  del: {
    words: 'KEY',
    count: 1,
    run: async (client, [key = none], options) => answered(await client.delete(key, options), plain),
  },
  cas: {
    words: 'KEY OLD NEW (with --absent: KEY NEW)',
    count: 3,
    run: async (client, [key = none, one = none, two = none], options, { absent }) => {
      const [old, value] = absent ? [null, one] : [one, two];
      return answered(await client.compareAndSet(key, old, value, options), plain);
    },
  },
  incr: {
    words: 'KEY',
    count: 1,
    run: async (client, [key = none], options) => answered(await client.increment(key, 1, options), plain),
  },
};

/** The host that a word names: by its id in the file, or by its address. */
const hostNamed = ({ nodes }: ClusterConfig, word: string): EndPoint => {
  const node = nodes.find(({ id, address }) => id === word || address === word);
  if (node !== undefined) return node.address;
  throw new UsageError(`There is no host "${word}": use one of ${nodes.map(({ id }) => id).join(', ')}.`);
};

const shardTimeoutMsDefault = 60_000;

const shardErrorName = (error: kv.ShardError): string => {
  if (error.tag === 'Refused') return error.reason;
  return error.tag === 'RecipientSilent' ? 'RECIPIENT_SILENT' : 'TIMEOUT';
};

const shard = async (config: ClusterConfig, words: Words, flags: ClientFlags): Promise<Answer> => {
  const [low, high, host] = words;
  if (low === undefined || high === undefined || host === undefined || words.length > 3) {
    throw new UsageError(
      'The operation "shard" is written: shard LO HI HOST, for the keys from LO up to HI; an empty HI ("") is beyond every key.',
    );
  }
  const recipient = hostNamed(config, host);
  const hex = flags.hex === true;
  const order = { lo: bytesOf(low, hex), hi: high === '' ? null : bytesOf(high, hex), recipient };
  const administrator = await kv.Administrator.open(kvClientOptions(config));
  if (E.isLeft(administrator)) throw new UsageError(`Nothing can be ordered: ${administrator.left}.`);
  const result = await administrator.right.shard(order, flags.timeout ?? shardTimeoutMsDefault);
  await administrator.right.close();
  if (E.isRight(result)) return fine({ text: 'done', fields: { orders: result.right.orders } });
  const { tag, message } = result.left;
  return {
    exitCode: tag === 'Refused' ? exitCodes.usage : exitCodes.inconclusive,
    text: message,
    fields: { error: shardErrorName(result.left), message },
  };
};

const operationOf = (name: string, words: Words, absent: boolean): Operation => {
  const operation = Object.hasOwn(operations, name) ? operations[name] : undefined;
  if (operation === undefined) {
    throw new UsageError(
      `There is no operation "${name}": use one of ${Object.keys(operations).join(', ')}, shard, status.`,
    );
  }
  if (absent && name !== 'cas') throw new UsageError('--absent goes with the operation cas only.');
  if (words.length !== operation.count - (absent ? 1 : 0)) {
    throw new UsageError(`The operation "${name}" is written: ${name} ${operation.words}`);
  }
  return operation;
};

/** Sends one request to the cluster; what it gave. */
export const askKv = async (
  { config }: LoadedCluster,
  name: string,
  words: Words,
  flags: ClientFlags,
): Promise<Answer> => {
  if (name === 'shard') return shard(config, words, flags);
  const absent = flags.absent === true;
  const operation = operationOf(name, words, absent);
  const hex = flags.hex === true;
  const bytes = words.map((word) => bytesOf(word, hex));
  const client = await kv.KvStoreClient.open(kvClientOptions(config));
  if (E.isLeft(client)) throw new UsageError(`The client cannot open a socket: ${client.left}.`);
  const timeoutMs = flags.timeout ?? kv.requestTimeoutMsDefault;
  const answer = await operation.run(client.right, bytes, { timeoutMs }, { absent, hex });
  await client.right.close();
  return answer;
};
