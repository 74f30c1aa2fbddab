/** What the clients of a simulated cluster asked and were told, in the words of the table's model of linearizability. */
import {
  type Call,
  type CallId,
  HistoryRecorder,
  type HistoryVerdict,
  judgeRecordedBy,
  type Result,
  tableModelOf,
} from '../../../src/refinement/linearizability.js';
import type { ClientHistory } from '../../../src/refinement/simulation/simulated-system.js';
import type { EndPoint } from '../../../src/spec/endpoint.js';
import type { Packet } from '../../../src/spec/packet.js';
import type { Command, Outcome } from '../commands.js';
import type { KvChange } from '../history.js';
import { type KvMessage, type Message, textOfSession } from '../messages.js';
import type { HostState } from '../protocol.js';
import { callOf, resultOf } from '../recorded.js';
import { isWrite } from '../spec.js';
import { Effects } from './effects.js';

/** How a request ended, for the one that asked it. Each is to be called at most once, and only one of them. */
export interface Asked {
  /** The answer came. */
  answered(outcome: Outcome, nowMs: number): void;
  /** It was never executed, and never will be. */
  refused(nowMs: number): void;
  /** Nobody knows. */
  gaveUp(nowMs: number): void;
}

/** The requests under way of one ordered session and of those that follow it, in the order in which they were made. */
export class Sequence {
  readonly #underWay: CallId[] = [];

  asked(id: CallId): void {
    this.#underWay.push(id);
  }

  /** The end of a request; those that were to be executed before it, and have not ended. */
  ended(id: CallId): readonly CallId[] {
    const at = this.#underWay.indexOf(id);
    if (at < 0) return [];
    this.#underWay.splice(at, 1);
    return this.#underWay.slice(0, at);
  }
}

/** Records the requests of clients, and those of strangers, whose replies nobody sees. */
export class KvClientHistory implements ClientHistory<KvMessage, HostState> {
  readonly #valueBytesMax: number;
  readonly #recorder: HistoryRecorder<Call, Result>;
  readonly #strangers = new Set<string>();
  readonly #effects = new Effects();
  #nowMs = 0;

  constructor(valueBytesMax: number) {
    this.#valueBytesMax = valueBytesMax;
    this.#recorder = new HistoryRecorder(() => this.#nowMs * 1e6);
  }

  /**
   * `lane`, which has nothing outstanding, sends `command` from `source` for the first time. In a `sequence` it may take effect only
   * behind what was asked there before. The search judges each key for itself, and an order between keys is none of its words; but
   * what was before a request that is answered has taken effect by then, and that each operation can say for itself.
   */
  asked(source: EndPoint, lane: string, command: Command, nowMs: number, sequence?: Sequence): Asked {
    this.#nowMs = nowMs;
    const id = this.#call(source, lane, command);
    sequence?.asked(id);
    const at = (laterMs: number, end: () => void): void => {
      this.#nowMs = laterMs;
      end();
    };
    return {
      answered: (outcome, laterMs) =>
        at(laterMs, () => {
          const result = resultOf(outcome);
          this.#recorder.returned(id, result);
          for (const before of sequence?.ended(id) ?? []) this.#recorder.tookEffectByNow(before);
          this.#effects.answered(id, JSON.stringify(result));
        }),
      refused: (laterMs) =>
        at(laterMs, () => {
          this.#recorder.failed(id);
          sequence?.ended(id);
          this.#effects.refused(id);
        }),
      gaveUp: (laterMs) =>
        at(laterMs, () => {
          this.#recorder.gaveUp(id);
          sequence?.ended(id);
        }),
    };
  }

  /** Somebody who ignores replies is about to send a request, once or often: it is executed once or never. */
  mayAsk(packet: Packet<Message<'request'>>, nowMs: number): void {
    this.#nowMs = nowMs;
    this.strangerSent(packet);
  }

  strangerSent({ source, message: m }: Packet<KvMessage>): void {
    if (m.tag !== 'request' || m.command.tag === 'get' || m.command.tag === 'length') return;
    // Sent again, it is still executed at most once.
    const request = `${source} ${textOfSession(m.session)}#${m.seqno} ${JSON.stringify(callOf(m.command))}`;
    if (this.#strangers.has(request)) return;
    this.#strangers.add(request);
    this.#call(source, request, m.command);
  }

  handled(change: KvChange): void {
    this.#effects.handled(change);
  }

  /** Adds what no order explains, by which a canary shows that `judge` can say so: what was set is not there. */
  spoil(): void {
    const told = (call: Call, result: Result): void =>
      this.#recorder.returned(this.#recorder.call('canary', call), result);
    told({ op: 'set', key: 'canary', args: ['1'] }, true);
    told({ op: 'get', key: 'canary', args: [] }, null);
  }

  judge(): HistoryVerdict {
    for (const [id, place] of this.#effects.guesses()) this.#recorder.tookEffect(id, place);
    return judgeRecordedBy(tableModelOf(this.#valueBytesMax), this.#recorder);
  }

  #call(source: EndPoint, lane: string, command: Command): CallId {
    const call = callOf(command);
    const id = this.#recorder.call(lane, call);
    this.#effects.asked(id, source, JSON.stringify(call), isWrite(command));
    return id;
  }
}
