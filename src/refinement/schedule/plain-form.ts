/** The parts of a counterexample as its file holds them, and back. */
import type { Codec } from '../../network/codec.js';
import type { EndPoint } from '../../spec/endpoint.js';
import { E } from '../../spec/prelude.js';
import { type FaultName, faultNames } from '../simulation/faults.js';
import type { Found, RunOptions } from '../simulation/run-result.js';
import type { ClusterDescription } from '../system.js';
import { fromPlain, toPlain } from '../values.js';
import { type Counterexample, counterexampleFormat, counterexampleVersion } from './counterexample.js';
import type { Received, Schedule, ScheduledStep } from './schedule.js';
import type { FoundInSchedule } from './scheduled-run.js';

/** What stands at the head of a file. */
export const headOf = (
  system: string,
  run: RunOptions,
  plant: string | undefined,
): Pick<Counterexample, 'format' | 'version' | 'system' | 'plant' | 'run'> => {
  const { seed, steps, simulatedMs = null, faults, nodes = null, rate = null, clients = null, requests = null } = run;
  return {
    format: counterexampleFormat,
    version: counterexampleVersion,
    system,
    plant: plant ?? null,
    run: { seed, steps, simulatedMs, faults: [...faults], nodes, rate, clients, requests },
  };
};

/** The constants; null for a system that does not describe them. */
export const clusterOf = (described: ClusterDescription | undefined): Counterexample['cluster'] =>
  described === undefined
    ? null
    : {
        nodes: described.nodes.map(({ id, address }) => ({ id, address })),
        application: described.application ?? null,
        ...(described.administrators === undefined ? {} : { administrators: [...described.administrators] }),
        parameters: { ...described.parameters },
      };

/** Stacks are left out: they name the folders of a machine. */
export const violationOf = ({
  check,
  code,
  rule,
  evidence,
  node,
}: FoundInSchedule | Found): Counterexample['violation'] => {
  const { stack: _, ...rest } = evidence;
  const plain = JSON.parse(
    JSON.stringify(rest, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value)),
  ) as Record<string, unknown>;
  return { check, code, rule, evidence: plain, node };
};

type PlainStep = NonNullable<Counterexample['schedule']>[number];

/** A schedule with its messages in words. Origins are left out: in what happened every packet is itself. */
export const plainSchedule = <M>(schedule: Schedule, codec: Codec<M>): PlainStep[] =>
  schedule.map(({ node, timeMs, receives }) => ({
    node,
    timeMs,
    receives: receives.map(({ source, bytes }) => {
      const message = codec.decode(bytes);
      return { source, message: E.isRight(message) ? toPlain(message.right) : null };
    }),
  }));

/** A schedule again. `Left`: why it is none of the system that `codec` belongs to. */
export const readSchedule = <M>(steps: readonly PlainStep[], codec: Codec<M>): E.Either<string, Schedule> => {
  const schedule: ScheduledStep[] = [];
  for (const [id, { node, timeMs, receives }] of steps.entries()) {
    const received: Received[] = [];
    for (const { source, message } of receives) {
      const bytes = encoded(message, codec);
      if (E.isLeft(bytes)) return E.left(`step ${id + 1} receives ${bytes.left}`);
      received.push({ source: source as EndPoint, bytes: bytes.right });
    }
    schedule.push({ id, node: node as EndPoint, timeMs, receives: received });
  }
  return E.right(schedule);
};

const encoded = <M>(message: unknown, codec: Codec<M>): E.Either<string, Uint8Array> => {
  const value = fromPlain(message);
  if (E.isLeft(value)) return E.left(`what cannot be read: ${value.left}`);
  try {
    return E.right(codec.encode(value.right as M));
  } catch {
    return E.left('what is no message of the system');
  }
};

/** The run again. `Left`: a fault that is not known here. */
export const runOptionsOf = (run: Counterexample['run']): E.Either<string, RunOptions> => {
  const known = (name: string): name is FaultName => (faultNames as readonly string[]).includes(name);
  const unknown = run.faults.find((name) => !known(name));
  if (unknown !== undefined) return E.left(`the fault ${JSON.stringify(unknown)} of the run is not known here`);
  const { seed, steps, simulatedMs, nodes, rate, clients, requests } = run;
  return E.right({
    seed,
    steps,
    simulatedMs: simulatedMs ?? undefined,
    faults: run.faults.filter(known),
    nodes: nodes ?? undefined,
    rate: rate ?? undefined,
    clients: clients ?? undefined,
    requests: requests ?? undefined,
  });
};
