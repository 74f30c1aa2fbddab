/**
 * The file of a counterexample: a cluster, a schedule, the violation that it leads to and the hash of everything that happens
 * on the way. docs/counterexamples.md describes it.
 */
import { createHash } from 'node:crypto';
import * as t from 'io-ts';
import { PathReporter } from 'io-ts/lib/PathReporter.js';
import { parseEndPoint } from '../../spec/endpoint.js';
import { E } from '../../spec/prelude.js';

export const counterexampleFormat = 'ironkeel-counterexample';
/** Version 1 had no clients and no requests in its runs, and no steps of clients. */
export const counterexampleVersion = 2;

const nullable = <A>(type: t.Type<A, unknown>) => t.union([type, t.null]);

const wholeNumber = (least: number): t.Type<number> => {
  const is = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= least;
  const validate: t.Validate<unknown, number> = (value, context) =>
    is(value) ? t.success(value) : t.failure(value, context);
  return new t.Type(`a whole number from ${least}`, is, validate, t.identity);
};

const scheduledStep = t.type({
  node: t.string,
  timeMs: t.number,
  receives: t.array(t.type({ source: t.string, message: t.unknown })),
});

const body = t.type({
  format: t.literal(counterexampleFormat),
  version: t.literal(counterexampleVersion),
  system: t.string,
  /** The bug that was planted, if one was. */
  plant: nullable(t.string),
  /** The simulated run in which the violation was found. */
  run: t.type({
    seed: wholeNumber(0),
    steps: wholeNumber(0),
    simulatedMs: nullable(t.number),
    faults: t.array(t.string),
    nodes: nullable(wholeNumber(1)),
    rate: nullable(t.number),
    clients: nullable(wholeNumber(0)),
    requests: nullable(wholeNumber(0)),
  }),
  /** The constants; null where the run's seed draws them again. */
  cluster: nullable(
    t.intersection([
      t.type({
        nodes: t.array(t.type({ id: t.string, address: t.string })),
        application: nullable(t.string),
        parameters: t.record(t.string, t.number),
      }),
      t.partial({ administrators: t.array(t.string) }),
    ]),
  ),
  /** The steps, those of clients included where their history is judged; null where the whole run is the counterexample, such as one without progress. */
  schedule: nullable(t.array(scheduledStep)),
  violation: t.type({
    check: t.string,
    code: t.string,
    rule: t.string,
    evidence: t.record(t.string, t.unknown),
    node: t.string,
  }),
  traceHash: t.string,
});

/** What a file holds, but for its digest. */
export type Counterexample = t.TypeOf<typeof body>;

const digestOf = (counterexample: Counterexample): string =>
  createHash('sha256').update(JSON.stringify(counterexample)).digest('hex');

/** The file's text, one step a line, so that people can read it. */
export const writeCounterexample = (counterexample: Counterexample): string => {
  const { schedule, ...rest } = counterexample;
  const steps =
    schedule === null ? 'null' : `[\n${schedule.map((step) => `  ${JSON.stringify(step)}`).join(',\n')}\n ]`;
  const fields = Object.entries(rest).map(([name, value]) => ` ${JSON.stringify(name)}: ${JSON.stringify(value)}`);
  const digest = digestOf(inOrder(counterexample));
  return `{\n${[...fields, ` "schedule": ${steps}`, ` "digest": "${digest}"`].join(',\n')}\n}\n`;
};

/** Independent of the order in which a file, or an object, has its fields. */
const inOrder = (value: unknown): Counterexample => sorted(value) as Counterexample;

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)]),
  );
};

/** Whether a parsed file says of itself that it is a counterexample, of whatever version. */
export const isCounterexample = (parsed: unknown): boolean =>
  typeof parsed === 'object' && parsed !== null && 'format' in parsed && parsed.format === counterexampleFormat;

/** Reads a file. `Left`: one sentence, without the file's name, on what is wrong with it. */
export const readCounterexample = (parsed: unknown): E.Either<string, Counterexample> => {
  if (typeof parsed !== 'object' || parsed === null || !isCounterexample(parsed))
    return E.left(`is not of the format ${counterexampleFormat}`);
  const { digest, ...rest } = parsed as Readonly<Record<string, unknown>>;
  if (rest.version !== counterexampleVersion)
    return E.left(
      `is a counterexample of version ${JSON.stringify(rest.version)}, and this program reads ${counterexampleVersion}`,
    );
  const decoded = body.decode(rest);
  if (E.isLeft(decoded))
    return E.left(`is a damaged counterexample: ${PathReporter.report(decoded)[0] ?? 'no reason'}`);
  if (digest !== digestOf(inOrder(rest)))
    return E.left('was changed after it was written: its digest is that of another content');
  return firstBadAddress(decoded.right) ?? decoded;
};

const firstBadAddress = ({ cluster, schedule }: Counterexample): E.Either<string, never> | undefined => {
  const addresses = [
    ...(cluster?.nodes ?? []).map((node) => node.address),
    ...(schedule ?? []).flatMap((step) => [step.node, ...step.receives.map(({ source }) => source)]),
  ];
  for (const address of addresses) {
    const parsed = parseEndPoint(address);
    if (E.isLeft(parsed)) return E.left(`is a damaged counterexample: ${parsed.left}`);
  }
  return undefined;
};
