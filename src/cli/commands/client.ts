/** `ironkeel client`: one request to a cluster. */
import type { Command } from 'commander';
import { E } from '../../spec/prelude.js';
import { type LoadedCluster, loadCluster } from '../cluster-config.js';
import { clientAddressFor } from '../config.js';
import { conclude, type ExitCode, exitCodes, UsageError, wholeFlag } from '../outcome.js';
import { rsm } from '../systems.js';

interface ClientFlags {
  readonly config: string;
  readonly timeout: number;
  readonly absent?: boolean;
  readonly json?: boolean;
}

/** What a request gave, for a person and for a program. */
interface Answer {
  readonly exitCode: ExitCode;
  readonly text: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

type Words = readonly string[];

const bytesOf = (text: string | undefined): Uint8Array => Buffer.from(text ?? '', 'utf8');

/** Bytes for a program: as text where they are UTF-8, else in base64. */
const valueFields = (value: Uint8Array | null): Readonly<Record<string, unknown>> => {
  if (value === null) return { value: null };
  const text = Buffer.from(value).toString('utf8');
  const exact = Buffer.compare(Buffer.from(text, 'utf8'), value) === 0;
  return exact ? { value: text } : { valueBase64: Buffer.from(value).toString('base64') };
};

const answered = <A>(
  result: E.Either<rsm.CommandError, A>,
  show: (value: A) => { readonly text: string; readonly fields: Readonly<Record<string, unknown>> },
): Answer => {
  if (E.isRight(result)) return { exitCode: exitCodes.ok, ...show(result.right) };
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
  Application: exitCodes.usage,
} as const;

const errorNames = {
  Timeout: 'TIMEOUT',
  Closed: 'CLOSED',
  SessionExpired: 'SESSION_EXPIRED',
  SeqnoReused: 'SEQNO_REUSED',
  TooLarge: 'REQUEST_TOO_LARGE',
  Application: 'APPLICATION',
} as const;

const plain = (value: boolean | number) => ({ text: String(value), fields: { value } });

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
    run: async (client, [key]) =>
      answered(await new rsm.KvClient(client).get(bytesOf(key)), (value) => ({
        text: value === null ? '(nil)' : Buffer.from(value).toString('utf8'),
        fields: valueFields(value),
      })),
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
const clientOptionsOf = ({ config }: LoadedCluster): rsm.RsmClientOptions => {
  if (config.system !== 'ironrsm') {
    throw new UsageError(`A cluster of ${config.system} takes no clients: this is for ironrsm.`);
  }
  return {
    cluster: config.cluster,
    replicas: config.nodes.map((n) => n.address),
    address: clientAddressFor(config),
    datagramBytesMax: config.network.datagramBytesMax,
    requestBytesMax: config.parameters.requestBytesMax ?? rsm.defaultParameters.requestBytesMax,
    window: config.parameters.sessionWindow ?? rsm.defaultParameters.sessionWindow,
  };
};

/** The client's requests carry the flag's timeout. */
const withTimeout = (client: rsm.RsmClient, timeoutMs: number): rsm.Requester => ({
  request: (value) => client.request(value, { timeoutMs }),
});

/** Adds `client` to the command line. */
export const registerClient = (program: Command): void => {
  program
    .command('client')
    .description('send one request: get KEY | set KEY VALUE | del KEY | cas KEY OLD NEW | incr KEY | increment')
    .requiredOption('--config <file>', "the cluster's YAML file")
    .option(
      '--timeout <ms>',
      'how long to ask before the outcome is reported as unknown',
      wholeFlag('--timeout', 1),
      5000,
    )
    .option('--absent', 'cas KEY NEW: store NEW only if KEY holds nothing')
    .option('--json', 'print one JSON object as the last line')
    .argument('<operation>', Object.keys(operations).join(', '))
    .argument('[words...]', "the operation's key and values")
    .action(async (name: string, words: Words, flags: ClientFlags) => {
      const loaded = loadCluster(flags.config);
      const options = clientOptionsOf(loaded);
      const absent = flags.absent === true;
      const operation = operationOf(name, words, absent, loaded.config.application);
      const client = await rsm.RsmClient.open(options);
      if (E.isLeft(client)) throw new UsageError(`The client cannot open a socket: ${client.left}.`);
      const answer = await operation.run(withTimeout(client.right, flags.timeout), words, absent);
      await client.right.close();
      const { exitCode, text, fields } = answer;
      if (exitCode === exitCodes.usage) throw new UsageError(text);
      const json = flags.json === true;
      if (exitCode !== exitCodes.ok) process.stderr.write(`ironkeel: ${text}\n`);
      else if (!json) process.stdout.write(`${text}\n`);
      conclude({ command: 'client', exitCode, json, fields: { operation: name, ...fields } });
    });
};
