/** The commands of the Redis protocol that concern the connection and the server: as much of them as clients need to start. */
import { type Args, keyCommands } from './commands.js';
import { array, bulk, errorReply, integer, nil, ok, type Reply, type RespVersion } from './resp-reply.js';

/** The connection that a command is about. */
export interface ConnectionState {
  readonly id: number;
  version: RespVersion;
  name: string;
  /** The version of this package. */
  readonly serverVersion: string;
  /** Ends the connection once everything asked so far is answered. */
  end(): void;
  countKeys(): Promise<number | undefined>;
}

/** How such a command is written and run. Most answer at once. */
export interface ConnectionCommand {
  readonly arity: number;
  readonly run: (args: Args, connection: ConnectionState) => Reply | Promise<Reply>;
}

const textOf = (arg: Uint8Array | undefined): string => Buffer.from(arg ?? []).toString('latin1');

const lower = (arg: Uint8Array | undefined): string => textOf(arg).toLowerCase();

const wrongNumber = (name: string): Reply => errorReply(`ERR wrong number of arguments for '${name}' command`);

const unknownSubcommand = (command: string, arg: Uint8Array | undefined): Reply =>
  errorReply(`ERR unknown subcommand '${textOf(arg).slice(0, 128)}'. Try ${command} HELP.`);

const isName = (text: string): boolean => !/[^\x21-\x7e]/.test(text);

const badName = errorReply('ERR Client names cannot contain spaces, newlines or special characters.');

const hello = (args: Args, connection: ConnectionState): Reply => {
  const [wanted, ...options] = args;
  if (wanted !== undefined && !/^[23]$/.test(textOf(wanted))) {
    return errorReply('NOPROTO unsupported protocol version');
  }
  let { name } = connection;
  for (let i = 0; i < options.length; i++) {
    const option = lower(options[i]);
    // There are no users here, and so no passwords to be wrong.
    if (option === 'auth' && i + 2 < options.length) i += 2;
    else if (option === 'setname' && i + 1 < options.length) name = textOf(options[++i]);
    else return errorReply(`ERR Syntax error in HELLO option '${textOf(options[i]).slice(0, 128)}'`);
  }
  if (!isName(name)) return badName;
  connection.name = name;
  if (wanted !== undefined) connection.version = textOf(wanted) === '3' ? 3 : 2;
  return {
    tag: 'map',
    pairs: [
      [bulk('server'), bulk('redis')],
      [bulk('version'), bulk(redisVersion)],
      [bulk('proto'), integer(connection.version)],
      [bulk('id'), integer(connection.id)],
      [bulk('mode'), bulk('standalone')],
      [bulk('role'), bulk('master')],
      [bulk('modules'), array([])],
    ],
  };
};

/** The version of Redis whose commands and errors these are. */
const redisVersion = '7.0.0';

const info = (connection: ConnectionState): string =>
  [
    '# Server',
    `redis_version:${redisVersion}`,
    'redis_mode:standalone',
    `ironkeel_version:${connection.serverVersion}`,
    `process_id:${process.pid}`,
    `uptime_in_seconds:${Math.floor(process.uptime())}`,
    '# Persistence',
    'loading:0',
    '# Replication',
    'role:master',
    '',
  ].join('\r\n');

/** What clients ask for when they start. */
const settings: readonly (readonly [string, string])[] = [
  ['save', ''],
  ['appendonly', 'no'],
  ['maxmemory', '0'],
  ['databases', '1'],
];

const config = (args: Args): Reply => {
  if (lower(args[0]) !== 'get') return unknownSubcommand('CONFIG', args[0]);
  if (args.length < 2) return wrongNumber('config|get');
  const wanted = new Set(args.slice(1).map(lower));
  const pairs = settings.filter(([name]) => wanted.has(name) || wanted.has('*'));
  return { tag: 'map', pairs: pairs.map(([name, value]) => [bulk(name), bulk(value)] as const) };
};

const client = (args: Args, connection: ConnectionState): Reply => {
  switch (lower(args[0])) {
    case 'setname':
      if (args.length !== 2) return wrongNumber('client|setname');
      if (!isName(textOf(args[1]))) return badName;
      connection.name = textOf(args[1]);
      return ok;
    case 'getname':
      return connection.name === '' ? nil : bulk(connection.name);
    case 'id':
      return integer(connection.id);
    case 'setinfo':
      return args.length === 3 ? ok : wrongNumber('client|setinfo');
    case 'info':
      return bulk(`id=${connection.id} name=${connection.name} resp=${connection.version}\n`);
    default:
      return unknownSubcommand('CLIENT', args[0]);
  }
};

/** What COMMAND tells of one command. */
const described = (name: string): Reply => {
  const key = keyCommands.get(name);
  const own = connectionCommands.get(name);
  if (key === undefined && own === undefined) return array([]);
  const [from, to, step] = key?.keys ?? [0, 0, 0];
  const flags = key === undefined ? ['fast'] : [key.writes ? 'write' : 'readonly'];
  return array([
    bulk(name),
    integer((key ?? own)?.arity ?? 0),
    array(flags.map((text): Reply => ({ tag: 'simple', text }))),
    ...[from, to, step].map(integer),
  ]);
};

const command = (args: Args): Reply => {
  const names = [...keyCommands.keys(), ...connectionCommands.keys()];
  if (args.length === 0) return array(names.map(described));
  switch (lower(args[0])) {
    case 'count':
      return integer(names.length);
    case 'list':
      return array(names.map(bulk));
    case 'info':
      return array((args.length === 1 ? names : args.slice(1).map(lower)).map(described));
    case 'docs':
      return { tag: 'map', pairs: [] };
    default:
      return unknownSubcommand('COMMAND', args[0]);
  }
};

const select = (args: Args): Reply => {
  const index = textOf(args[0]);
  if (!/^-?\d{1,9}$/.test(index)) return errorReply('ERR value is not an integer or out of range');
  return Number(index) === 0 ? ok : errorReply('ERR DB index is out of range');
};

const ping = (args: Args): Reply => {
  if (args.length > 1) return wrongNumber('ping');
  return args[0] === undefined ? { tag: 'simple', text: 'PONG' } : bulk(args[0]);
};

const dbsize = async (_args: Args, connection: ConnectionState): Promise<Reply> => {
  const keys = await connection.countKeys();
  return keys === undefined ? errorReply('ERR a host of the cluster does not answer') : integer(keys);
};

/** By name, in lower case. */
export const connectionCommands: ReadonlyMap<string, ConnectionCommand> = new Map<string, ConnectionCommand>([
  ['ping', { arity: -1, run: ping }],
  ['echo', { arity: 2, run: (args) => bulk(args[0] ?? null) }],
  ['select', { arity: 2, run: select }],
  ['hello', { arity: -1, run: hello }],
  ['command', { arity: -1, run: command }],
  ['config', { arity: -2, run: config }],
  ['info', { arity: -1, run: (_args, connection) => bulk(info(connection)) }],
  ['client', { arity: -2, run: client }],
  ['dbsize', { arity: 1, run: dbsize }],
  [
    'quit',
    {
      arity: -1,
      run: (_args, connection) => {
        connection.end();
        return ok;
      },
    },
  ],
]);

/** The errors for what is no command, or is written wrong. */
export const unknownCommand = (name: Uint8Array, args: Args): Reply => {
  let shown = '';
  for (const arg of args) {
    if (shown.length >= 128) break;
    shown += `'${textOf(arg.subarray(0, 128 - shown.length))}' `;
  }
  return errorReply(`ERR unknown command '${textOf(name.subarray(0, 128))}', with args beginning with: ${shown}`);
};

export { wrongNumber };
