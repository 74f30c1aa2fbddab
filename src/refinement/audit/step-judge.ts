/** Judges the steps of a merged behavior, one atomic step after the other: first each host by its protocol, then the whole cluster. */
import type { Host } from '../../host/host.js';
import type { Violation } from '../../spec/check.js';
import type { EndPoint } from '../../spec/endpoint.js';
import type { Packet } from '../../spec/packet.js';
import { E } from '../../spec/prelude.js';
import type { Tagged } from '../cluster.js';
import { ClusterJudge } from '../cluster-judge.js';
import type { HostRefinement } from '../host-refinement.js';
import { type Judged, refineStep } from '../macro-step.js';
import type { OnSame } from '../sends.js';
import { showValue } from '../values.js';
import type { AuditedSystem } from './audited-system.js';
import type { Head } from './lane.js';
import { nearestAllowedStep } from './nearest-step.js';
import type { DigestedPackets } from './packet-digests.js';
import { SharedMessages, sharedBytesMin } from './shared-messages.js';

/** What the judge works on. */
export interface StepJudgeParts<C, H extends Host<M, W>, S, M extends Tagged, Step, W, G, Spec, SpecStep> {
  readonly system: AuditedSystem<C, H, S, M, Step, W, G, Spec, SpecStep>;
  readonly constants: C;
  readonly hosts: readonly EndPoint[];
  readonly sent: DigestedPackets<M>;
}

/** Owns the protocol's states of all hosts. After a violation it must not be asked again. */
export class StepJudge<C, H extends Host<M, W>, S, M extends Tagged, Step, W, G, Spec, SpecStep> {
  readonly #parts: StepJudgeParts<C, H, S, M, Step, W, G, Spec, SpecStep>;
  readonly #cluster: ClusterJudge<C, S, M, Step, G, Spec, SpecStep>;
  readonly #states: Map<EndPoint, S>;
  /** As the system's; the digest of each message is noted, so that no message is encoded again. */
  readonly #refinement: HostRefinement<C, H, S, M, Step, W>;
  readonly #onSame: OnSame<M>;
  #stepsRefined = 0;
  #stepsChecked = 0;
  #fullChecks = 0;
  #requests = 0;

  constructor(parts: StepJudgeParts<C, H, S, M, Step, W, G, Spec, SpecStep>) {
    this.#parts = parts;
    const { system, constants, hosts, sent } = parts;
    const { protocol, codec } = system.definition.refinement;
    const model = system.model(constants);
    const { steps } = model.refinement;
    const counted: typeof model = {
      ...model,
      refinement: {
        ...model.refinement,
        steps: (cluster, change, spec) => {
          const taken = steps(cluster, change, spec);
          for (const step of taken) this.#requests += system.requestsIn(step);
          return taken;
        },
      },
    };
    this.#cluster = new ClusterJudge(counted, protocol, constants, hosts, codec.encode, sent);
    const shared = new SharedMessages<M>();
    const decode = (bytes: Uint8Array): E.Either<string, M> => {
      const digest = sent.digest(bytes);
      const known = bytes.length < sharedBytesMin ? undefined : shared.get(digest);
      const message = known === undefined ? codec.decode(bytes) : E.right(known);
      if (E.isLeft(message)) return message;
      sent.decoded(message.right, digest);
      if (known === undefined && bytes.length >= sharedBytesMin) shared.set(digest, message.right, bytes.length);
      return message;
    };
    this.#refinement = { ...system.definition.refinement, codec: { ...codec, decode } };
    this.#onSame = (protocol, host) => sent.same(protocol.message, host.message);
    this.#states = new Map(hosts.map((host): [EndPoint, S] => [host, protocol.init(constants, host)]));
  }

  /** Steps that refine the protocol. */
  get stepsRefined(): number {
    return this.#stepsRefined;
  }

  /** Of these, the steps that passed the checks of the whole cluster too. */
  get stepsChecked(): number {
    return this.#stepsChecked;
  }

  /** How often the whole cluster was checked from scratch. */
  get fullChecks(): number {
    return this.#fullChecks;
  }

  get specSteps(): number {
    return this.#cluster.specSteps;
  }

  /** Requests of clients that the service answered. */
  get requests(): number {
    return this.#requests;
  }

  /** The next step of the behavior. */
  judge(me: EndPoint, head: Pick<Head<W>, 'record' | 'needs'>): Violation | undefined {
    const verdict = this.refine(me, head);
    if (E.isLeft(verdict)) return verdict.left;
    return this.#observe(verdict.right);
  }

  /** Host refinement alone, which needs no order between the hosts. */
  refine(me: EndPoint, { record, needs }: Pick<Head<W>, 'record' | 'needs'>): E.Either<Violation, Judged<S, M, Step>> {
    const { refinement } = this.#parts.system.definition;
    const before = this.#states.get(me) as S;
    const { sent } = this.#parts;
    sent.nextStep(needs);
    const verdict = refineStep(this.#refinement, me, before, record, this.#onSame);
    if (E.isLeft(verdict)) {
      const { code, rule, evidence } = verdict.left;
      const nearest = nearestAllowedStep(refinement, me, before, record);
      return E.left({ code, rule, evidence: { ...evidence, nearestAllowedStep: nearest } });
    }
    const last = verdict.right.at(-1);
    if (last !== undefined) this.#states.set(me, last.after);
    this.#stepsRefined++;
    return verdict;
  }

  /** Every invariant over hosts and history from scratch. */
  full(): Violation | undefined {
    this.#fullChecks++;
    const check = this.#cluster.invariantsFromScratch();
    return E.isLeft(check) ? check.left : undefined;
  }

  /** Forgets what no later step can ask for, if the hosts in `ended` take none. */
  forget(ended: ReadonlySet<EndPoint>): void {
    const { system, sent } = this.#parts;
    const { forget } = system;
    const keepFromOutside = (needed: (packet: Packet<M>) => boolean): void => sent.keepFromOutside(needed);
    if (forget === undefined) return;
    this.#cluster.forget((history, spec, hosts) => forget({ history, spec, hosts, ended, keepFromOutside }));
  }

  #observe(transitions: Judged<S, M, Step>): Violation | undefined {
    const { protocol } = this.#parts.system.definition.refinement;
    for (const transition of transitions) {
      const packet = protocol.consumes(transition.step);
      const outside = packet !== undefined && !this.#states.has(packet.source) ? this.#fromOutside(packet) : undefined;
      if (outside !== undefined) return outside;
      const check = this.#cluster.observe(transition);
      if (E.isLeft(check)) return check.left;
    }
    this.#stepsChecked++;
    return undefined;
  }

  /** A client's packet was sent some time before: right before is as good, since nobody else can tell. */
  #fromOutside(packet: Packet<M>): Violation | undefined {
    if (!this.#parts.system.clientMessages.includes(packet.message.tag)) {
      const rule = 'who is no node of the cluster sends the messages of clients alone';
      return { code: 'FOREIGN_MESSAGE', rule, evidence: { packet: showValue(packet) } };
    }
    const check = this.#cluster.environmentSends(packet);
    return E.isLeft(check) ? check.left : undefined;
  }
}
