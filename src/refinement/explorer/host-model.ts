/**
 * Real host code as a model: small clusters of it, in all orders of delivery, each step judged by the judge of a node. Host code is
 * imperative, and cannot be taken back to an earlier state: it is executed again from its start on the same packets (stateless
 * search, after Godefroid's VeriSoft, 1997), and what was seen is told apart by abstract states (docs/exploration.md, "Host code").
 */
import type { Host } from '../../host/host.js';
import { Inbox } from '../../network/inbox.js';
import { PhasedStepIo } from '../../network/phased-step-io.js';
import { PersistentMap } from '../../protocol/persistent-map.js';
import { packetKeyBy } from '../../protocol/system.js';
import { type Violation, violated } from '../../spec/check.js';
import type { EndPoint } from '../../spec/endpoint.js';
import type { Packet } from '../../spec/packet.js';
import { E } from '../../spec/prelude.js';
import type { Tagged } from '../cluster.js';
import { HostJudge } from '../host-judge.js';
import type { SystemDefinition } from '../system.js';
import { always, type StateProperty, type SuccessorModel } from './model.js';
import { PartPool } from './part-pool.js';

/** What one host took in, step by step: the packets of each step, in order. */
type Inputs<M> = readonly (readonly Packet<M>[])[];

/** A state of the model: the abstract state of each host without its constants, every packet sent, and how each host came there. */
export interface HostedState<M> {
  readonly hosts: readonly object[];
  readonly sent: PersistentMap<string, Packet<M>>;
  readonly inputs: readonly Inputs<M>[];
  /** The judge's verdict on the step that led here, if it was bad. */
  readonly refused: { readonly host: EndPoint; readonly code: string; readonly rule: string } | null;
}

/** What is explored. */
export interface HostModelParts<C, H extends Host<M, W>, S, M extends Tagged, Step, W> {
  readonly name: string;
  readonly definition: SystemDefinition<C, H, S, M, Step, W>;
  readonly constants: C;
  readonly hosts: readonly EndPoint[];
  /** Packets that a host may take in one step: none, one, or in any order up to so many. */
  readonly receiveMax: number;
  /** Steps of one host, at most; the clock always reads 0. */
  readonly stepsMax: number;
  readonly clientPackets?: readonly Packet<M>[];
  readonly within?: (hosts: ReadonlyMap<EndPoint, S>) => boolean;
  /** Stated of the protocol states of all hosts and of the packets sent. */
  readonly properties: readonly StateProperty<Reading<S, M>>[];
}

/** What properties are stated of. */
export interface Reading<S, M> {
  readonly hosts: ReadonlyMap<EndPoint, S>;
  readonly sent: readonly Packet<M>[];
}

interface Outcome<M> {
  readonly after: object;
  readonly sends: readonly Packet<M>[];
  readonly violation: Violation | undefined;
  readonly inputs: Inputs<M>;
}

const refines = 'every step of host code is what the protocol allows';

class HostExplorer<C, H extends Host<M, W>, S, M extends Tagged, Step, W> {
  readonly #parts: HostModelParts<C, H, S, M, Step, W>;
  readonly #keyOf: (packet: Packet<M>) => string;
  readonly #states = new PartPool<object>();
  readonly #sets = new PartPool<PersistentMap<string, Packet<M>>>();
  readonly #outcomes = new Map<Inputs<M>, Map<string, Outcome<M>>>();

  constructor(parts: HostModelParts<C, H, S, M, Step, W>) {
    this.#parts = parts;
    this.#keyOf = packetKeyBy(parts.definition.refinement.codec.encode);
  }

  model(): SuccessorModel<HostedState<M>, string> {
    const { name, within, stepsMax } = this.#parts;
    const property = (p: StateProperty<Reading<S, M>>): StateProperty<HostedState<M>> => {
      const read = (state: HostedState<M>) => ({ hosts: this.#restored(state), sent: [...state.sent.values()] });
      if (p.kind === 'always') return { ...p, holds: (state) => p.holds(read(state)) };
      if (p.kind === 'sometimes') return { ...p, holds: (state) => p.holds(read(state)) };
      if (p.kind === 'noDeadlock') return { ...p, mayEnd: (state) => p.mayEnd(read(state)) };
      return { ...p, premise: (state) => p.premise(read(state)), goal: (state) => p.goal(read(state)) };
    };
    return {
      name,
      init: () => [this.#initial()],
      successors: (state, emit) => this.#from(state, emit),
      within: (state) =>
        state.inputs.every(({ length }) => length <= stepsMax) &&
        (within === undefined || within(this.#restored(state))),
      properties: [
        always(
          refines,
          ({ refused }) => refused === null || violated(refused.code, refused.rule, { host: refused.host }),
        ),
        ...this.#parts.properties.map(property),
      ],
      key: (state) => this.#key(state),
      show: ({ hosts, sent, refused }) => ({ hosts, sent: [...sent.values()], refused }),
    };
  }

  #initial(): HostedState<M> {
    const { hosts, clientPackets = [] } = this.#parts;
    const sent = PersistentMap.of(clientPackets.map((packet) => [this.#keyOf(packet), packet] as const));
    const none: Inputs<M> = [];
    return {
      hosts: hosts.map((me) => this.#run(me, none).state),
      sent: this.#sets.of(sent).value,
      inputs: hosts.map(() => none),
      refused: null,
    };
  }

  #key({ hosts, sent, refused }: HostedState<M>): Int32Array {
    const parts = [...hosts.map((host) => this.#states.of(host)), this.#sets.of(sent)];
    return Int32Array.from([refused === null ? 0 : 1, ...parts.flatMap(({ hi, lo }) => [hi, lo])]);
  }

  #restored({ hosts }: HostedState<M>): ReadonlyMap<EndPoint, S> {
    const { definition, constants, hosts: names } = this.#parts;
    const { protocol, trace } = definition.refinement;
    return new Map(names.map((me, i) => [me, trace.restore(protocol.init(constants, me), hosts[i])]));
  }

  #from(state: HostedState<M>, emit: (action: string, next: HostedState<M>) => void): void {
    if (state.refused !== null) return;
    const packets = [...state.sent.values()];
    this.#parts.hosts.forEach((me, i) => {
      const inbox = packets.filter(({ target }) => target === me);
      for (const taken of deliveries(inbox, this.#parts.receiveMax)) {
        const { after, sends, violation, inputs } = this.#step(me, state, i, taken);
        const sent = this.#with(state.sent, sends);
        const label = `step(${me} takes ${taken.map(({ source, message }) => `${message.tag} of ${source}`).join(', ') || 'nothing'})`;
        const refused = violation === undefined ? null : { host: me, code: violation.code, rule: violation.rule };
        const before = this.#states.of(state.hosts[i] as object).value;
        if (after === before && sent === state.sent && refused === null) emit(label, state);
        else emit(label, { hosts: state.hosts.with(i, after), sent, inputs: state.inputs.with(i, inputs), refused });
      }
    });
  }

  #with(sent: PersistentMap<string, Packet<M>>, sends: readonly Packet<M>[]): PersistentMap<string, Packet<M>> {
    const more = sends.filter((packet) => !sent.has(this.#keyOf(packet)));
    if (more.length === 0) return sent;
    const after = sent.withMutations((draft) => {
      for (const packet of more) draft.set(this.#keyOf(packet), packet);
    });
    return this.#sets.of(after).value;
  }

  #step(me: EndPoint, state: HostedState<M>, i: number, taken: readonly Packet<M>[]): Outcome<M> {
    const before = state.inputs[i] as Inputs<M>;
    let known = this.#outcomes.get(before);
    if (known === undefined) {
      known = new Map();
      this.#outcomes.set(before, known);
    }
    const key = `${me} ${taken.map(this.#keyOf).join()}`;
    const old = known.get(key);
    if (old !== undefined) return old;
    const inputs = [...before, taken];
    const { earlier, state: after, sends, violation } = this.#run(me, inputs);
    if (earlier !== this.#states.of(state.hosts[i] as object).value)
      throw new Error(`the host code of ${me} is not deterministic: the same packets led it elsewhere`);
    const outcome = { after, sends, violation, inputs };
    known.set(key, outcome);
    return outcome;
  }

  /** A fresh host that takes `inputs`: its state before and after the last step, and what that sent. */
  #run(me: EndPoint, inputs: Inputs<M>) {
    const { definition, constants } = this.#parts;
    const { refinement } = definition;
    const host = definition.createHost(constants, me);
    const judge = new HostJudge(refinement, constants, me, 'full');
    const inbox = new Inbox<M>(1_000);
    const io = new PhasedStepIo<M, W>({ me, inbox, codec: refinement.codec, nowMs: () => 0, ghost: true });
    const abstract = (): object => this.#states.of(refinement.trace.strip(judge.state) as object).value;
    const first = judge.compareAll(host);
    let violation = E.isLeft(first) ? first.left : undefined;
    let earlier = abstract();
    let sends: readonly Packet<M>[] = [];
    inputs.forEach((packets, step) => {
      earlier = abstract();
      for (const packet of packets) inbox.push({ packet, bytes: refinement.codec.encode(packet.message) });
      host.next(io.begin(step + 1));
      const record = io.finish();
      const verdict = judge.judge(record, host);
      if (E.isLeft(verdict)) violation = verdict.left;
      sends = record.events.flatMap((event): readonly Packet<M>[] => {
        if (event.tag !== 'send') return [];
        const message = refinement.codec.decode(event.bytes);
        return E.isLeft(message) ? [] : [{ source: me, target: event.target, message: message.right }];
      });
    });
    return { earlier, state: abstract(), sends: violation === undefined ? sends : [], violation };
  }
}

/** Every list of at most `max` different packets. */
const deliveries = <M>(inbox: readonly Packet<M>[], max: number): readonly (readonly Packet<M>[])[] => {
  const lists: (readonly Packet<M>[])[] = [[]];
  for (let from = 0; from < lists.length; from++) {
    const list = lists[from] as readonly Packet<M>[];
    if (list.length < max) for (const packet of inbox) if (!list.includes(packet)) lists.push([...list, packet]);
  }
  return lists;
};

/** The model of a cluster of host code, within bounds. */
export const hostModel = <C, H extends Host<M, W>, S, M extends Tagged, Step, W>(
  parts: HostModelParts<C, H, S, M, Step, W>,
): SuccessorModel<HostedState<M>, string> => new HostExplorer(parts).model();
