/** How the command line sees a system: its types stay behind closures. */

import type { OpenDoor } from '../../client/gateway-port.js';
import { askAll } from '../../host/ask-all.js';
import type { Host } from '../../host/host.js';
import { type RunningNode, startNode } from '../../host/node.js';
import { realTime } from '../../host/real-time.js';
import { wireName } from '../../host/wire-name.js';
import type { StepRecord } from '../../network/step-io.js';
import { openTransport } from '../../network/transport.js';
import { HostJudge } from '../../refinement/host-judge.js';
import { type NodeTrace, type Replayed, replayNodeTrace, writeNodeTrace } from '../../refinement/node-trace.js';
import { reductionObligation } from '../../refinement/obligation.js';
import type { SystemDefinition } from '../../refinement/system.js';
import { type Check, holds, type Violation } from '../../spec/check.js';
import type { EndPoint } from '../../spec/endpoint.js';
import { E } from '../../spec/prelude.js';
import { type ClusterConfig, clientAddressFor, type SystemShape } from '../config.js';
import type { RespStore } from '../gateway/store.js';
import { openNodeJournal } from './node-journal.js';

/** How much of each step is judged before its packets leave. The reduction obligation always is. */
export type CheckLevel = 'inline' | 'off';

/** What a node counted so far. */
export interface NodeStats {
  readonly steps: number;
  readonly stepsChecked: number;
  readonly violations: number;
  /** Processor time that this process used since its start. */
  readonly cpuMs: number;
  /** What the system counts, by name. */
  readonly host: Readonly<Record<string, number>>;
  readonly network: Readonly<Record<string, number>>;
}

/** A node in this process. */
export interface ServedNode {
  stats(): NodeStats;
  /** Stops stepping, ends the journal and compares everything once more; the verdict. The socket stays open until `close`. */
  halt(): Check;
  close(): Promise<void>;
  /** Opens what stands behind a gateway of the Redis protocol; `Left`: one sentence. Absent where the system has none. */
  readonly openRespStore?: (timeoutMs: number) => Promise<E.Either<string, RespStore>>;
}

/** A refused step, for the log, and its trace. */
export interface RefusedStep {
  readonly violation: Violation;
  readonly step: number;
  /** The text of a file that `replay` opens; `undefined` where no judge kept the protocol's state. */
  readonly trace: () => string | undefined;
}

/** How a node is to be run. */
export interface ServeOptions {
  readonly me: EndPoint;
  readonly check: CheckLevel;
  /** The folder into which the node writes its journal, if it does. */
  readonly journal?: string | undefined;
  readonly onRefused: (refused: RefusedStep) => void;
}

/** One system of the table. */
export interface SystemEntry extends SystemShape {
  /** What the system itself asks of a cluster; `Left`: one sentence for each mistake. */
  check(config: ClusterConfig): E.Either<readonly string[], void>;
  /** Starts a node of a cluster that passed `check`. `Left`: one sentence. Throws where the host's first state is not the protocol's. */
  serve(config: ClusterConfig, options: ServeOptions): Promise<E.Either<string, ServedNode>>;
  /** Why no node of this cluster can have a gateway, in one sentence; `undefined` where each can. */
  gatewayProblem(config: ClusterConfig): string | undefined;
  /** Judges the steps of a trace of this system again. `Left`: one sentence. */
  replay(trace: NodeTrace): E.Either<string, Replayed>;
  /**
   * What each node says of itself, in the file's order, `undefined` where it does not answer. `Left`: no socket. Absent where the
   * nodes tell more than that (`src/cli/status`).
   */
  readonly status?: (
    config: ClusterConfig,
    timeoutMs: number,
  ) => Promise<E.Either<string, readonly (StatusFields | undefined)[]>>;
}

/** What a node says of itself, by name. */
export type StatusFields = Readonly<Record<string, string | number | boolean>>;

const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return Math.round((user + system) / 1000);
};

/**
 * Steps that a node keeps for the trace of a violation, and bytes of their messages. Few bytes: what is kept longer than the collector's
 * young generation lasts costs a busy node a twentieth of its time.
 */
const journalStepsMax = 256;
const journalBytesMax = 1 << 18;

/** A first state that the protocol does not start in: the node must not start. */
export class InitViolation extends Error {
  override readonly name = 'InitViolation';
  readonly violation: Violation;

  constructor(violation: Violation) {
    super(violation.rule);
    this.violation = violation;
  }
}

/** What a system's gateway is made of. */
export interface RespStoreParts<C, H, M> {
  readonly config: ClusterConfig;
  readonly constants: C;
  readonly host: H;
  readonly me: EndPoint;
  readonly openDoor: OpenDoor<M>;
  /** After which a command without an answer is given up. */
  readonly timeoutMs: number;
}

/** How nodes are asked what they say of themselves where one message tells it. */
interface StatusWords<M> {
  readonly request: (nonce: number) => M;
  /** The fields of an answer to the request of `nonce`; `undefined` for any other message. */
  readonly fieldsIn: (message: M, nonce: number) => StatusFields | undefined;
}

/** What `entryOf` needs besides the definition. */
interface EntryExtras<C, H, M> {
  readonly shape: Omit<SystemShape, 'name'>;
  readonly counters: (host: H) => Readonly<Record<string, number>>;
  readonly status?: StatusWords<M>;
  /** Opens what stands behind a gateway of the Redis protocol; `Left`: one sentence. */
  readonly respStore?: (parts: RespStoreParts<C, H, M>) => Promise<E.Either<string, RespStore>>;
  /** Why a cluster can have none all the same. */
  readonly gatewayProblem?: (config: ClusterConfig) => string | undefined;
}

/** The trace of a node that its judge stopped. A step that threw was never judged, and is not among `steps`. */
const traceOf = <C, H extends Host<M, W>, S, M, Step, W>(
  { name, refinement }: SystemDefinition<C, H, S, M, Step, W>,
  { nodes, application, administrators, parameters }: ClusterConfig,
  judge: HostJudge<C, H, S, M, Step, W>,
  refused: { readonly me: EndPoint; readonly violation: Violation; readonly steps: readonly StepRecord<W>[] },
): string => {
  const { me, violation, steps } = refused;
  const base = judge.base(steps.length);
  const described = { nodes, application: application ?? null, parameters };
  const cluster = administrators === undefined ? described : { ...described, administrators };
  return writeNodeTrace(
    { system: name, node: me, cluster, violation, base: base.state, steps: steps.slice(steps.length - base.steps) },
    refinement.trace.strip,
  );
};

/** What each node says of itself. */
const askStatus =
  <C, H extends Host<M, W>, S, M, Step, W>(
    definition: SystemDefinition<C, H, S, M, Step, W>,
    words: StatusWords<M>,
  ): NonNullable<SystemEntry['status']> =>
  async (config, timeoutMs) => {
    const { codec } = definition.refinement;
    const targets = config.nodes.map((n) => n.address);
    const opened = await openTransport({
      bind: { address: clientAddressFor(config) },
      clusterName: wireName(config.cluster, definition.name),
      codec,
      ...config.network,
      messageIdBase: Date.now() * 16,
      nowMs: realTime.nowMs,
    });
    if (E.isLeft(opened)) return opened;
    const nonce = Math.floor(Math.random() * 2 ** 32);
    const message = words.request(nonce);
    const answerIn = (m: M): StatusFields | undefined => words.fieldsIn(m, nonce);
    const answers = await askAll(opened.right, codec, { targets, message, answerIn, timeoutMs });
    await opened.right.close();
    return E.right(targets.map((target) => answers.get(target)));
  };

/** Hides a system's types. */
export const entryOf = <C, H extends Host<M, W>, S, M, Step, W>(
  definition: SystemDefinition<C, H, S, M, Step, W>,
  extras: EntryExtras<C, H, M>,
): SystemEntry => ({
  name: definition.name,
  ...extras.shape,
  check: (config) => {
    const constants = definition.constants(config);
    return E.isLeft(constants) ? constants : E.right(undefined);
  },
  ...(extras.status && { status: askStatus(definition, extras.status) }),
  gatewayProblem: (config) =>
    extras.respStore === undefined
      ? `${definition.name} has no gateway: --resp is for ironkv and ironrsm`
      : extras.gatewayProblem?.(config),
  replay: (trace) => replayNodeTrace(definition, trace),
  serve: async (config, { me, check, journal, onRefused }) => {
    const constants = definition.constants(config);
    if (E.isLeft(constants)) return E.left(constants.left.join('; '));
    const host = definition.createHost(constants.right, me);
    const inline = check === 'inline' ? new HostJudge(definition.refinement, constants.right, me) : undefined;
    const init = inline?.compareAll(host) ?? holds;
    if (E.isLeft(init)) throw new InitViolation(init.left);
    const opened = openNodeJournal<W>(config, me, journal);
    if (E.isLeft(opened)) return opened;
    const { keep, end, abandon } = opened.right;
    let violations = 0;
    let running: RunningNode<M, W> | undefined;
    const started = await startNode<M, W>({
      host,
      me,
      clusterName: wireName(config.cluster, definition.name),
      codec: definition.refinement.codec,
      ...config.network,
      judge:
        inline === undefined ? (record) => reductionObligation(record.events) : (record) => inline.judge(record, host),
      // An audit needs to know what the host says that it did, too.
      ghost: inline !== undefined || keep !== undefined,
      keep,
      journalStepsMax,
      journalBytesMax,
      onViolation: (violation) => {
        violations++;
        const step = running?.steps ?? 0;
        const steps = running?.journal.window() ?? [];
        if (violation.code !== 'JOURNAL_NOT_WRITTEN') end(`step ${step} was refused`);
        onRefused({
          violation,
          step,
          trace: () => inline && traceOf(definition, config, inline, { me, violation, steps }),
        });
      },
    });
    if (E.isLeft(started)) {
      abandon();
      return started;
    }
    const node = started.right;
    running = node;
    const { respStore } = extras;
    const openDoor = node.openDoor.bind(node);
    return E.right({
      ...(respStore && {
        openRespStore: (timeoutMs) => respStore({ config, constants: constants.right, host, me, openDoor, timeoutMs }),
      }),
      stats: () => ({
        steps: node.steps,
        stepsChecked: inline?.stepsChecked ?? 0,
        violations,
        cpuMs: cpuMs(),
        host: extras.counters(host),
        network: { ...node.counters },
      }),
      halt: () => {
        node.halt();
        if (violations === 0) end('the node was stopped');
        const last = inline?.compareAll(host) ?? holds;
        if (E.isLeft(last)) violations++;
        return last;
      },
      close: () => node.close(),
    });
  },
});
