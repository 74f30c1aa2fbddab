/** Judges a cluster run in one process: every protocol step keeps every invariant and refines the service (SOSP 2015, section 3.3). */
import type { ProtocolHost } from '../protocol/protocol.js';
import { SentPackets } from '../protocol/sent-packets.js';
import { type Check, holds, violated } from '../spec/check.js';
import type { EndPoint } from '../spec/endpoint.js';
import type { Packet } from '../spec/packet.js';
import { E, O } from '../spec/prelude.js';
import type { Change, Cluster, ClusterModel, Tagged } from './cluster.js';
import type { Transition } from './transition.js';
import { firstDifference, showValue } from './values.js';

/** Owns the cluster's abstract state; told of every protocol step and of every packet of a client, in order. */
export class ClusterJudge<C, S, M extends Tagged, Step, G, Spec, SpecStep> {
  readonly #model: ClusterModel<S, M, G, Spec, SpecStep>;
  readonly #protocol: ProtocolHost<C, S, M, Step>;
  readonly #hosts: Map<EndPoint, S>;
  readonly #cluster: Cluster<S, M, G>;
  #spec: Spec;
  #specSteps = 0;

  /** `sent` is empty, and the judge's from now on; one that forgets packets makes `full` meaningless. */
  constructor(
    model: ClusterModel<S, M, G, Spec, SpecStep>,
    protocol: ProtocolHost<C, S, M, Step>,
    constants: C,
    hosts: readonly EndPoint[],
    encode: (message: M) => Uint8Array,
    sent: SentPackets<M> = new SentPackets(encode),
  ) {
    this.#model = model;
    this.#protocol = protocol;
    this.#hosts = new Map(hosts.map((host): [EndPoint, S] => [host, protocol.init(constants, host)]));
    this.#cluster = { hosts: this.#hosts, sent, history: model.history(this.#hosts) };
    this.#spec = model.refinement.service.init;
  }

  get cluster(): Cluster<S, M, G> {
    return this.#cluster;
  }

  /** The service's state that the cluster abstracts to. */
  get spec(): Spec {
    return this.#spec;
  }

  /** Steps of the service that were taken. */
  get specSteps(): number {
    return this.#specSteps;
  }

  /** A packet that the environment sends: a client's, or a hostile one in the name of someone who is no host. */
  environmentSends(packet: Packet<M>): Check {
    const sends = this.#cluster.sent.add(packet) ? [packet] : [];
    return this.#judge({ host: undefined, before: undefined, after: undefined, consumed: undefined, sends });
  }

  /** One protocol step of a host. */
  observe(t: Transition<S, M, Step>): Check {
    const packet = this.#protocol.consumes(t.step);
    if (packet !== undefined && !this.#cluster.sent.has(packet)) {
      return violated('RECEIVED_UNSENT', 'a packet is received only if it was sent', { packet: showValue(packet) });
    }
    this.#hosts.set(t.host, t.after);
    const sends = t.sends.filter((p) => this.#cluster.sent.add(p));
    return this.#judge({ host: t.host, before: t.before, after: t.after, consumed: packet, sends });
  }

  #judge(change: Change<S, M>): Check {
    const { invariants, remember } = this.#model;
    remember(this.#cluster.history, change, this.#cluster);
    for (const invariant of invariants) {
      const check = invariant.checkChange(this.#cluster, change);
      if (E.isLeft(check)) return check;
    }
    const advanced = this.#advance(change);
    if (E.isLeft(advanced)) return advanced;
    for (const packet of change.sends) {
      const check = this.#model.refinement.service.justifies(this.#spec, packet, this.#cluster.sent);
      if (E.isLeft(check)) return check;
    }
    return holds;
  }

  #advance(change: Change<S, M>): Check {
    const { service, steps } = this.#model.refinement;
    for (const step of steps(this.#cluster, change, this.#spec)) {
      const next = service.next(this.#spec, step);
      if (O.isNone(next))
        return violated('SPEC_STEP_REFUSED', 'every protocol step refines steps of the service', {
          step: showValue(step),
        });
      const asked = service.asked(step, this.#cluster.sent);
      if (E.isLeft(asked)) return asked;
      this.#spec = next.value;
      this.#specSteps++;
    }
    return holds;
  }

  /** Every invariant from scratch. */
  invariantsFromScratch(): Check {
    for (const invariant of this.#model.invariants) {
      const check = invariant.check(this.#cluster);
      if (E.isLeft(check)) return check;
    }
    return holds;
  }

  /** Lets `shorten` take out of the history, in place, and out of the service's state what no later step can ask for. */
  forget(shorten: (history: G, spec: Spec, hosts: ReadonlyMap<EndPoint, S>) => Spec): void {
    this.#spec = shorten(this.#cluster.history, this.#spec, this.#hosts);
  }

  /** Everything from scratch: every invariant, the abstraction function, the correspondence of every packet. */
  full(): Check {
    const invariants = this.invariantsFromScratch();
    if (E.isLeft(invariants)) return invariants;
    const { service, abstract } = this.#model.refinement;
    const difference = firstDifference(abstract(this.#cluster), this.#spec);
    if (difference !== undefined) {
      const evidence = {
        path: difference.path.join('.'),
        cluster: showValue(difference.left),
        spec: showValue(difference.right),
      };
      return violated('SPEC_MISMATCH', 'the cluster abstracts to the state that the service reached', evidence);
    }
    for (const packet of this.#cluster.sent.packets()) {
      const check = service.justifies(this.#spec, packet, this.#cluster.sent);
      if (E.isLeft(check)) return check;
    }
    return holds;
  }
}
