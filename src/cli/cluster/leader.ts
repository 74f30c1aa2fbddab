/** Finds the leader of a cluster in processes, and measures how long clients go without an answer. */
import { setTimeout as sleep } from 'node:timers/promises';
import { E } from '../../spec/prelude.js';
import { rsm } from '../systems.js';
import type { NodeProcess } from './node-process.js';
import type { ProcessCluster } from './process-cluster.js';

const askForMs = 500;
const tries = 20;

/** The node that leads in the highest view. Throws where none does for some seconds. */
export const findLeader = async (cluster: ProcessCluster): Promise<NodeProcess> => {
  for (let i = 0; i < tries; i++) {
    const options = { cluster: cluster.name, replicas: cluster.nodes.filter((n) => !n.gone).map((n) => n.address) };
    const answers = await rsm.askStatus(options, askForMs);
    if (E.isLeft(answers)) throw new Error(answers.left);
    const leaders = answers.right.flatMap(({ address, status }) =>
      status?.leading === true ? [{ address, status }] : [],
    );
    leaders.sort((a, b) => rsm.ballotOrd.compare(b.status.view, a.status.view));
    const leader = cluster.nodes.find((n) => n.address === leaders[0]?.address);
    if (leader !== undefined) return leader;
    await sleep(100);
  }
  throw new Error('no node of the cluster leads');
};

/** The longest time between two answers. */
export class GapRecorder {
  #last = performance.now();
  #longestMs = 0;

  /** Call for each answer, of whichever client. */
  answered(): void {
    const now = performance.now();
    this.#longestMs = Math.max(this.#longestMs, now - this.#last);
    this.#last = now;
  }

  /** Forgets what was before. */
  restart(): void {
    this.#last = performance.now();
    this.#longestMs = 0;
  }

  /** Milliseconds, with a gap that still lasts. */
  get longestMs(): number {
    return Math.round(Math.max(this.#longestMs, performance.now() - this.#last));
  }
}
