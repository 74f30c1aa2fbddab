/** A worker thread of a parallel exploration, as its coordinator sees it. */
import { Worker } from 'node:worker_threads';
import type { Command, Reply, Rest, WorkerData } from './worker-protocol.js';

/** A worker thread, as a function from commands to replies. */
export class Thread {
  readonly #worker: Worker;
  readonly #waiting: { resolve: (reply: Reply) => void; reject: (error: Error) => void }[] = [];
  #failure: Error | undefined;

  constructor(data: WorkerData) {
    this.#worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: data });
    this.#worker.on('message', (reply: Reply) => this.#waiting.shift()?.resolve(reply));
    this.#worker.on('error', (error: Error) => this.#fail(error));
    this.#worker.on('exit', (code) => this.#fail(new Error(`a worker of the explorer ended with code ${code}`)));
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#failure);
  }

  ask(command: Command): Promise<Reply> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#worker.postMessage(command);
    });
  }

  async rest(command: Command): Promise<Rest> {
    const reply = await this.ask(command);
    if (reply.tag !== 'rest') throw new Error('a worker of the explorer answered another question');
    return reply.rest;
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}
