/** Lock hosts in one process, each judged on every step, on a clock and a network that the test moves by hand. */
import { Inbox } from '../../src/network/inbox.js';
import { PhasedStepIo } from '../../src/network/phased-step-io.js';
import type { Choose } from '../../src/protocol/behavior.js';
import { HostJudge } from '../../src/refinement/host-judge.js';
import type { Violation } from '../../src/spec/check.js';
import type { EndPoint } from '../../src/spec/endpoint.js';
import { E } from '../../src/spec/prelude.js';
import { type LockAction, LockHost } from '../../systems/lock/host.js';
import { type LockMessage, lockCodec } from '../../systems/lock/messages.js';
import { lockRefinement } from '../../systems/lock/refinement.js';
import { configuration, newClusterJudge, nodes } from './sample.js';

/** A message on its way, as bytes. */
export interface Sent {
  readonly source: EndPoint;
  readonly target: EndPoint;
  readonly bytes: Uint8Array;
}

export type NewHost = (me: EndPoint) => LockHost;

const newJudge = (me: EndPoint) => new HostJudge(lockRefinement, configuration, me, 'full');

/** One node: its host, its inbox and its judge. */
export class TestNode {
  readonly me: EndPoint;
  readonly host: LockHost;
  readonly judge: ReturnType<typeof newJudge>;
  readonly #inbox = new Inbox<LockMessage>(1_000);
  readonly #io: PhasedStepIo<LockMessage, LockAction>;
  #steps = 0;
  nowMs = 0;

  constructor(me: EndPoint, newHost: NewHost = (node) => new LockHost(configuration, node)) {
    this.me = me;
    this.host = newHost(me);
    this.judge = newJudge(me);
    const nowMs = (): number => this.nowMs;
    this.#io = new PhasedStepIo({ me, inbox: this.#inbox, codec: lockCodec, nowMs, ghost: true });
  }

  deliver({ source, bytes }: Pick<Sent, 'source' | 'bytes'>): void {
    const message = lockCodec.decode(bytes);
    if (E.isLeft(message)) throw new Error(message.left);
    this.#inbox.push({ packet: { source, target: this.me, message: message.right }, bytes });
  }

  /** One host step at `nowMs`: the verdict, and what would leave if it is good. */
  step(nowMs: number) {
    this.nowMs = nowMs;
    this.host.next(this.#io.begin(++this.#steps));
    const record = this.#io.finish();
    const verdict = this.judge.judge(record, this.host);
    const sends = record.events.flatMap((e): Sent[] =>
      e.tag === 'send' ? [{ source: this.me, target: e.target, bytes: e.bytes }] : [],
    );
    return { verdict, sends, record };
  }
}

/** What a run of hosts came to. */
export interface HostsOutcome {
  readonly violation: Violation | undefined;
  readonly epochs: number;
  readonly actions: ReadonlyMap<LockAction['action'], number>;
}

/** Runs the ring at random, losing, repeating, delaying and reordering what it sends. */
export const judgedHosts = (choose: Choose, moves: number, newHost?: NewHost): HostsOutcome => {
  const ring = new Map(nodes.map((me) => [me, new TestNode(me, newHost)]));
  const cluster = newClusterJudge();
  const actions = new Map<LockAction['action'], number>();
  const inFlight: Sent[] = [];
  let nowMs = 0;
  const outcome = (violation: Violation | undefined): HostsOutcome => ({
    violation,
    actions,
    epochs: cluster.spec.history.length,
  });
  const deliverSome = (): void => {
    while (inFlight.length > 0 && choose(3) > 0) {
      const i = choose(inFlight.length);
      const sent = inFlight[i] as Sent;
      const fate = choose(6);
      if (fate > 0) ring.get(sent.target)?.deliver(sent);
      if (fate < 5) inFlight.splice(i, 1);
    }
  };
  for (let i = 0; i < moves; i++) {
    nowMs += choose(8);
    deliverSome();
    const node = ring.get(nodes[choose(nodes.length)] as EndPoint) as TestNode;
    const { verdict, sends, record } = node.step(nowMs);
    if (E.isLeft(verdict)) return outcome(verdict.left);
    for (const { action } of record.actions) actions.set(action, (actions.get(action) ?? 0) + 1);
    for (const transition of verdict.right) {
      const check = cluster.observe(transition);
      if (E.isLeft(check)) return outcome(check.left);
    }
    inFlight.push(...sends);
  }
  const full = cluster.full();
  return outcome(E.isLeft(full) ? full.left : undefined);
};
