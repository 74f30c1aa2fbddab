/**
 * Any protocol of `src/protocol` as a model: hosts that step on the set of all packets ever sent, which only grows, so that
 * every packet may be delivered never, once or often, in any order. Judged in every state and on every step: the cluster's
 * invariants, and the refinement of its service.
 */
import type { EnabledSteps } from '../../protocol/behavior.js';
import type { PersistentMap } from '../../protocol/persistent-map.js';
import type { ProtocolHost } from '../../protocol/protocol.js';
import { listed, SentPackets } from '../../protocol/sent-packets.js';
import {
  type PacketKey,
  packetKeyBy,
  type SystemState,
  systemInit,
  systemStep,
  withSent,
} from '../../protocol/system.js';
import { type Check, firstViolation, holds, violated } from '../../spec/check.js';
import type { EndPoint } from '../../spec/endpoint.js';
import type { Packet } from '../../spec/packet.js';
import { E, O } from '../../spec/prelude.js';
import type { Change, Cluster, ClusterModel, Tagged } from '../cluster.js';
import { equalValues, firstDifference, showValue } from '../values.js';
import { type ActionModel, always, alwaysStep, type Property, type StateProperty } from './model.js';

/** A state of the model: hosts, packets, and the ghost history, which is part of it. */
export interface ExploredCluster<S, M, G> extends SystemState<S, M> {
  readonly history: G;
}

/** A step of one host. */
export interface HostStep<Step> {
  readonly tag: string;
  readonly host: EndPoint;
  readonly step: Step;
}

/** What is explored. */
export interface ProtocolModelParts<C, S, M extends Tagged, Step extends Tagged, G, Spec, SpecStep> {
  readonly name: string;
  readonly protocol: ProtocolHost<C, S, M, Step>;
  readonly constants: C;
  readonly hosts: readonly EndPoint[];
  /**
   * What each host may do, given all packets ever sent to it. `nowMs` is always `timeMs`: a protocol in which time only
   * guards is explored with all its periods at 0, so that whatever would be due at some time may happen at any time.
   */
  readonly enabledSteps: EnabledSteps<S, M, Step>;
  readonly timeMs?: number;
  readonly encode: (message: M) => Uint8Array;
  /** What clients have sent, from the start: whether and when it arrives is a free choice. */
  readonly clientPackets?: readonly Packet<M>[];
  /** Invariants, ghost history and the refinement of the service. */
  readonly cluster: ClusterModel<S, M, G, Spec, SpecStep>;
  /** A copy of the history that shares nothing that `remember` changes. */
  readonly copyHistory: (history: G) => G;
  /** The bounds: false for states beyond them. */
  readonly within?: (state: ExploredCluster<S, M, G>) => boolean;
  /** `sometimes`, `leadsTo` and `noDeadlock`, over the states. */
  readonly properties?: readonly StateProperty<ExploredCluster<S, M, G>>[];
  readonly fair?: (action: HostStep<Step>) => boolean;
  readonly canonical?: (state: ExploredCluster<S, M, G>) => ExploredCluster<S, M, G>;
  /** What people see of a host's state; by default all of it. */
  readonly showHost?: (state: S) => unknown;
}

/** A cluster for the invariants to look at, with the abstract state of its service. */
interface View<S, M extends Tagged, G, Spec> {
  readonly cluster: Cluster<S, M, G>;
  readonly spec: Spec;
}

class ProtocolExplorer<C, S, M extends Tagged, Step extends Tagged, G, Spec, SpecStep> {
  readonly #parts: ProtocolModelParts<C, S, M, Step, G, Spec, SpecStep>;
  readonly #keyOf: PacketKey<M>;
  /** Views of the states looked at last: the one explored, and a successor. */
  readonly #views = new WeakMap<object, View<S, M, G, Spec>>();

  constructor(parts: ProtocolModelParts<C, S, M, Step, G, Spec, SpecStep>) {
    this.#parts = parts;
    this.#keyOf = cachedKeys(packetKeyBy(parts.encode));
  }

  model(): ActionModel<ExploredCluster<S, M, G>, HostStep<Step>> {
    const { name, within, fair, canonical, showHost = (state: S): unknown => state, properties = [] } = this.#parts;
    return {
      name,
      init: () => [this.#initial()],
      actions: (state) => this.#actions(state),
      next: (state, action) => this.#next(state, action),
      properties: [...this.#judges(), ...properties],
      ...(within === undefined ? {} : { within }),
      ...(fair === undefined ? {} : { fair }),
      ...(canonical === undefined ? {} : { canonical }),
      showAction: ({ host, step }) => `${host} ${showValue(step)}`,
      show: ({ hosts, sent }) => ({
        hosts: Object.fromEntries([...hosts].map(([host, state]) => [host, showHost(state)])),
        sent: [...sent.values()],
      }),
    };
  }

  #initial(): ExploredCluster<S, M, G> {
    const { protocol, constants, hosts, clientPackets = [], cluster } = this.#parts;
    const system = systemInit(protocol, constants, hosts);
    const history = cluster.history(new Map(system.hosts));
    return { ...withSent(system, clientPackets, this.#keyOf), history };
  }

  *#actions({ hosts, sent }: ExploredCluster<S, M, G>): Iterable<HostStep<Step>> {
    const { enabledSteps, timeMs = 0 } = this.#parts;
    const packets = [...sent.values()];
    for (const host of this.#parts.hosts) {
      const inbox = packets.filter(({ target }) => target === host);
      for (const step of enabledSteps(hosts.get(host) as S, { inbox, nowMs: timeMs }))
        yield { tag: step.tag, host, step };
    }
  }

  #next(state: ExploredCluster<S, M, G>, action: HostStep<Step>): ExploredCluster<S, M, G> | undefined {
    const { host, step } = action;
    const { protocol, cluster, copyHistory } = this.#parts;
    const taken = systemStep(protocol, this.#keyOf, state, host, step);
    if (O.isNone(taken)) return undefined;
    const { hosts, sent } = taken.value.state;
    // A stutter leads to the very same state, so that nothing is hashed or judged again.
    if (sent === state.sent && equalValues(taken.value.before, taken.value.after)) return state;
    const history = copyHistory(state.history);
    const next = { hosts, sent, history };
    cluster.remember(history, this.#change(state, action, next), this.#clusterOf(next));
    return next;
  }

  #change(before: ExploredCluster<S, M, G>, { host, step }: HostStep<Step>, after: SystemState<S, M>): Change<S, M> {
    const sends = after.sent.diff(before.sent).map((key) => after.sent.get(key) as Packet<M>);
    const consumed = this.#parts.protocol.consumes(step);
    return { host, before: before.hosts.get(host), after: after.hosts.get(host), consumed, sends };
  }

  #clusterOf({ hosts, sent, history }: ExploredCluster<S, M, G>): Cluster<S, M, G> {
    return { hosts: new Map(hosts), sent: new ExploredPackets(sent, this.#keyOf), history };
  }

  #viewOf(state: ExploredCluster<S, M, G>): View<S, M, G, Spec> {
    const known = this.#views.get(state);
    if (known !== undefined) return known;
    const cluster = this.#clusterOf(state);
    const view = { cluster, spec: this.#parts.cluster.refinement.abstract(cluster) };
    this.#views.set(state, view);
    return view;
  }

  #judges(): readonly Property<ExploredCluster<S, M, G>, HostStep<Step>>[] {
    const { invariants, refinement } = this.#parts.cluster;
    return [
      ...invariants.map(({ name, check }) =>
        always<ExploredCluster<S, M, G>>(name, (state) => check(this.#viewOf(state).cluster)),
      ),
      always<ExploredCluster<S, M, G>>('every packet sent is justified by the service', (state) =>
        this.#justified(state),
      ),
      ...invariants.map(({ name, checkChange }) =>
        alwaysStep<ExploredCluster<S, M, G>, HostStep<Step>>(
          `${name}, by change`,
          (before, action, after) =>
            before === after || checkChange(this.#viewOf(after).cluster, this.#change(before, action, after)),
        ),
      ),
      alwaysStep<ExploredCluster<S, M, G>, HostStep<Step>>(
        `every step refines steps of the service ${refinement.service.name}`,
        (before, action, after) => before === after || this.#refines(before, action, after),
      ),
    ];
  }

  #justified(state: ExploredCluster<S, M, G>): Check {
    const { service } = this.#parts.cluster.refinement;
    const { spec, cluster } = this.#viewOf(state);
    return firstViolation(
      [...state.sent.values()].map((packet) => () => service.justifies(spec, packet, cluster.sent)),
    );
  }

  /** The service's steps lead from the abstraction of `before` to that of `after`, and take only what was sent. */
  #refines(before: ExploredCluster<S, M, G>, action: HostStep<Step>, after: ExploredCluster<S, M, G>): Check {
    const { service, steps } = this.#parts.cluster.refinement;
    const { cluster, spec: expected } = this.#viewOf(after);
    let { spec } = this.#viewOf(before);
    for (const step of steps(cluster, this.#change(before, action, after), spec)) {
      const next = service.next(spec, step);
      if (O.isNone(next))
        return violated('SPEC_STEP_REFUSED', 'every protocol step refines steps of the service', {
          step: showValue(step),
        });
      const asked = service.asked(step, cluster.sent);
      if (E.isLeft(asked)) return asked;
      spec = next.value;
    }
    const difference = firstDifference(expected, spec);
    if (difference === undefined) return holds;
    return violated('SPEC_MISMATCH', 'the cluster abstracts to the state that the service reached', {
      path: difference.path.join('.'),
      cluster: showValue(difference.left),
      spec: showValue(difference.right),
    });
  }
}

/** Keys of packets that many states share are computed once. */
const cachedKeys = <M>(keyOf: PacketKey<M>): PacketKey<M> => {
  const keys = new WeakMap<Packet<M>, string>();
  return (packet) => {
    const known = keys.get(packet);
    if (known !== undefined) return known;
    const key = keyOf(packet);
    keys.set(packet, key);
    return key;
  };
};

const neverEncoded = (): never => {
  throw new Error('the packets of an explored state are known by their keys');
};

/** The packets of a state, as invariants look at them. */
class ExploredPackets<M extends Tagged> extends SentPackets<M> {
  readonly #sent: PersistentMap<string, Packet<M>>;
  readonly #keyOf: PacketKey<M>;
  #byTag: Map<string, Packet<M>[]> | undefined;
  #bySource: Map<EndPoint, Packet<M>[]> | undefined;

  constructor(sent: PersistentMap<string, Packet<M>>, keyOf: PacketKey<M>) {
    super(neverEncoded);
    this.#sent = sent;
    this.#keyOf = keyOf;
  }

  override get size(): number {
    return this.#sent.size;
  }

  override add(): boolean {
    throw new Error('the packets of an explored state do not change');
  }

  override has(packet: Packet<M>): boolean {
    return this.#sent.has(this.#keyOf(packet));
  }

  override packets(): Iterable<Packet<M>> {
    return this.#sent.values();
  }

  override tagged(tag: M['tag']): readonly Packet<M>[] {
    if (this.#byTag === undefined) {
      this.#byTag = new Map();
      for (const packet of this.#sent.values()) listed(this.#byTag, packet.message.tag, packet);
    }
    return this.#byTag.get(tag) ?? [];
  }

  override from(source: EndPoint): readonly Packet<M>[] {
    if (this.#bySource === undefined) {
      this.#bySource = new Map();
      for (const packet of this.#sent.values()) listed(this.#bySource, packet.source, packet);
    }
    return this.#bySource.get(source) ?? [];
  }
}

/** The model of a protocol, within bounds. */
export const protocolModel = <C, S, M extends Tagged, Step extends Tagged, G, Spec, SpecStep>(
  parts: ProtocolModelParts<C, S, M, Step, G, Spec, SpecStep>,
): ActionModel<ExploredCluster<S, M, G>, HostStep<Step>> => new ProtocolExplorer(parts).model();
