/**
 * An audit: the journals of a cluster's nodes, merged into one behavior of atomic steps without trusting any clock, and judged step
 * by step (docs/audit.md; docs/reduction.md, "Merging journals").
 */
import type { Host } from '../../host/host.js';
import { JournalReader } from '../../network/journal-file.js';
import type { StepRecord } from '../../network/step-io.js';
import type { Violation } from '../../spec/check.js';
import { type EndPoint, endPoint } from '../../spec/endpoint.js';
import { E } from '../../spec/prelude.js';
import type { Tagged } from '../cluster.js';
import { describeStep, type ShownStep } from '../simulation/shown-step.js';
import { fromPlain, showValue } from '../values.js';
import type { AuditedSystem } from './audited-system.js';
import type { ClusterJournals } from './journals.js';
import { type Head, Lane, type LaneEnd } from './lane.js';
import { DigestedPackets } from './packet-digests.js';
import { StepJudge } from './step-judge.js';
import { explainStuck, type LaneViolation } from './stuck.js';

/** A violation, and where it is. */
export interface AuditFound extends Violation {
  /** Its id; `cluster` for what no single step shows. */
  readonly node: string;
  /** 0 where it is no step's. */
  readonly step: number;
  readonly file: string;
  /** The step in words. */
  readonly shown: ShownStep | undefined;
}

/** What was read of one node. */
export interface AuditedNode {
  readonly node: string;
  readonly incarnation: number;
  readonly steps: number;
  readonly events: number;
  readonly end: LaneEnd;
}

/** What an audit came to. */
export interface AuditReport {
  readonly found: AuditFound | undefined;
  /** Why it is not known whether all is well, in sentences; empty where it is known. */
  readonly open: readonly string[];
  /** What a reader should know besides. */
  readonly notes: readonly string[];
  readonly nodes: readonly AuditedNode[];
  readonly events: number;
  readonly steps: number;
  /** Steps that passed every check. */
  readonly stepsChecked: number;
  readonly specSteps: number;
  /** Requests of clients that the service answered. */
  readonly requests: number;
  /** Checks of all hosts and the history from scratch. */
  readonly fullChecks: number;
  /** Distinct packets. */
  readonly packets: number;
}

/** An audit under way, its system's types hidden. */
export interface RunningAudit {
  /** Judges up to `steps` more steps. `more`: there may be others at once; `dry`: not before the journals grow. */
  advance(steps: number): 'more' | 'dry' | 'found';
  /** Looks at the files again. */
  refresh(): void;
  /** Whether every journal has come to its end. */
  complete(): boolean;
  readonly events: number;
  /** The end: explains what could not be judged. Closes the files; nothing may be asked afterwards. */
  conclude(): AuditReport;
}

/** How to audit. */
export interface AuditOptions {
  /** Steps from one check of the whole cluster from scratch to the next. */
  readonly every: number;
  /** Whether a journal without an end may still grow. */
  readonly follow: boolean;
}

/** Events after which what is not needed is forgotten, if no check of the whole cluster came before: a step may hold many requests. */
const forgetEvents = 20_000;

interface LaneCount {
  steps: number;
  events: number;
}

const actionOf = <W>(text: string): E.Either<string, W> => {
  try {
    return fromPlain(JSON.parse(text)) as E.Either<string, W>;
  } catch {
    return E.left('it is not JSON');
  }
};

class Audit<C, H extends Host<M, W>, S, M extends Tagged, Step, W, G, Spec, SpecStep> implements RunningAudit {
  readonly #system: AuditedSystem<C, H, S, M, Step, W, G, Spec, SpecStep>;
  readonly #journals: ClusterJournals;
  readonly #options: AuditOptions;
  readonly #sent: DigestedPackets<M>;
  readonly #judge: StepJudge<C, H, S, M, Step, W, G, Spec, SpecStep>;
  readonly #lanes: readonly Lane<M, W>[];
  readonly #counts = new Map<Lane<M, W>, LaneCount>();
  #found: LaneViolation<M, W> | undefined;
  #turn = 0;
  #steps = 0;
  #events = 0;
  /** Events when something was last forgotten. */
  #eventsForgotten = 0;

  constructor(
    system: AuditedSystem<C, H, S, M, Step, W, G, Spec, SpecStep>,
    constants: C,
    journals: ClusterJournals,
    options: AuditOptions,
  ) {
    this.#system = system;
    this.#journals = journals;
    this.#options = options;
    const { codec } = system.definition.refinement;
    const hosts = journals.cluster.nodes.map((node) => endPoint(node.address));
    const members = new Set(hosts);
    this.#sent = new DigestedPackets(codec.encode, members);
    this.#judge = new StepJudge({ system, constants, hosts, sent: this.#sent });
    this.#lanes = journals.nodes.map(({ header, files }) => {
      const { address } = header.nodes.find(({ id }) => id === header.node) as { address: string };
      return new Lane(new JournalReader<W>(files, actionOf), endPoint(address), members, this.#sent);
    });
    for (const lane of this.#lanes) this.#counts.set(lane, { steps: 0, events: 0 });
  }

  get events(): number {
    return this.#events;
  }

  advance(steps: number): 'more' | 'dry' | 'found' {
    const until = this.#steps + steps;
    let idle = 0;
    while (this.#found === undefined && this.#steps < until) {
      const lane = this.#lanes[this.#turn] as Lane<M, W>;
      this.#turn = (this.#turn + 1) % this.#lanes.length;
      if (lane.ready()) {
        idle = 0;
        this.#take(lane);
      } else if (lane.fault !== undefined) this.#found = { lane, record: undefined, violation: lane.fault };
      else if (++idle === this.#lanes.length) return 'dry';
    }
    return this.#found === undefined ? 'more' : 'found';
  }

  refresh(): void {
    for (const lane of this.#lanes) lane.refresh();
  }

  complete(): boolean {
    return this.#lanes.every((lane) => lane.head() === undefined && lane.end === 'complete');
  }

  conclude(): AuditReport {
    const open: string[] = [];
    if (this.#found === undefined) this.#explain(open);
    if (this.#found === undefined) this.#full();
    for (const lane of this.#lanes) lane.close();
    const { stepsChecked, specSteps, requests, fullChecks } = this.#judge;
    return {
      found: this.#found === undefined ? undefined : this.#shown(this.#found),
      open: this.#found === undefined ? open : [],
      notes: this.#notes(),
      nodes: this.#nodes(),
      events: this.#events,
      steps: this.#steps,
      stepsChecked,
      specSteps,
      requests,
      fullChecks,
      packets: this.#sent.size,
    };
  }

  #take(lane: Lane<M, W>): void {
    const head = lane.head() as Head<W>;
    const { record } = head;
    this.#count(lane, record);
    const violation = this.#judge.judge(lane.me, head);
    if (violation !== undefined) this.#found = { lane, record, violation };
    lane.shift();
    if (this.#found !== undefined) return;
    if (this.#steps % this.#options.every === 0) this.#full();
    else if (this.#events - this.#eventsForgotten >= forgetEvents) this.#forget();
  }

  #count(lane: Lane<M, W>, { events }: StepRecord<W>): void {
    const count = this.#counts.get(lane) as LaneCount;
    count.steps++;
    count.events += events.length;
    this.#steps++;
    this.#events += events.length;
  }

  /** The whole cluster, as it stands between two steps. */
  #full(): void {
    const violation = this.#judge.full();
    if (violation !== undefined) this.#found = { lane: undefined, record: undefined, violation };
    else this.#forget();
  }

  #forget(): void {
    const over = (lane: Lane<M, W>): boolean =>
      lane.head() === undefined && !(this.#options.follow && lane.end === 'open');
    this.#judge.forget(new Set(this.#lanes.filter(over).map((lane) => lane.me)));
    this.#eventsForgotten = this.#events;
  }

  #explain(open: string[]): void {
    const { codec } = this.#system.definition.refinement;
    const explanation = explainStuck({
      lanes: this.#lanes,
      nameOf: (host) => this.#nameOf(host),
      sent: this.#sent,
      show: (bytes) => {
        const message = codec.decode(bytes);
        return E.isRight(message) ? showValue(message.right) : `${bytes.length} bytes that are no message`;
      },
      refine: (lane, head) => {
        this.#count(lane, head.record);
        const verdict = this.#judge.refine(lane.me, head);
        return E.isLeft(verdict) ? verdict.left : undefined;
      },
    });
    this.#found = explanation.found;
    open.push(...explanation.open);
    for (const lane of this.#lanes) {
      const { file, offset } = lane.place;
      if (lane.unjudged !== undefined)
        open.push(`The journal of ${lane.id} cannot be judged further: ${lane.unjudged}.`);
      if (lane.end === 'torn') open.push(`The journal of ${lane.id} is cut off at byte ${offset} of ${file}.`);
    }
    if (this.#steps === 0) open.push('The journals hold no step.');
  }

  #nameOf(host: EndPoint): string {
    return this.#journals.cluster.nodes.find((node) => node.address === host)?.id ?? host;
  }

  #notes(): readonly string[] {
    const notes: string[] = [];
    for (const { id } of this.#journals.cluster.nodes) {
      const lane = this.#lanes.find((l) => l.id === id);
      if (lane === undefined) notes.push(`No journal of ${id} is given.`);
      else if (lane.end === 'open')
        notes.push(
          `The journal of ${id} has no end: its node was killed, or still runs, or its last records are missing.`,
        );
      if (lane !== undefined && lane.unreleased > 0)
        notes.push(
          `The last ${lane.unreleased} steps of ${id} were never released: nothing of them left, and they count as not taken.`,
        );
    }
    return notes;
  }

  #nodes(): readonly AuditedNode[] {
    return this.#lanes.map((lane, i) => {
      const incarnation = this.#journals.nodes[i]?.header.incarnation ?? 1;
      const { steps, events } = this.#counts.get(lane) as LaneCount;
      return { node: lane.id, incarnation, steps, events, end: lane.end };
    });
  }

  #shown({ lane, record, violation }: LaneViolation<M, W>): AuditFound {
    const { codec } = this.#system.definition.refinement;
    const step = record?.step ?? Number(violation.evidence.step ?? 0);
    const file = String(violation.evidence.file ?? lane?.place.file ?? '');
    return { ...violation, node: lane?.id ?? 'cluster', step, file, shown: record && describeStep(record, codec) };
  }
}

/** The audits of a system, its types hidden. */
export interface Audits {
  readonly system: string;
  /** Opens the files. `Left`: the journals' cluster is none of this system; one sentence for each mistake. */
  readonly open: (journals: ClusterJournals, options: AuditOptions) => E.Either<readonly string[], RunningAudit>;
}

/** Hides a system's types. */
export const auditsOf = <C, H extends Host<M, W>, S, M extends Tagged, Step, W, G, Spec, SpecStep>(
  system: AuditedSystem<C, H, S, M, Step, W, G, Spec, SpecStep>,
): Audits => ({
  system: system.definition.name,
  open: (journals, options) => {
    const { application, administrators, parameters } = journals.cluster;
    const nodes = journals.cluster.nodes.map(({ id, address }) => ({ id, address: address as EndPoint }));
    const constants = system.definition.constants({
      ...{ nodes, application: application ?? undefined, parameters },
      ...(administrators && { administrators: administrators.map((address) => address as EndPoint) }),
    });
    return E.isLeft(constants) ? constants : E.right(new Audit(system, constants.right, journals, options));
  },
});
