/** The shape of a cluster's configuration file, as io-ts types that refuse what they do not know and say what to mend. */
import * as t from 'io-ts';
import { type EndPoint, parseEndPoint } from '../../spec/endpoint.js';
import { E } from '../../spec/prelude.js';
import { nearest } from './nearest.js';

/** A named value that may be left out, or not. */
type Fields = Readonly<Record<string, t.Mixed>>;

type Required<F extends Fields> = { readonly [K in keyof F]: t.TypeOf<F[K]> };
type Optional<F extends Fields> = { readonly [K in keyof F]?: t.TypeOf<F[K]> | undefined };

const isMap = (u: unknown): u is Record<string, unknown> => typeof u === 'object' && u !== null && !Array.isArray(u);

/** In words, for a person: what kind of value stands there. */
const kindOf = (u: unknown): string => {
  if (u === null || u === undefined) return 'nothing';
  if (Array.isArray(u)) return 'a list';
  if (isMap(u)) return 'a map';
  if (typeof u === 'string') return `the text "${u}"`;
  return `the ${typeof u} ${String(u)}`;
};

const fail = <A>(u: unknown, c: t.Context, message: string): t.Validation<A> => t.failure(u, c, message);

const unknownKey = (key: string, known: readonly string[]): string => {
  const near = nearest(key, known);
  const hint = near === undefined ? `the known ones are ${known.join(', ')}` : `did you mean "${near}"?`;
  return `unknown key "${key}"; ${hint}`;
};

/** A map with the fields of `required`, perhaps those of `optional`, and no others. `hints` say what a missing field is for. */
export const exactly = <R extends Fields, P extends Fields>(
  name: string,
  required: R,
  optional: P,
  hints: Readonly<Record<string, string>>,
): t.Type<Required<R> & Optional<P>, unknown, unknown> => {
  const fields: Fields = { ...required, ...optional };
  const known = Object.keys(fields);
  return new t.Type<Required<R> & Optional<P>, unknown, unknown>(
    name,
    (u): u is Required<R> & Optional<P> => isMap(u) && known.every((k) => !(k in required) || fields[k]?.is(u[k])),
    (u, c) => {
      if (!isMap(u)) return fail(u, c, `must be a map with ${known.join(', ')}, and is ${kindOf(u)}`);
      const errors: t.Errors = [];
      const result: Record<string, unknown> = {};
      for (const key of Object.keys(u)) {
        const at = t.appendContext(c, key, fields[key] ?? t.unknown, u[key]);
        if (fields[key] === undefined) errors.push({ value: u[key], context: at, message: unknownKey(key, known) });
      }
      for (const [key, type] of Object.entries(fields)) {
        if (u[key] === undefined && key in optional) continue;
        if (u[key] === undefined) {
          errors.push({ value: u, context: c, message: `"${key}" is missing: ${hints[key] ?? 'add it'}` });
          continue;
        }
        const value = type.validate(u[key], t.appendContext(c, key, type, u[key]));
        if (E.isLeft(value)) errors.push(...value.left);
        else result[key] = value.right;
      }
      return errors.length > 0 ? t.failures(errors) : t.success(result as Required<R> & Optional<P>);
    },
    t.identity,
  );
};

/** A whole number from `min` to `max`. */
export const wholeNumber = (min: number, max: number): t.Type<number, number, unknown> =>
  new t.Type<number, number, unknown>(
    'wholeNumber',
    (u): u is number => Number.isSafeInteger(u) && (u as number) >= min && (u as number) <= max,
    (u, c) => {
      const expected = `must be a whole number from ${min} to ${max}`;
      if (!Number.isSafeInteger(u)) return fail(u, c, `${expected}, and is ${kindOf(u)}`);
      const n = u as number;
      return n >= min && n <= max ? t.success(n) : fail(u, c, `${expected}, and is ${n}`);
    },
    t.identity,
  );

/** A name of letters, digits, `-`, `_` and `.`; what YAML reads as a number is a name only in quotes. */
export const nameText = new t.Type<string, string, unknown>(
  'name',
  (u): u is string => typeof u === 'string' && /^[A-Za-z0-9._-]{1,64}$/.test(u),
  (u, c) => {
    if (typeof u === 'number') return fail(u, c, `must be text: write it in quotes, "${u}"`);
    if (typeof u !== 'string') return fail(u, c, `must be a name, and is ${kindOf(u)}`);
    if (!/^[A-Za-z0-9._-]{1,64}$/.test(u)) {
      return fail(u, c, `must be a name of 1 to 64 letters, digits, "-", "_" or ".", and is ${kindOf(u)}`);
    }
    return t.success(u);
  },
  t.identity,
);

/** One of `values`. */
export const oneOf = (values: readonly string[]): t.Type<string, string, unknown> =>
  new t.Type<string, string, unknown>(
    'oneOf',
    (u): u is string => typeof u === 'string' && values.includes(u),
    (u, c) => {
      if (typeof u === 'string' && values.includes(u)) return t.success(u);
      const near = typeof u === 'string' ? nearest(u, values) : undefined;
      const hint = near === undefined ? '' : `; did you mean "${near}"?`;
      return fail(u, c, `must be one of ${values.join(', ')}, and is ${kindOf(u)}${hint}`);
    },
    t.identity,
  );

const address = new t.Type<EndPoint, string, unknown>(
  'address',
  (u): u is EndPoint => typeof u === 'string' && E.isRight(parseEndPoint(u)),
  (u, c) => {
    if (typeof u !== 'string') {
      return fail(u, c, `must be an IPv4 address and port such as 127.0.0.1:7001, and is ${kindOf(u)}`);
    }
    const parsed = parseEndPoint(u);
    return E.isLeft(parsed) ? fail(u, c, parsed.left) : t.success(parsed.right);
  },
  t.identity,
);

const node = exactly(
  'node',
  { id: nameText, address },
  {},
  { id: 'give the node a name', address: 'say where the node listens, such as 127.0.0.1:7001' },
);

const nodes = new t.Type<readonly t.TypeOf<typeof node>[], unknown, unknown>(
  'nodes',
  (u): u is readonly t.TypeOf<typeof node>[] => Array.isArray(u) && u.every((n) => node.is(n)),
  (u, c) => {
    if (!Array.isArray(u)) return fail(u, c, `must be a list of nodes, each with id and address, and is ${kindOf(u)}`);
    if (u.length === 0) return fail(u, c, 'must name at least one node, and is empty');
    return t.array(node).validate(u, c);
  },
  t.identity,
);

const administrators = new t.Type<readonly EndPoint[], unknown, unknown>(
  'administrators',
  (u): u is readonly EndPoint[] => Array.isArray(u) && u.every((a) => address.is(a)),
  (u, c) =>
    Array.isArray(u)
      ? t.array(address).validate(u, c)
      : fail(u, c, `must be a list of IPv4 addresses and ports, and is ${kindOf(u)}`),
  t.identity,
);

/** The network's limits: bytes of the largest UDP datagram that is sent, and messages that may wait for a step. */
const network = exactly(
  'network',
  {},
  { datagramBytesMax: wholeNumber(512, 65_507), inboxMessagesMax: wholeNumber(64, 1_048_576) },
  {},
);

/** The bounds of a system's parameter, both allowed. */
export interface ParameterRange {
  readonly min: number;
  readonly max: number;
}

/** What a configuration may say about a system. */
export interface SystemShape {
  readonly name: string;
  /** The applications that it can replicate; empty where it has none. */
  readonly applications: readonly string[];
  readonly parameters: Readonly<Record<string, ParameterRange>>;
  /** Whether the file may name who gives the nodes orders. */
  readonly administrators?: boolean;
}

const parametersOf = (shape: SystemShape) =>
  exactly(
    'parameters',
    {},
    Object.fromEntries(
      Object.entries(shape.parameters).map(([key, r]): [string, t.Mixed] => [key, wholeNumber(r.min, r.max)]),
    ),
    {},
  );

/** The file of a cluster of the system `shape`; `systems` are the names of all. */
export const clusterFileOf = (shape: SystemShape, systems: readonly string[]) => {
  const hasApplication = shape.applications.length > 0;
  const application = { application: oneOf(shape.applications) };
  return exactly(
    'cluster',
    { cluster: nameText, system: oneOf(systems), nodes, ...(hasApplication ? application : {}) },
    { parameters: parametersOf(shape), network, ...(shape.administrators === true ? { administrators } : {}) },
    {
      cluster: 'give the cluster a name, which its datagrams carry',
      system: `say which system runs, one of ${systems.join(', ')}`,
      nodes: 'list the nodes, each with id and address',
      application: `say what ${shape.name} replicates, one of ${shape.applications.join(', ')}`,
    },
  );
};
