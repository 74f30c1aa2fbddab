/**
 * A node: one host on one socket, stepped by the main loop in real time and judged before anything leaves (IronFleet,
 * SOSP 2015, section 3.5). The judge is handed in: this layer knows no protocol.
 */
import type { Codec } from '../network/codec.js';
import type { NetworkCounters } from '../network/counters.js';
import { Journal } from '../network/journal.js';
import { PhasedStepIo } from '../network/phased-step-io.js';
import type { StepRecord } from '../network/step-io.js';
import { openTransport, type Transport } from '../network/transport.js';
import type { Violation } from '../spec/check.js';
import type { EndPoint } from '../spec/endpoint.js';
import { E } from '../spec/prelude.js';
import { DooredTransport, type DoorListener, type LocalDoor } from './doors.js';
import type { Host } from './host.js';
import { MainLoop, type StepJudge } from './main-loop.js';
import { realTime } from './real-time.js';

export type { LocalDoor } from './doors.js';

/** What a node is made of. `M` messages, `W` the host's action records. */
export interface NodeParts<M, W> {
  readonly host: Host<M, W>;
  /** Where the node listens, and its identity in the cluster. */
  readonly me: EndPoint;
  /** What datagrams of the cluster carry (`wireName`). */
  readonly clusterName: string;
  readonly codec: Codec<M>;
  readonly datagramBytesMax: number;
  readonly inboxMessagesMax: number;
  /** `Right` lets a step's packets leave. */
  readonly judge: StepJudge<W>;
  /** Whether the host's ghost records are kept for the judge. */
  readonly ghost: boolean;
  /** Writes each step that passed to a lasting journal (`LoopParts.keep`). */
  readonly keep?: ((record: StepRecord<W>) => void) | undefined;
  /** Steps that the journal keeps, for the trace of a violation. */
  readonly journalStepsMax: number;
  /** Bytes of messages that it keeps; always the last step. */
  readonly journalBytesMax: number;
  /** Called once, when a step was refused: nothing of it has left or will leave, and the node takes no further step. */
  readonly onViolation: (violation: Violation, record: StepRecord<W> | undefined) => void;
}

/** A node that was started. */
export class RunningNode<M, W> {
  readonly me: EndPoint;
  readonly journal: Journal<W>;
  readonly #loop: MainLoop<M, W>;
  readonly #transport: Transport<M>;
  readonly #doors: DooredTransport<M>;

  /** Takes over `transport` and begins to step; `startNode` is the way to make one. */
  constructor(parts: NodeParts<M, W>, transport: Transport<M>) {
    this.me = parts.me;
    this.journal = new Journal(parts.journalStepsMax, parts.journalBytesMax);
    this.#transport = transport;
    this.#doors = new DooredTransport(transport, process.nextTick);
    const { inbox } = transport;
    const { me, codec, ghost } = parts;
    this.#loop = new MainLoop({
      host: parts.host,
      io: new PhasedStepIo<M, W>({ me, inbox, codec, ghost, nowMs: realTime.nowMs }),
      transport: this.#doors,
      journal: this.journal,
      time: realTime,
      judge: parts.judge,
      keep: parts.keep,
      onViolation: parts.onViolation,
    });
    transport.onMessages(this.#loop.wake);
    this.#loop.wake();
  }

  /** Steps that were begun. */
  get steps(): number {
    return this.#loop.steps;
  }

  /** What the network side counted; changes while the node runs. */
  get counters(): Readonly<NetworkCounters> {
    return this.#transport.counters;
  }

  /**
   * Opens a door for `client`, an end point on which the process listens itself, so that nobody else has it. What steps send to it
   * goes to `listener`, after the step.
   */
  openDoor(client: EndPoint, listener: DoorListener): LocalDoor<M> {
    return this.#doors.open(client, listener, this.#loop.wake);
  }

  /** Takes no further step, and so sends nothing more. The socket stays open, so that nobody else takes the node's place yet. */
  halt(): void {
    this.#loop.stop();
    this.#transport.silence();
  }

  /** Halts and gives the address free. May be called again. */
  async close(): Promise<void> {
    this.halt();
    await this.#transport.close();
  }
}

/** Opens the node's socket and starts it. `Left` says in one sentence why it cannot listen. */
export const startNode = async <M, W>(parts: NodeParts<M, W>): Promise<E.Either<string, RunningNode<M, W>>> => {
  const transport = await openTransport({
    bind: parts.me,
    clusterName: parts.clusterName,
    codec: parts.codec,
    datagramBytesMax: parts.datagramBytesMax,
    inboxMessagesMax: parts.inboxMessagesMax,
    // Grows from one incarnation to the next, by more than a node can chunk in between.
    messageIdBase: Date.now() * 16,
    nowMs: realTime.nowMs,
  });
  return E.isLeft(transport) ? transport : E.right(new RunningNode(parts, transport.right));
};
