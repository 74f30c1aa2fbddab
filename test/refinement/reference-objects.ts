/** Objects written anew, as programs that answer, and a checker that tries every order: what the search is compared with. */
import fc from 'fast-check';
import type { Call, Operation, Result, Value } from '../../src/refinement/linearizability.js';

/** An object as a program: the answer and the next state; undefined where the call would wait. */
export interface ReferenceObject {
  readonly initial: unknown;
  readonly apply: (state: never, call: Call) => { readonly state: unknown; readonly answer: Result } | undefined;
  /** Whether `told` may stand for `answer`. */
  readonly agrees: (call: Call, answer: Result, told: Result) => boolean;
  readonly calls: fc.Arbitrary<Call>;
  readonly answers: fc.Arbitrary<Result>;
}

const same = (answer: Result, told: Result): boolean => JSON.stringify(answer) === JSON.stringify(told);
const value = fc.integer({ min: 0, max: 2 });
const text = value.map(String);
const plain = (op: string, ...args: readonly fc.Arbitrary<Value>[]): fc.Arbitrary<Call> =>
  fc.tuple(...args).map((given) => ({ op, args: given }));
const keyed = (op: string, ...args: readonly fc.Arbitrary<Value>[]): fc.Arbitrary<Call> =>
  fc.tuple(fc.constantFrom('a', 'b'), ...args).map(([key, ...given]) => ({ op, key: key as string, args: given }));

const applyRegister = (state: Value, { op, args }: Call): { readonly state: Value; readonly answer: Result } => {
  if (op === 'read') return { state, answer: state };
  if (op === 'write') return { state: args[0] as Value, answer: null };
  const done = state === args[0];
  return { state: done ? (args[1] as Value) : state, answer: done };
};

type Store = Readonly<Record<string, string>>;

const applyKv = (state: Store, { op, key = '', args }: Call): { readonly state: Store; readonly answer: Result } => {
  const held = state[key];
  const put = (next: string): Store => ({ ...state, [key]: next });
  switch (op) {
    case 'get':
      return { state, answer: held ?? null };
    case 'append':
      return { state: put(`${held ?? ''}${args[0]}`), answer: null };
    case 'del': {
      const { [key]: _, ...rest } = state;
      return { state: rest, answer: held !== undefined };
    }
    case 'cas': {
      const done = (held ?? null) === args[0];
      return { state: done ? put(args[1] as string) : state, answer: done };
    }
    case 'incr': {
      // Appending digits makes texts such as "01", which are no integers.
      if (held !== undefined && String(Number(held)) !== held) return { state, answer: { error: 'NOT_AN_INTEGER' } };
      const next = Number(held ?? 0) + 1;
      return { state: put(String(next)), answer: next };
    }
    default:
      return { state: put(args[0] as string), answer: null };
  }
};

/** Null in answer to what may be done or not says that it was done. */
const sameDone = (answer: Result, told: Result): boolean => same(answer, told === null ? true : told);

const register: ReferenceObject = {
  initial: null,
  apply: applyRegister,
  agrees: ({ op }, answer, told) => op === 'write' || same(answer, told),
  calls: fc.oneof(plain('read'), plain('write', value)),
  answers: fc.option(value),
};

/** By the name of the model that they are compared with. */
export const referenceObjects: Readonly<Record<string, ReferenceObject>> = {
  register,
  'cas-register': {
    ...register,
    agrees: (call, answer, told) => (call.op === 'cas' ? sameDone(answer, told) : register.agrees(call, answer, told)),
    calls: fc.oneof(register.calls, plain('cas', fc.option(value), value)),
    answers: fc.oneof(fc.option(value), fc.boolean()),
  },
  kv: {
    initial: {},
    apply: applyKv,
    agrees: ({ op }, answer, told) => {
      if (['put', 'set', 'append'].includes(op)) return true;
      if (op === 'del' || op === 'cas') return sameDone(answer, told);
      // A number that a key is said to hold stands for its digits.
      if (op === 'get' && typeof told === 'number') return answer === String(told);
      return same(answer, told) || (op === 'incr' && told === null && typeof answer === 'number');
    },
    calls: fc.oneof(
      keyed('get'),
      keyed('get'),
      keyed('put', text),
      keyed('set', text),
      keyed('append', text),
      keyed('del'),
      keyed('incr'),
      keyed('cas', fc.option(text), text),
    ),
    answers: fc.oneof(fc.option(text), fc.boolean(), value, fc.constant({ error: 'NOT_AN_INTEGER' })),
  },
  queue: {
    initial: [],
    apply: (state: readonly Value[], { op, args }) =>
      op === 'enqueue'
        ? { state: [...state, args[0] as Value], answer: null }
        : { state: state.slice(1), answer: state[0] ?? null },
    agrees: ({ op }, answer, told) => op === 'enqueue' || same(answer, told),
    calls: fc.oneof(plain('enqueue', value), plain('dequeue')),
    answers: fc.option(value),
  },
  lock: {
    initial: 'free',
    apply: (state: string, { op, args }) => {
      const owner = args.length === 0 ? 'anybody' : String(args[0]);
      if (op === 'acquire') return state === 'free' ? { state: owner, answer: null } : undefined;
      if (state === 'free') return undefined;
      return args.length === 0 || state === 'anybody' || state === owner ? { state: 'free', answer: null } : undefined;
    },
    agrees: () => true,
    calls: fc.oneof(plain('acquire'), plain('release'), plain('acquire', value), plain('release', value)),
    answers: fc.constant(null),
  },
  counter: {
    initial: 0,
    apply: (state: number, { op, args }) => {
      const next = op === 'read' ? state : state + (op === 'add' ? Number(args[0]) : 1);
      return { state: next, answer: next };
    },
    agrees: ({ op }, answer, told) => (told === null && op !== 'read') || same(answer, told),
    calls: fc.oneof(plain('increment'), plain('add', value), plain('read')),
    answers: value,
  },
};

type SmallOperation = Operation<Call, Result>;

interface Drawn {
  readonly client: number;
  readonly call: Call;
  readonly gap: number;
  readonly length: number;
  /** When it takes effect, from its call on. */
  readonly at: number;
  readonly outcome: 'told' | 'untold' | 'lie';
  readonly lie: Result;
}

/** What clients see of an object: most are told what it answered, some never hear of it, some are told anything. */
const observed = (object: ReferenceObject, drawn: readonly Drawn[]): readonly SmallOperation[] => {
  const clocks = new Map<number, number>();
  const spans = drawn.map(({ client, gap, length }) => {
    const call = (clocks.get(client) ?? 0) + gap;
    clocks.set(client, call + length);
    return { call, return: call + length };
  });
  const effects = drawn.map((d, i) => ({ i, time: (spans[i]?.call ?? 0) + Math.min(d.at, d.length) }));
  const answers = new Map<number, Result>();
  let state = object.initial;
  for (const { i } of effects.sort((a, b) => a.time - b.time)) {
    const { call, outcome, at } = drawn[i] as Drawn;
    if (outcome === 'untold' && at % 2 === 0) continue;
    const applied = object.apply(state as never, call);
    if (applied === undefined) continue;
    state = applied.state;
    answers.set(i, applied.answer);
  }
  return drawn.map(({ client, call, outcome, lie }, i) => {
    const { call: time, return: returned } = spans[i] as { readonly call: number; readonly return: number };
    const output = outcome === 'lie' ? lie : answers.get(i);
    const told = outcome !== 'untold' && output !== undefined;
    return { client: String(client), op: call, call: time, answer: told ? { time: returned, output } : undefined };
  });
};

/** Small histories of `object`: good ones and bad ones. */
export const historiesOf = (object: ReferenceObject): fc.Arbitrary<readonly SmallOperation[]> =>
  fc
    .array(
      fc.record({
        client: fc.integer({ min: 0, max: 3 }),
        call: object.calls,
        gap: fc.integer({ min: 0, max: 3 }),
        length: fc.integer({ min: 0, max: 8 }),
        at: fc.integer({ min: 0, max: 8 }),
        outcome: fc.constantFrom('told', 'told', 'told', 'told', 'told', 'untold', 'untold', 'lie'),
        lie: object.answers,
      } satisfies Record<keyof Drawn, fc.Arbitrary<unknown>>),
      { minLength: 1, maxLength: 7 },
    )
    .map((drawn) => observed(object, drawn as readonly Drawn[]));

/** Whether some order of all answered operations, and of any others, is one that the object may have gone through. */
export const linearizableByTryingAll = (object: ReferenceObject, history: readonly SmallOperation[]): boolean => {
  const attempt = (state: unknown, left: readonly SmallOperation[]): boolean => {
    if (left.every((o) => o.answer === undefined)) return true;
    return left.some((next) => {
      if (left.some((o) => o !== next && o.answer !== undefined && o.answer.time < next.call)) return false;
      const applied = object.apply(state as never, next.op);
      if (applied === undefined) return false;
      if (next.answer !== undefined && !object.agrees(next.op, applied.answer, next.answer.output)) return false;
      return attempt(
        applied.state,
        left.filter((o) => o !== next),
      );
    });
  };
  return attempt(object.initial, history);
};
