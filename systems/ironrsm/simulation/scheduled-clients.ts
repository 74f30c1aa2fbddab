/** The clients of a schedule of IronRSM: what they asked and were told, from their packets alone. */
import type { HistoryVerdict } from '../../../src/refinement/linearizability.js';
import { stranger } from '../../../src/refinement/simulation/environment.js';
import type { ScheduledClients } from '../../../src/refinement/simulation/simulated-system.js';
import type { EndPoint } from '../../../src/spec/endpoint.js';
import type { Packet } from '../../../src/spec/packet.js';
import type { Configuration } from '../configuration.js';
import type { RsmMessage } from '../messages.js';
import { RsmClientHistory, recordingOf } from './history.js';

/** What one client asked so far. */
interface Asked {
  /** By seqno. */
  readonly requests: Map<number, Uint8Array>;
  last: number;
  /** Takes the reply to the last request; none once it came. */
  answered: ((reply: Uint8Array, nowMs: number) => void) | undefined;
}

/**
 * One outstanding request a client. A client that asks again before it had a reply gave up: that request stays open for ever. A
 * schedule has no clock of its own, so the times of the history are those of its recorder: one event after the other.
 */
export class RsmScheduledClients implements ScheduledClients<RsmMessage> {
  readonly #history: RsmClientHistory;
  readonly #asked = new Map<EndPoint, Asked>();

  constructor({ app }: Configuration) {
    this.#history = new RsmClientHistory(recordingOf(app));
  }

  sends(packet: Packet<RsmMessage>): boolean {
    const { source, message } = packet;
    if (source === stranger) {
      this.#history.strangerSent(packet);
      return true;
    }
    if (message.tag !== 'request') return true;
    const asked = this.#askedBy(source);
    const before = asked.requests.get(message.seqno);
    if (before !== undefined) return Buffer.compare(before, message.value) === 0;
    // Exactly-once rests on seqnos that grow: a client that breaks this rule shows nothing about the replicas.
    if (message.seqno <= asked.last || !this.#history.isCommand(message.value)) return false;
    this.#history.gaveUp(source);
    asked.requests.set(message.seqno, message.value);
    asked.last = message.seqno;
    asked.answered = this.#history.asked(source, message.value, 0);
    return true;
  }

  receives({ target, message }: Packet<RsmMessage>): boolean {
    const asked = this.#asked.get(target);
    if (message.tag !== 'reply' || message.seqno !== asked?.last || asked.answered === undefined) return false;
    asked.answered(message.value, 0);
    asked.answered = undefined;
    return true;
  }

  judge(): HistoryVerdict {
    return this.#history.judge();
  }

  #askedBy(client: EndPoint): Asked {
    const known = this.#asked.get(client);
    if (known !== undefined) return known;
    const asked: Asked = { requests: new Map(), last: -1, answered: undefined };
    this.#asked.set(client, asked);
    return asked;
  }
}
