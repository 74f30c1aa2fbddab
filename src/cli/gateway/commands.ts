/** The commands of the Redis protocol that concern keys, as requests of the store. */
import { array, bulk, errorReply, integer, nil, ok, type Reply } from './resp-reply.js';
import type { AtomicStore, StoreCommand, StoreFailure, StoreOutcome, StoreSettlement } from './store.js';

/** What a command works with. */
export interface CommandIo {
  /** Asks the store. Requests are executed in the order of the calls. */
  request(command: StoreCommand, settled: (settlement: StoreSettlement) => void): void;
  /** What the store does at one moment; absent where it executes one operation at a time. */
  readonly atomic?: AtomicStore | undefined;
  /** Why the store would not take the command; `undefined` where it may be asked. */
  refusal(command: StoreCommand): StoreSettlement | undefined;
  /** Bytes that the value at `key` probably has; `undefined` where that is not known here. */
  sizeOf(key: Uint8Array): number | undefined;
  /** For a command that is being run: where to tell of bytes that it gathers before it is done. */
  gathering(): (bytes: number) => void;
  /** Bytes of the largest reply. */
  readonly replyBytesMax: number;
}

/** A command's arguments, without its name. */
export type Args = readonly Uint8Array[];

/** How a command is written and run. */
export interface KeyCommand {
  /** Words, the name included; at least as many if negative. */
  readonly arity: number;
  readonly writes: boolean;
  /** Where the keys are: the first, the last (from the end if negative), and the step; the name is at 0. */
  readonly keys: readonly [number, number, number];
  /** Whether values are in its reply. */
  readonly tells?: boolean;
  /** Whether it writes and is answered with the value before. What comes behind it then has to wait, unless the store is atomic. */
  readonly swaps?: boolean;
  /** Calls `done` once, now or later. All requests are made during the call, except where it swaps and the store is not atomic. */
  readonly run: (args: Args, io: CommandIo, done: (reply: Reply) => void) => void;
}

const failures: Readonly<Record<StoreFailure, string>> = {
  NOT_AN_INTEGER: 'ERR value is not an integer or out of range',
  OUT_OF_RANGE: 'ERR increment or decrement would overflow',
  VALUE_TOO_LARGE: 'ERR VALUE_TOO_LARGE: string exceeds maximum allowed size',
  REPLY_TOO_LARGE: 'ERR the reply would be larger than the store allows',
};

/** The reply to a request's end: `reply` of its outcome, or an error. */
const replyTo = (settlement: StoreSettlement, reply: (outcome: StoreOutcome) => Reply): Reply => {
  if (settlement.tag === 'failed') return errorReply(`ERR ${settlement.error.message}`);
  const { outcome } = settlement;
  return outcome.tag === 'failed' ? errorReply(failures[outcome.error]) : reply(outcome);
};

const valueReply = (outcome: StoreOutcome): Reply => (outcome.tag === 'value' ? bulk(outcome.value) : nil);
const lengthReply = (outcome: StoreOutcome): Reply => integer(outcome.tag === 'length' ? (outcome.length ?? 0) : 0);
const numberReply = (outcome: StoreOutcome): Reply => integer(outcome.tag === 'number' ? outcome.number : 0);
const isDone = (outcome: StoreOutcome): boolean => outcome.tag === 'done' && outcome.done;
const doneReply = (outcome: StoreOutcome): Reply => integer(isDone(outcome) ? 1 : 0);

const first = (args: Args): Uint8Array => args[0] as Uint8Array;
const second = (args: Args): Uint8Array => args[1] as Uint8Array;

/** A command of one request. */
const single = (
  command: (args: Args) => StoreCommand | Reply,
  reply: (outcome: StoreOutcome) => Reply,
): KeyCommand['run'] => {
  return (args, io, done) => {
    const asked = command(args);
    if ('key' in asked) io.request(asked, (settlement) => done(replyTo(settlement, reply)));
    else done(asked);
  };
};

/**
 * A command of several operations: one request where the store is atomic, else one for each. The first error is the whole reply.
 * Where the store would not take one of them it is not asked at all.
 */
const several = (
  commands: readonly StoreCommand[],
  io: CommandIo,
  reply: (outcome: StoreOutcome) => Reply,
  whole: (replies: readonly Reply[]) => Reply,
  done: (reply: Reply) => void,
): void => {
  for (const command of commands) {
    const refused = io.refusal(command);
    if (refused === undefined) continue;
    done(replyTo(refused, reply));
    return;
  }
  const gathered = io.gathering();
  const replies = new Array<Reply>(commands.length);
  let missing = commands.length;
  let failed: Reply | undefined;
  let room = io.replyBytesMax;
  const keep = (one: Reply, i: number): void => {
    const bytes = one.tag === 'bulk' ? (one.value?.length ?? 0) : 0;
    room -= bytes;
    if (one.tag === 'error') failed = one;
    else if (room < 0) failed = tooLargeReply;
    replies[i] = one;
    // What will not be told is not kept.
    if (failed !== undefined) replies.fill(nil);
    else if (bytes > 0) gathered(bytes);
  };
  const take = (settlement: StoreSettlement, i: number): void => {
    if (failed === undefined) keep(replyTo(settlement, reply), i);
    missing--;
    if (missing === 0) done(failed ?? whole(replies));
  };
  if (io.atomic !== undefined && commands.length > 1) {
    io.atomic.all(commands, (settlements) => settlements.forEach(take));
  } else for (const [i, command] of commands.entries()) io.request(command, (settlement) => take(settlement, i));
};

const tooLargeReply = errorReply('ERR the reply would be larger than this gateway allows');

const sumOf = (replies: readonly Reply[]): Reply =>
  integer(replies.reduce((sum, reply) => sum + (reply.tag === 'integer' ? reply.value : 0), 0));

const summed =
  (command: (key: Uint8Array) => StoreCommand, reply: (outcome: StoreOutcome) => Reply): KeyCommand['run'] =>
  (args, io, done) =>
    several(args.map(command), io, reply, sumOf, done);

/** SET's options: NX or XX; `undefined` for anything else. */
const whenOf = (options: Args): 'always' | 'absent' | 'present' | undefined => {
  if (options.length === 0) return 'always';
  const words = options.map((option) => Buffer.from(option).toString('latin1').toUpperCase());
  if (words.every((word) => word === 'NX')) return 'absent';
  return words.every((word) => word === 'XX') ? 'present' : undefined;
};

const syntaxError = errorReply('ERR syntax error');

const runMget: KeyCommand['run'] = (args, io, done) => {
  const expected = args.reduce((sum, key) => sum + (io.sizeOf(key) ?? 0), 0);
  if (expected > io.replyBytesMax) done(tooLargeReply);
  else {
    const gets = args.map((key): StoreCommand => ({ tag: 'get', key }));
    several(gets, io, valueReply, array, done);
  }
};

const runMset: KeyCommand['run'] = (args, io, done) => {
  if (args.length % 2 !== 0) {
    done(errorReply("ERR wrong number of arguments for 'mset' command"));
    return;
  }
  const sets: StoreCommand[] = [];
  for (let i = 0; i < args.length; i += 2) {
    sets.push({ tag: 'set', key: args[i] as Uint8Array, value: args[i + 1] as Uint8Array, when: 'always' });
  }
  several(sets, io, doneReply, () => ok, done);
};

/** Where the store is not atomic it reads, then writes if nothing came between, until that takes place. */
const runGetset: KeyCommand['run'] = (args, io, done) => {
  const [key, value] = [first(args), second(args)];
  const refused = io.refusal({ tag: 'set', key, value, when: 'always' });
  if (refused !== undefined) {
    done(replyTo(refused, valueReply));
    return;
  }
  if (io.atomic !== undefined) {
    io.atomic.swap(key, value, (settlement) => done(replyTo(settlement, valueReply)));
    return;
  }
  io.request({ tag: 'get', key }, (got) => {
    if (got.tag === 'failed' || got.outcome.tag !== 'value') {
      done(replyTo(got, valueReply));
      return;
    }
    const old = got.outcome.value;
    io.request({ tag: 'compareAndSet', key, old, value }, (settlement) => {
      if (settlement.tag === 'outcome' && settlement.outcome.tag === 'done' && !settlement.outcome.done) {
        runGetset(args, io, done);
      } else done(replyTo(settlement, () => bulk(old)));
    });
  });
};

const set = (args: Args): StoreCommand | Reply => {
  const when = whenOf(args.slice(2));
  return when === undefined ? syntaxError : { tag: 'set', key: first(args), value: second(args), when };
};

const one = [1, 1, 1] as const;
const all = [1, -1, 1] as const;

/** By name, in lower case. */
export const keyCommands: ReadonlyMap<string, KeyCommand> = new Map<string, KeyCommand>([
  [
    'get',
    {
      arity: 2,
      writes: false,
      tells: true,
      keys: one,
      run: single((a) => ({ tag: 'get', key: first(a) }), valueReply),
    },
  ],
  ['set', { arity: -3, writes: true, keys: one, run: single(set, (o) => (isDone(o) ? ok : nil)) }],
  [
    'setnx',
    {
      arity: 3,
      writes: true,
      keys: one,
      run: single((a) => ({ tag: 'set', key: first(a), value: second(a), when: 'absent' }), doneReply),
    },
  ],
  ['getset', { arity: 3, writes: true, keys: one, tells: true, swaps: true, run: runGetset }],
  [
    'append',
    {
      arity: 3,
      writes: true,
      keys: one,
      run: single((a) => ({ tag: 'append', key: first(a), value: second(a) }), numberReply),
    },
  ],
  [
    'strlen',
    { arity: 2, writes: false, keys: one, run: single((a) => ({ tag: 'length', key: first(a) }), lengthReply) },
  ],
  ['incr', { arity: 2, writes: true, keys: one, run: single((a) => incrementOf(a, 1), numberReply) }],
  ['decr', { arity: 2, writes: true, keys: one, run: single((a) => incrementOf(a, -1), numberReply) }],
  ['del', { arity: -2, writes: true, keys: all, run: summed((key) => ({ tag: 'delete', key }), doneReply) }],
  [
    'exists',
    {
      arity: -2,
      writes: false,
      keys: all,
      run: summed(
        (key) => ({ tag: 'length', key }),
        (o) => integer(o.tag === 'length' && o.length !== null ? 1 : 0),
      ),
    },
  ],
  ['mget', { arity: -2, writes: false, tells: true, keys: all, run: runMget }],
  ['mset', { arity: -3, writes: true, keys: [1, -1, 2], run: runMset }],
]);

const incrementOf = (args: Args, by: number): StoreCommand => ({ tag: 'increment', key: first(args), by });
