/** The clients of a schedule of IronRSM: what they asked and were told, from their packets alone. */
import type { HistoryVerdict } from '../../../src/refinement/linearizability.js';
import type { ScheduledClients } from '../../../src/refinement/simulation/simulated-system.js';
import { equalBytes } from '../../../src/spec/bytes.js';
import type { EndPoint } from '../../../src/spec/endpoint.js';
import type { Packet } from '../../../src/spec/packet.js';
import type { Configuration } from '../configuration.js';
import { parted, type RsmMessage } from '../messages.js';
import { type Asked, RsmClientHistory, recordingOf } from './history.js';

/** A request of a session, from its first receive on. */
interface Known {
  readonly client: EndPoint;
  readonly value: Uint8Array;
  /** Take the outcomes of its operations; none once these came. */
  asked: readonly Asked[];
}

/**
 * Requests are named by session and seqno. One whose reply never comes stays open for ever: its client may have given it up. A schedule
 * has no clock of its own, so the times of the history are those of its recorder: one event after the other.
 */
export class RsmScheduledClients implements ScheduledClients<RsmMessage> {
  readonly #history: RsmClientHistory;
  readonly #known = new Map<string, Known>();

  constructor({ app }: Configuration) {
    this.#history = new RsmClientHistory(recordingOf(app));
  }

  sends({ source, message }: Packet<RsmMessage>): boolean {
    if (message.tag !== 'request') return true;
    const name = `${message.session}.${message.seqno}`;
    const before = this.#known.get(name);
    // Exactly-once rests on seqnos that name one request: a client that breaks this rule shows nothing about the replicas.
    if (before !== undefined) return before.client === source && equalBytes(before.value, message.value);
    const operations = parted(message.value);
    if (!operations.every((operation) => this.#history.isCommand(operation))) return false;
    const asked = operations.map((operation) => this.#history.asked(source, operation, 0));
    this.#known.set(name, { client: source, value: message.value, asked });
    return true;
  }

  receives({ target, message }: Packet<RsmMessage>): boolean {
    if (message.tag !== 'reply') return false;
    const known = this.#known.get(`${message.session}.${message.seqno}`);
    if (known === undefined || known.asked.length === 0 || known.client !== target) return false;
    for (const [i, value] of parted(message.value).entries()) known.asked[i]?.settled({ tag: 'reply', value }, 0);
    known.asked = [];
    return true;
  }

  judge(): HistoryVerdict {
    return this.#history.judge();
  }
}
