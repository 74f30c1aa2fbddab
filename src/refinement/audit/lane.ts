/** The steps of one node's journal, in the order in which they were released. */
import type { JournalItem, JournalReader } from '../../network/journal-file.js';
import type { StepRecord } from '../../network/step-io.js';
import type { Violation } from '../../spec/check.js';
import type { EndPoint } from '../../spec/endpoint.js';
import type { Tagged } from '../cluster.js';
import type { DigestedPackets, DigestPair } from './packet-digests.js';

/** What the end of a journal says: there is none yet, the node ended by itself, or the last bytes are no whole block. */
export type LaneEnd = 'open' | 'complete' | 'torn';

/** A packet of a member that a step received, and the digest of its message. */
export interface Need {
  readonly source: EndPoint;
  readonly bytes: Uint8Array;
  readonly digest: DigestPair;
}

/** A step that may be the next of its node, and the packets of members that it waits for. */
export interface Head<W> {
  readonly record: StepRecord<W>;
  readonly needs: readonly Need[];
  /** Of `needs`, how many were found. */
  met: number;
  readonly path: string;
}

/**
 * A step takes place when it is released (docs/reduction.md, "Merging journals"): until then it waits here, and what was never
 * released never happened.
 */
export class Lane<M extends Tagged, W> {
  readonly id: string;
  readonly me: EndPoint;
  readonly #reader: JournalReader<W>;
  readonly #members: ReadonlySet<EndPoint>;
  readonly #sent: DigestedPackets<M>;
  readonly #executed: StepRecord<W>[] = [];
  #releasedStep = 0;
  #head: Head<W> | undefined;
  #end: LaneEnd = 'open';
  #dry = false;
  #fault: Violation | undefined;
  #unjudged: string | undefined;

  constructor(reader: JournalReader<W>, me: EndPoint, members: ReadonlySet<EndPoint>, sent: DigestedPackets<M>) {
    this.id = reader.header.node;
    this.me = me;
    this.#reader = reader;
    this.#members = members;
    this.#sent = sent;
  }

  get end(): LaneEnd {
    return this.#end;
  }

  /** What is wrong with the journal itself. */
  get fault(): Violation | undefined {
    return this.#fault;
  }

  /** Why the rest of the journal cannot be judged, if so. */
  get unjudged(): string | undefined {
    return this.#unjudged;
  }

  /** The file that is being read, and where. */
  get place(): { readonly file: string; readonly offset: number } {
    return { file: this.#reader.path, offset: this.#reader.offset };
  }

  /** Steps that were read and never released. */
  get unreleased(): number {
    return this.#executed.length;
  }

  /** Asks the file again for more, where it had none. */
  refresh(): void {
    const over = this.#end === 'complete' || this.#fault !== undefined || this.#unjudged !== undefined;
    if (!over) this.#dry = false;
  }

  /** The next step; none where the journal has none, for now or for ever. */
  head(): Head<W> | undefined {
    while (this.#head === undefined && !this.#dry) this.#pull();
    return this.#head;
  }

  /** Whether the next step's packets were all sent. */
  ready(): boolean {
    const head = this.head();
    if (head === undefined) return false;
    for (let need = head.needs[head.met]; need !== undefined; need = head.needs[head.met]) {
      if (!this.#sent.hasDigest(need.source, this.me, need.digest)) return false;
      head.met++;
    }
    return true;
  }

  /** Takes the next step away. */
  shift(): void {
    this.#head = undefined;
  }

  close(): void {
    this.#reader.close();
  }

  #pull(): void {
    const [first] = this.#executed;
    if (first !== undefined && first.step <= this.#releasedStep) {
      this.#executed.shift();
      this.#head = { record: first, needs: this.#needs(first), met: 0, path: this.#reader.path };
      return;
    }
    this.#take(this.#reader.next());
  }

  #take(item: JournalItem<W>): void {
    switch (item.tag) {
      case 'step':
        this.#executed.push(item.record);
        if (item.released) this.#releasedStep = item.record.step;
        return;
      case 'mark':
        if (item.mark === 'released') this.#releasedStep = Math.max(this.#releasedStep, item.step);
        if (item.mark === 'recovered') this.#stopAt(item.step);
        return;
      case 'ended':
        this.#end = 'complete';
        return;
      case 'nothing':
        if (this.#end !== 'complete') this.#end = item.torn ? 'torn' : 'open';
        this.#dry = true;
        return;
      case 'fault':
        this.#fault = item.violation;
        this.#dry = true;
        return;
    }
  }

  #stopAt(step: number): void {
    this.#unjudged = `it recovered from the state after step ${step}, and recovery is not judged yet`;
    this.#dry = true;
  }

  #needs({ events }: StepRecord<W>): readonly Need[] {
    const needs: Need[] = [];
    for (const event of events) {
      if (event.tag !== 'receive' || !this.#members.has(event.source)) continue;
      const { source, bytes } = event;
      needs.push({ source, bytes, digest: this.#sent.digest(bytes) });
    }
    return needs;
  }
}
