/**
 * Writes the journal of a running node to disk (docs/audit.md). What a step did is handed to the operating system before its packets
 * leave, so that whatever a killed node sent is in its journal. A power failure may still take the end of it.
 */
import { closeSync, mkdirSync, openSync, readdirSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { packEndPoint } from '../packed-endpoint.js';
import type { StepEvent, StepRecord } from '../step-io.js';
import {
  actionNumberBytes,
  blockHeaderBytes,
  blockKinds,
  checksumBytes,
  configurationDigest,
  digestBytes,
  digestOf,
  encodeHeader,
  endPointBytes,
  type JournalIdentity,
  journalFileName,
  noDigest,
  numberedActionsMax,
  recordChecksum,
  recordHeaderBytes,
  recordKinds,
} from './format.js';

/** What could not be written, and why: the journal's file and the system's word for it. */
export class JournalWriteError extends Error {
  override readonly name = 'JournalWriteError';
}

/** How a journal is written. */
export interface JournalWriterOptions<W> {
  /** Made where it does not exist. */
  readonly directory: string;
  readonly identity: Omit<JournalIdentity, 'incarnation'>;
  /** An action record as text; a record must not change afterwards. */
  readonly actionText: (action: W) => string;
  /** A file that has grown to this is followed by another. */
  readonly fileBytesMax?: number;
}

const fileBytesDefault = 64 * 1024 * 1024;

/** Steps that sent nothing wait for the next that does, up to so many bytes. */
const heldBytesMax = 256 * 1024;

const initialBufferBytes = 64 * 1024;

const because = (path: string, error: unknown): JournalWriteError => {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  const known: Readonly<Record<string, string>> = {
    ENOSPC: 'the disk is full',
    EFBIG: 'it would be larger than the system allows',
    EACCES: 'it may not be written',
    EROFS: 'the file system is read-only',
    EEXIST: 'it exists already',
    ENOTDIR: 'a part of its path is no directory',
  };
  return new JournalWriteError(`${path} cannot be written: ${known[code] ?? 'the system refused'} (${code})`);
};

/** The number of the incarnation that begins now: one more than the largest of `node` in `directory`. */
const nextIncarnation = (directory: string, node: string): number => {
  const numbers = readdirSync(directory).flatMap((name) => {
    const match = /^(.*)\.(\d+)\.\d{6,}\.journal$/.exec(name);
    return match?.[1] === node ? [Number(match[2])] : [];
  });
  return Math.max(0, ...numbers) + 1;
};

/** The journal of one incarnation of a node. Every call may throw a `JournalWriteError`; it must not be used again then. */
export class JournalWriter<W> {
  readonly #directory: string;
  readonly #identity: JournalIdentity;
  readonly #actionText: (action: W) => string;
  readonly #fileBytesMax: number;
  #path = '';
  #fd = -1;
  #file = 0;
  #fileBytes = 0;
  #block = 0;
  #lastStep = 0;
  /** The last digest, then what waits to be written, from `digestBytes` to `#end`. */
  #buffer = Buffer.allocUnsafe(initialBufferBytes);
  #end = digestBytes;
  #blockStart = 0;
  #record = 0;
  /** The numbers of action records in this file, by the record itself and by its text. */
  #numbers = new WeakMap<object, number>();
  #numbersByText = new Map<string, number>();

  constructor({ directory, identity, actionText, fileBytesMax = fileBytesDefault }: JournalWriterOptions<W>) {
    this.#directory = directory;
    this.#actionText = actionText;
    this.#fileBytesMax = fileBytesMax;
    try {
      mkdirSync(directory, { recursive: true });
      this.#identity = { ...identity, incarnation: nextIncarnation(directory, identity.node) };
    } catch (error) {
      throw because(directory, error);
    }
    noDigest.copy(this.#buffer, 0);
    this.#openFile();
  }

  /** From 1. */
  get incarnation(): number {
    return this.#identity.incarnation;
  }

  /**
   * Adds a step. `released`: its packets leave as soon as this returns, so it is handed to the operating system if it has any;
   * otherwise they leave after a later mark.
   */
  append(record: StepRecord<W>, released = true): void {
    if (this.#fileBytes + this.#end >= this.#fileBytesMax) this.#rotate(record.step);
    this.#lastStep = record.step;
    const sends = this.#appendStep(record, released ? blockKinds.step : blockKinds.queuedStep);
    if ((released && sends) || this.#end > heldBytesMax) this.flush();
  }

  /** Steps up to `step` are released, are durable, or are what a recovered node begins from. Written at once. */
  mark(kind: 'released' | 'durable' | 'recovered', step: number): void {
    this.#mark(blockKinds[kind], step);
    this.flush();
  }

  /** The node ended by itself, and all that it sent is in the journal. Closes it. */
  end(why: string): void {
    this.#mark(blockKinds.ended, this.#lastStep, Buffer.from(why));
    this.flush();
    closeSync(this.#fd);
  }

  /** The node never ran: removes the journal, which holds no step. */
  abandon(): void {
    closeSync(this.#fd);
    unlinkSync(this.#path);
  }

  /** Hands everything to the operating system. */
  flush(): void {
    try {
      for (let from = digestBytes; from < this.#end; )
        from += writeSync(this.#fd, this.#buffer, from, this.#end - from);
    } catch (error) {
      throw because(this.#path, error);
    }
    this.#fileBytes += this.#end - digestBytes;
    this.#buffer.copyWithin(0, this.#end - digestBytes, this.#end);
    this.#end = digestBytes;
  }

  #rotate(firstStep: number): void {
    this.#mark(blockKinds.rotated, firstStep - 1);
    this.flush();
    closeSync(this.#fd);
    this.#openFile(firstStep);
  }

  #openFile(firstStep = 1): void {
    this.#file++;
    const { node, incarnation } = this.#identity;
    this.#path = join(this.#directory, journalFileName(node, incarnation, this.#file));
    const configuration = configurationDigest(this.#identity);
    const place = { file: this.#file, firstStep, firstBlock: this.#block + 1 };
    const header = encodeHeader({ ...this.#identity, configuration, ...place }, this.#buffer.subarray(0, digestBytes));
    try {
      // Never over a file that is there: it may be the journal of an earlier life.
      this.#fd = openSync(this.#path, 'ax');
      writeSync(this.#fd, header);
    } catch (error) {
      throw because(this.#path, error);
    }
    this.#fileBytes = header.length;
    header.copy(this.#buffer, 0, header.length - digestBytes);
    this.#forgetNumbers();
  }

  #forgetNumbers(): void {
    this.#numbers = new WeakMap();
    this.#numbersByText = new Map();
  }

  /** Whether the step sent anything. */
  #appendStep({ step, events, actions }: StepRecord<W>, kind: number): boolean {
    this.#beginBlock();
    if (this.#numbersByText.size > numberedActionsMax) this.#forgetNumbers();
    const ids = actions.map((action) => this.#numberOf(action, step));
    const payload = Buffer.allocUnsafe(actionNumberBytes * ids.length);
    for (const [i, id] of ids.entries()) payload.writeUInt32BE(id, actionNumberBytes * i);
    if (ids.length > 0) this.#addRecord(recordKinds.actions, step, 0, undefined, payload);
    let sends = false;
    let last: Uint8Array | undefined;
    let lastRecord = 0;
    for (const event of events) {
      const bytes = event.tag === 'send' || event.tag === 'self' ? event.bytes : undefined;
      sends ||= event.tag === 'send';
      if (bytes !== undefined && bytes === last) this.#addSame(event, step, lastRecord);
      else {
        lastRecord = this.#record;
        this.#addEvent(event, step);
      }
      last = bytes;
    }
    this.#endBlock(kind, step);
    return sends;
  }

  #addEvent(event: StepEvent, step: number): void {
    const bytes = 'bytes' in event ? event.bytes : undefined;
    const kind = recordKinds[event.tag];
    if (event.tag === 'receive') this.#addRecord(kind, step, endPointBytes, packEndPoint(event.source), bytes);
    else if (event.tag === 'send') this.#addRecord(kind, step, endPointBytes, packEndPoint(event.target), bytes);
    else if (event.tag === 'clock') this.#addRecord(kind, step, endPointBytes, event.timeMs, undefined);
    else this.#addRecord(kind, step, 0, undefined, bytes);
  }

  /** A packet whose bytes stand in the record `same` of this step. */
  #addSame(event: StepEvent, step: number, same: number): void {
    const reference = Buffer.allocUnsafe(4);
    reference.writeUInt32BE(same);
    if (event.tag === 'send')
      this.#addRecord(recordKinds.sameSend, step, endPointBytes, packEndPoint(event.target), reference);
    else this.#addRecord(recordKinds.sameSelf, step, 0, undefined, reference);
  }

  #numberOf(action: W, step: number): number {
    const known = typeof action === 'object' && action !== null ? this.#numbers.get(action) : undefined;
    if (known !== undefined) return known;
    const text = this.#actionText(action);
    let number = this.#numbersByText.get(text);
    if (number === undefined) {
      number = this.#numbersByText.size;
      this.#numbersByText.set(text, number);
      this.#addRecord(recordKinds.action, step, actionNumberBytes, number, Buffer.from(text));
    }
    if (typeof action === 'object' && action !== null) this.#numbers.set(action, number);
    return number;
  }

  /** A record whose payload is `number` in `width` bytes, if there is one, and `bytes`. */
  #addRecord(
    kind: number,
    step: number,
    width: number,
    number: number | undefined,
    bytes: Uint8Array | undefined,
  ): void {
    const length = width + (bytes?.length ?? 0);
    this.#reserve(recordHeaderBytes + length + checksumBytes);
    const buffer = this.#buffer;
    const from = this.#end;
    buffer[from] = kind;
    buffer.writeUInt32BE(this.#record++, from + 1);
    buffer.writeUInt32BE(length, from + 5);
    let at = from + recordHeaderBytes;
    if (width > 0) at = buffer.writeUIntBE(number as number, at, width);
    if (bytes !== undefined) {
      buffer.set(bytes, at);
      at += bytes.length;
    }
    this.#end = buffer.writeUInt32BE(recordChecksum(buffer, from, at, step), at);
  }

  #mark(kind: number, step: number, body?: Uint8Array): void {
    this.#beginBlock();
    if (body !== undefined) {
      this.#reserve(body.length);
      this.#buffer.set(body, this.#end);
      this.#end += body.length;
    }
    this.#endBlock(kind, step);
  }

  #beginBlock(): void {
    this.#reserve(blockHeaderBytes);
    this.#blockStart = this.#end;
    this.#end += blockHeaderBytes;
    this.#record = 0;
  }

  #endBlock(kind: number, step: number): void {
    this.#reserve(digestBytes);
    const buffer = this.#buffer;
    const from = this.#blockStart;
    buffer.writeUInt32BE(this.#end - from - blockHeaderBytes, from);
    buffer[from + 4] = kind;
    buffer.writeUIntBE(++this.#block, from + 5, 6);
    buffer.writeUIntBE(step, from + 11, 6);
    buffer.writeUInt32BE(crc32(buffer.subarray(from, from + blockHeaderBytes - 4)), from + blockHeaderBytes - 4);
    digestOf(buffer.subarray(from - digestBytes, this.#end)).copy(buffer, this.#end);
    this.#end += digestBytes;
  }

  #reserve(bytes: number): void {
    if (this.#end + bytes <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(2 * (this.#end + bytes));
    this.#buffer.copy(grown, 0, 0, this.#end);
    this.#buffer = grown;
  }
}
