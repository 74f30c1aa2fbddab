/** The hash of a run: over every step of every node, in order, so that equal runs and only they have equal hashes. */
import { createHash, type Hash } from 'node:crypto';
import type { StepRecord } from '../../network/step-io.js';
import type { EndPoint } from '../../spec/endpoint.js';

/** SHA-256 over the steps that it is told of. */
export class TraceHash {
  readonly #hash: Hash = createHash('sha256');

  /** Takes in a step at its simulated time, with everything that it received, read, sent and did. */
  add<W>(me: EndPoint, record: StepRecord<W>, nowMs: number): void {
    this.#hash.update(`${me} ${record.step} ${nowMs} ${JSON.stringify(record.actions)}`);
    for (const event of record.events) {
      this.#hash.update(event.tag);
      if ('bytes' in event) this.#hash.update(event.bytes);
      if (event.tag === 'send') this.#hash.update(event.target);
      if (event.tag === 'receive') this.#hash.update(event.source);
      if (event.tag === 'clock') this.#hash.update(String(event.timeMs));
    }
  }

  /** The hash in hexadecimal. Afterwards nothing can be added. */
  digest(): string {
    return this.#hash.digest('hex');
  }
}
