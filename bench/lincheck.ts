/**
 * The time that checking a history takes: key-value histories of many clients, good and bad, and other objects.
 * `npm run bench:lincheck`, with `-- --seed N` for other histories.
 */
import {
  type Call,
  HistoryRecorder,
  judgeByName,
  type ModelName,
  type Result,
  recordedHistory,
} from '../src/refinement/linearizability.js';
import { Random } from '../src/refinement/random.js';
import { E } from '../src/spec/prelude.js';

/** What is measured: clients that each have one operation under way at any time. */
interface Subject {
  readonly name: string;
  readonly model: ModelName;
  readonly clients: number;
  readonly operations: number;
  /** Of so many answers one is never received. */
  readonly lostEvery: number;
  readonly object: (random: Random) => {
    readonly call: () => Call;
    /** Lets the call take effect. */
    readonly apply: (call: Call) => Result;
  };
}

const store = (keys: number): Subject['object'] => {
  return (random) => {
    const held = new Map<string, string>();
    let n = 0;
    return {
      call: () => {
        const key = `k${random.int(0, keys - 1)}`;
        const op = random.pick(['get', 'get', 'put', 'append']);
        return { op, key, args: op === 'get' ? [] : [`x${n++}`] };
      },
      apply: ({ op, key = '', args }) => {
        if (op === 'get') return held.get(key) ?? null;
        held.set(key, op === 'put' ? String(args[0]) : `${held.get(key) ?? ''}${args[0]}`);
        return null;
      },
    };
  };
};

const register: Subject['object'] = (random) => {
  let held: number | null = null;
  return {
    call: () => {
      const value = random.int(0, 4);
      const op = random.pick(['read', 'write', 'cas']);
      return { op, args: op === 'read' ? [] : op === 'write' ? [value] : [value, random.int(0, 4)] };
    },
    apply: ({ op, args }) => {
      if (op === 'read') return held;
      const done = op === 'write' || held === args[0];
      if (done) held = args.at(-1) as number;
      return op === 'write' ? null : done;
    },
  };
};

const counter: Subject['object'] = () => {
  let count = 0;
  return { call: () => ({ op: 'increment', args: [] }), apply: () => ++count };
};

const subjects: readonly Subject[] = [
  { name: '50 clients, 10 keys', model: 'kv', clients: 50, operations: 5000, lostEvery: 0, object: store(10) },
  {
    name: '50 clients, 10 keys, 1 % lost',
    model: 'kv',
    clients: 50,
    operations: 5000,
    lostEvery: 100,
    object: store(10),
  },
  { name: '50 clients, 5 keys', model: 'kv', clients: 50, operations: 5000, lostEvery: 0, object: store(5) },
  { name: '5 clients', model: 'cas-register', clients: 5, operations: 100_000, lostEvery: 0, object: register },
  {
    name: '10 clients, 1 % lost',
    model: 'cas-register',
    clients: 10,
    operations: 5000,
    lostEvery: 100,
    object: register,
  },
  { name: '50 clients, 1 % lost', model: 'counter', clients: 50, operations: 20_000, lostEvery: 100, object: counter },
];

/** A history of a real object: each operation takes effect at some time between its call and its return. */
const record = ({ clients, operations, lostEvery, object }: Subject, seed: number): HistoryRecorder<Call, Result> => {
  const random = new Random(seed);
  const { call, apply } = object(random);
  let now = 0;
  const recorder = new HistoryRecorder<Call, Result>(() => now);
  const waiting = Array.from({ length: clients }, (_, i) => ({ name: `c${i}`, resume: (): void => undefined }));
  let asked = 0;
  let named = clients;
  const ask = (client: (typeof waiting)[number]): void => {
    const op = call();
    const id = recorder.call(client.name, op);
    asked++;
    client.resume = () => {
      const result = apply(op);
      client.resume = () => {
        if (lostEvery > 0 && asked % lostEvery === 0) {
          recorder.gaveUp(id);
          client.name = `c${named++}`;
        } else recorder.returned(id, result);
        client.resume = () => ask(client);
      };
    };
  };
  for (const client of waiting) ask(client);
  while (asked < operations) {
    now += 1000;
    random.pick(waiting).resume();
  }
  return recorder;
};

const seedFlag = process.argv.indexOf('--seed');
const seedFirst = seedFlag < 0 ? 1 : Number(process.argv[seedFlag + 1]);
const runs = 5;
const limitMs = 5_000;

/** Operations whose answer is a value. */
const looks = new Set(['get', 'read', 'increment']);

for (const subject of subjects) {
  const millis: number[] = [];
  const answers: Record<string, number> = {};
  let operations = 0;
  for (let seed = seedFirst; seed < seedFirst + runs; seed++) {
    const history = recordedHistory(record(subject, seed));
    operations = history.operations.length;
    const last = history.operations.findLastIndex((o) => looks.has(o.call.op) && o.answer !== undefined);
    // The last answer but a few is made wrong: everything before it has to be searched.
    const spoilt = history.operations.map((o, i) =>
      i === last && o.answer !== undefined ? { ...o, answer: { ...o.answer, result: -1 } } : o,
    );
    for (const tried of [history.operations, spoilt]) {
      const startMs = performance.now();
      const time = { limitMs, nowMs: () => performance.now() };
      const judged = judgeByName(subject.model, { ...history, operations: tried }, { time });
      millis.push(performance.now() - startMs);
      const answer = E.isLeft(judged) ? judged.left.why : judged.right.result.answer;
      answers[answer] = (answers[answer] ?? 0) + 1;
    }
  }
  millis.sort((a, b) => a - b);
  const [median, max] = [millis[runs] as number, millis.at(-1) as number];
  console.log(
    `${subject.model}, ${subject.name}, ${operations} operations: ${median.toFixed(0)} ms median of ${2 * runs} checks, ${max.toFixed(0)} ms at most (${Object.entries(
      answers,
    )
      .map(([answer, count]) => `${count} ${answer}`)
      .join(', ')})`,
  );
}
