/**
 * The trace that a node leaves when its judge stops it: the protocol's state some steps before, and those steps as the
 * journal has them. `ironkeel replay` judges them again. Version 1.
 */
import * as t from 'io-ts';
import { PathReporter } from 'io-ts/lib/PathReporter.js';
import type { Host } from '../host/host.js';
import type { StepRecord } from '../network/step-io.js';
import type { Violation } from '../spec/check.js';
import type { EndPoint } from '../spec/endpoint.js';
import { E } from '../spec/prelude.js';
import { refineStep } from './macro-step.js';
import type { SystemDefinition } from './system.js';
import { fromPlain, toPlain } from './values.js';

const format = 'ironkeel-trace';
const version = 1;

const traceFile = t.type({
  format: t.literal(format),
  version: t.literal(version),
  system: t.string,
  node: t.string,
  cluster: t.intersection([
    t.type({
      nodes: t.array(t.type({ id: t.string, address: t.string })),
      application: t.union([t.string, t.null]),
      parameters: t.record(t.string, t.number),
    }),
    t.partial({ administrators: t.array(t.string) }),
  ]),
  violation: t.type({ code: t.string, rule: t.string, evidence: t.record(t.string, t.unknown) }),
  base: t.unknown,
  steps: t.array(t.unknown),
});

/** A trace as its file holds it; `base` and `steps` in the plain form of values. */
export type NodeTrace = t.TypeOf<typeof traceFile>;

/** What a trace is made of. `steps` are the last ones, oldest first; `base` is the protocol's state before the first of them. */
export interface TraceParts<S, W> {
  readonly system: string;
  readonly node: EndPoint;
  readonly cluster: Pick<NodeTrace['cluster'], 'application' | 'parameters'> & {
    readonly nodes: readonly { readonly id: string; readonly address: string }[];
    readonly administrators?: readonly string[];
  };
  readonly violation: Violation;
  readonly base: S;
  readonly steps: readonly StepRecord<W>[];
}

/** The file's text. `strip` takes out of the state what the cluster's constants give back. */
export const writeNodeTrace = <S, W>(parts: TraceParts<S, W>, strip: (state: S) => unknown): string => {
  const { nodes, application, administrators, parameters } = parts.cluster;
  const trace: NodeTrace = {
    format,
    version,
    system: parts.system,
    node: parts.node,
    cluster: {
      nodes: nodes.map(({ id, address }) => ({ id, address })),
      application,
      ...(administrators === undefined ? {} : { administrators: [...administrators] }),
      parameters,
    },
    violation: {
      code: parts.violation.code,
      rule: parts.violation.rule,
      evidence: JSON.parse(JSON.stringify(parts.violation.evidence)) as Record<string, unknown>,
    },
    base: toPlain(strip(parts.base)),
    steps: parts.steps.map(toPlain),
  };
  return `${JSON.stringify(trace)}\n`;
};

/** Reads a trace; `Left` says in one sentence what is wrong with the text. */
export const readNodeTrace = (parsed: unknown): E.Either<string, NodeTrace> => {
  const file = traceFile.decode(parsed);
  if (E.isRight(file)) return file;
  return E.left(
    `not a trace of format ${format}, version ${version}: ${PathReporter.report(file)[0] ?? 'no reason given'}`,
  );
};

/** What judging a trace again gave. */
export interface Replayed {
  /** Steps that passed. */
  readonly passed: number;
  readonly steps: number;
  /** The violation that the protocol finds in what the steps received, did and sent; none if only the host's state was wrong. */
  readonly violation: Violation | undefined;
}

/**
 * Judges the steps of a trace again, by the protocol alone: the host's state is gone, so a STATE_MISMATCH of the last step
 * shows as steps that all pass. `Left`: the trace does not fit the system.
 */
export const replayNodeTrace = <C, H extends Host<M, W>, S, M, Step, W>(
  { refinement, constants }: SystemDefinition<C, H, S, M, Step, W>,
  trace: NodeTrace,
): E.Either<string, Replayed> => {
  const { nodes, application, administrators, parameters } = trace.cluster;
  const described = nodes.map((n) => ({ id: n.id, address: n.address as EndPoint }));
  const configured = constants({
    nodes: described,
    application: application ?? undefined,
    ...(administrators === undefined ? {} : { administrators: administrators.map((a) => a as EndPoint) }),
    parameters,
  });
  if (E.isLeft(configured)) return E.left(`the trace's cluster is not valid: ${configured.left.join('; ')}`);
  const me = trace.node as EndPoint;
  const base = fromPlain(trace.base);
  if (E.isLeft(base)) return E.left(`the trace's state cannot be read: ${base.left}`);
  try {
    let state = refinement.trace.restore(refinement.protocol.init(configured.right, me), base.right);
    for (const [passed, plain] of trace.steps.entries()) {
      const step = fromPlain(plain);
      if (E.isLeft(step)) return E.left(`step ${passed + 1} of the trace cannot be read: ${step.left}`);
      const verdict = refineStep(refinement, me, state, step.right as StepRecord<W>);
      if (E.isLeft(verdict)) return E.right({ passed, steps: trace.steps.length, violation: verdict.left });
      state = verdict.right.at(-1)?.after ?? state;
    }
    return E.right({ passed: trace.steps.length, steps: trace.steps.length, violation: undefined });
  } catch (error) {
    // A file of another shape inside: whatever the protocol trips over, it is not a trace of this system.
    return E.left(`the trace does not fit the system: ${error instanceof Error ? error.message : String(error)}`);
  }
};
