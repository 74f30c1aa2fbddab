/** Whether a simulated host may take steps: it runs, it is paused, or it has crashed. */

/**
 * Lets the wishes of a host's main loop through while it runs. A paused host takes no step, while packets pile up in its
 * inbox; its wishes wait. One that crashed has stopped for good: its memory is lost, and without a durable store nothing could
 * bring it back under its old identity. (With one, a reboot would make a new host behind a new gate.)
 */
export class HostGate {
  #state: 'running' | 'paused' | 'crashed' = 'running';
  #waiting: (() => void)[] = [];

  get crashed(): boolean {
    return this.#state === 'crashed';
  }

  /** Whether a step was held back since the last `pause`. */
  get heldBack(): boolean {
    return this.#waiting.length > 0;
  }

  /** Calls `step` now, at the end of a pause, or never. */
  pass(step: () => void): void {
    if (this.#state === 'running') step();
    else if (this.#state === 'paused') this.#waiting.push(step);
  }

  pause(): void {
    if (this.#state === 'running') this.#state = 'paused';
  }

  /** Ends a pause: what was held back happens now. */
  resume(): void {
    if (this.#state !== 'paused') return;
    this.#state = 'running';
    for (const step of this.#waiting.splice(0)) step();
  }

  crash(): void {
    this.#state = 'crashed';
    this.#waiting = [];
  }
}
