/** The hash of a schedule's execution: over everything that its steps received, read, did and sent. */
import { createHash, type Hash } from 'node:crypto';
import { toPlain } from '../values.js';
import type { WatchedStep } from './watched-host.js';

/** SHA-256 over steps, in order. It knows no simulated time, so that a run and its schedule have one hash. */
export class ScheduleHash {
  #hash: Hash = createHash('sha256');

  add<W>({ node, events, actions, threw }: WatchedStep<W>): void {
    this.#hash.update(`\n${node} ${threw} ${JSON.stringify(actions.map(toPlain))}`);
    for (const event of events) {
      this.#hash.update(` ${event.tag} `);
      if (event.tag === 'clock') this.#hash.update(String(event.timeMs));
      if (event.tag === 'receive') this.#hash.update(event.source);
      if (event.tag === 'send') this.#hash.update(event.target);
      if ('bytes' in event) this.#hash.update(`${event.bytes.length} `).update(event.bytes);
    }
  }

  /** The hash so far, in hexadecimal. */
  digest(): string {
    return this.#hash.copy().digest('hex');
  }
}
