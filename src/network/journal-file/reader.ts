/**
 * Reads the journal of one incarnation of a node as a stream of steps, and checks all that a journal shows of itself: numbers,
 * checksums, and the chain of digests over all its files (docs/audit.md).
 */
import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Violation } from '../../spec/check.js';
import { E } from '../../spec/prelude.js';
import type { StepRecord } from '../step-io.js';
import { BlockBytes, type RawBlock } from './block-bytes.js';
import {
  blockHeaderBytes,
  blockKinds,
  digestBytes,
  digestOf,
  type HeaderFault,
  type JournalHeader,
  journalFileName,
  noDigest,
} from './format.js';
import { type ActionTable, StepBlock } from './step-block.js';

/**
 * What comes next. `nothing`: the journal ends here for now; `torn` in the middle of a block or before a file that was announced.
 * `fault`: it is not what its node wrote; nothing may be read after that.
 */
export type JournalItem<W> =
  | { readonly tag: 'step'; readonly record: StepRecord<W>; readonly released: boolean }
  | { readonly tag: 'mark'; readonly mark: 'released' | 'durable' | 'recovered'; readonly step: number }
  | { readonly tag: 'ended'; readonly why: string }
  | { readonly tag: 'nothing'; readonly torn: boolean }
  | { readonly tag: 'fault'; readonly violation: Violation };

const alteredRule = 'each record of a journal is the one that its node wrote';
const gapRule = 'no record of a journal is missing';

/** A journal's files in order, of which further ones may appear beside the last. */
export class JournalReader<W> {
  readonly header: JournalHeader;
  readonly #actionOf: (text: string) => E.Either<string, W>;
  readonly #files: string[];
  #bytes: BlockBytes;
  #file = 1;
  #digest: Buffer;
  #blocks = 0;
  #steps = 0;
  #rotated = false;
  #ended = false;
  #table: ActionTable<W> = new Map();

  /** `files` are the journal's, in the order of their numbers from 1; their headers were read before, and are valid. */
  constructor(files: readonly string[], actionOf: (text: string) => E.Either<string, W>) {
    this.#files = [...files];
    this.#actionOf = actionOf;
    this.#bytes = new BlockBytes(files[0] as string);
    const header = this.#bytes.header();
    if (E.isLeft(header)) throw new Error(`${this.path}: ${header.left.why}`);
    this.header = header.right.header;
    this.#digest = header.right.digest;
  }

  /** The file that is being read. */
  get path(): string {
    return this.#bytes.path;
  }

  /** Where the next block begins in it. */
  get offset(): number {
    return this.#bytes.offset;
  }

  /** Steps that were read. */
  get steps(): number {
    return this.#steps;
  }

  next(): JournalItem<W> {
    for (;;) {
      const block = this.#bytes.next();
      if (typeof block !== 'string') {
        const item = this.#read(block);
        if (item !== undefined) return item;
        continue;
      }
      if (block === 'garbled') return this.#altered('the header of this block does not fit its checksum');
      if (this.#ended)
        return block === 'end' ? { tag: 'nothing', torn: false } : this.#altered('the journal had ended');
      const following = this.#following();
      if (following === undefined) return { tag: 'nothing', torn: block === 'torn' || this.#rotated };
      if (block === 'torn') return this.#altered('the file is cut off here, and another follows');
      if (!this.#rotated) return this.#gap('the end of this file is missing');
      const fault = this.#open(following);
      if (fault !== undefined) return fault;
    }
  }

  close(): void {
    this.#bytes.close();
  }

  /** The file after this one, if it is there. */
  #following(): string | undefined {
    const known = this.#files[this.#file];
    if (known !== undefined) return known;
    const { node, incarnation } = this.header;
    const path = join(dirname(this.path), journalFileName(node, incarnation, this.#file + 1));
    return basename(path) !== basename(this.path) && existsSync(path) ? path : undefined;
  }

  #open(path: string): JournalItem<W> | undefined {
    const bytes = new BlockBytes(path);
    const read = bytes.header();
    if (E.isLeft(read) && read.left.kind === 'cut') {
      // Its node has just made it: it is looked at again later.
      bytes.close();
      return { tag: 'nothing', torn: true };
    }
    this.#bytes.close();
    this.#bytes = bytes;
    if (E.isLeft(read)) return this.#altered(read.left.why);
    const { header, before, digest } = read.right;
    const { node, incarnation, configuration } = this.header;
    if (header.node !== node || header.incarnation !== incarnation || header.configuration !== configuration)
      return this.#altered('the file belongs to another journal');
    if (header.file !== this.#file + 1)
      return this.#gap(`file ${header.file} follows file ${this.#file}`, { file: header.file });
    if (!before.equals(this.#digest)) return this.#altered('the file does not continue the one before');
    if (header.firstStep !== this.#steps + 1 || header.firstBlock !== this.#blocks + 1)
      return this.#gap(`the file begins at step ${header.firstStep}, and step ${this.#steps} came before`);
    this.#file++;
    this.#rotated = false;
    this.#digest = digest;
    this.#table = new Map();
    return undefined;
  }

  /** `undefined` for a block that says nothing to the reader of steps. */
  #read(block: RawBlock): JournalItem<W> | undefined {
    const at = { block: block.number, step: block.step, offset: block.offset };
    if (this.#ended) return this.#altered('the journal had ended', at);
    if (block.number > this.#blocks + 1)
      return this.#gap(`block ${block.number} (step ${block.step}) follows block ${this.#blocks}`, at);
    if (block.number <= this.#blocks)
      return this.#altered(`block ${block.number} stands where block ${this.#blocks + 1} belongs`, at);
    const isStep = block.kind === blockKinds.step || block.kind === blockKinds.queuedStep;
    if (isStep && block.step !== this.#steps + 1)
      return this.#gap(`step ${block.step} follows step ${this.#steps}`, at);
    const step = isStep ? this.#readStep(block) : undefined;
    if (step?.tag === 'fault') return step;
    const { bytes } = block;
    const end = bytes.length - digestBytes;
    const digest = bytes.subarray(end);
    const chained =
      bytes.subarray(0, digestBytes).equals(this.#digest) && digestOf(bytes.subarray(0, end)).equals(digest);
    if (!chained)
      return this.#altered('the block does not continue the chain: it, or the end of the one before, is another', at);
    this.#digest = digest;
    this.#blocks++;
    if (isStep) this.#steps++;
    return step ?? this.#readMark(block);
  }

  #readStep({ kind, number, step, offset, bytes }: RawBlock): JournalItem<W> {
    const body = new StepBlock(bytes, step, this.#actionOf);
    const record = body.read(digestBytes + blockHeaderBytes, bytes.length - digestBytes, this.#table);
    if (E.isRight(record)) return { tag: 'step', record: record.right, released: kind === blockKinds.step };
    return this.#altered(record.left.why, { block: number, step, offset, record: record.left.record });
  }

  #readMark({ kind, step, number, bytes }: RawBlock): JournalItem<W> | undefined {
    switch (kind) {
      case blockKinds.released:
        return { tag: 'mark', mark: 'released', step };
      case blockKinds.durable:
        return { tag: 'mark', mark: 'durable', step };
      case blockKinds.recovered:
        return { tag: 'mark', mark: 'recovered', step };
      case blockKinds.rotated:
        this.#rotated = true;
        return undefined;
      case blockKinds.ended:
        this.#ended = true;
        return {
          tag: 'ended',
          why: bytes.toString('utf8', digestBytes + blockHeaderBytes, bytes.length - digestBytes),
        };
      default:
        return this.#altered(`its kind ${kind} is not known`, { block: number, step });
    }
  }

  #altered(why: string, at: Readonly<Record<string, unknown>> = {}): JournalItem<W> {
    return { tag: 'fault', violation: { code: 'JOURNAL_ALTERED', rule: alteredRule, evidence: this.#place(why, at) } };
  }

  #gap(why: string, at: Readonly<Record<string, unknown>> = {}): JournalItem<W> {
    return { tag: 'fault', violation: { code: 'JOURNAL_GAP', rule: gapRule, evidence: this.#place(why, at) } };
  }

  #place(why: string, at: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
    const { node } = this.header;
    return { why, file: this.path, node, step: this.#steps + 1, block: this.#blocks + 1, offset: this.offset, ...at };
  }
}

/** The header of a file. Throws what the system says where it cannot be read. */
export const readJournalHeader = (path: string): E.Either<HeaderFault, JournalHeader> => {
  const bytes = new BlockBytes(path);
  const read = bytes.header();
  bytes.close();
  if (E.isLeft(read)) return read;
  const { header, before } = read.right;
  if (header.file !== 1 || before.equals(noDigest)) return E.right(header);
  return E.left({ kind: 'altered', why: 'its header was altered' });
};
