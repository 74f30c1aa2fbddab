/** The bytes of one file of a journal, block by block, as they come: the file may still grow. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { E } from '../../spec/prelude.js';
import {
  blockHeaderBytes,
  bodyBytesMax,
  decodeHeader,
  digestBytes,
  type HeaderFault,
  headerBytesMax,
  type ReadHeader,
} from './format.js';

const chunkBytes = 1024 * 1024;

/** A block whose bytes are all there. Nothing but its header's checksum was checked. */
export interface RawBlock {
  readonly kind: number;
  readonly number: number;
  readonly step: number;
  /** Where the block begins in its file. */
  readonly offset: number;
  /** The digest before it, the block, and its digest: never written to again. */
  readonly bytes: Buffer;
}

/** What comes next: a block; nothing yet, in the middle of a block or not; or bytes that are no block. */
export type NextBlock = RawBlock | 'end' | 'torn' | 'garbled';

/** One file that is read from its start. */
export class BlockBytes {
  readonly path: string;
  readonly #fd: number;
  /** Unread bytes, from `#at`; the digest before them stands right before. */
  #buffer = Buffer.alloc(0);
  #at = 0;
  /** Where `#buffer` begins in the file. */
  #offset = 0;

  /** Opens the file; throws what the system says. */
  constructor(path: string) {
    this.path = path;
    this.#fd = openSync(path, 'r');
  }

  /** Where the next block begins in the file. */
  get offset(): number {
    return this.#offset + this.#at;
  }

  /** The header, with which reading begins. */
  header(): E.Either<HeaderFault, ReadHeader> {
    this.#have(headerBytesMax);
    const header = decodeHeader(this.#buffer);
    if (E.isRight(header)) this.#at = header.right.length;
    return header;
  }

  next(): NextBlock {
    if (!this.#have(blockHeaderBytes)) return this.#at === this.#buffer.length ? 'end' : 'torn';
    const at = this.#at;
    const checked = at + blockHeaderBytes - 4;
    if (crc32(this.#buffer.subarray(at, checked)) !== this.#buffer.readUInt32BE(checked)) return 'garbled';
    const bodyBytes = this.#buffer.readUInt32BE(at);
    if (bodyBytes >= bodyBytesMax) return 'garbled';
    const length = blockHeaderBytes + bodyBytes + digestBytes;
    if (!this.#have(length)) return 'torn';
    const offset = this.offset;
    const from = this.#at;
    this.#at += length;
    const buffer = this.#buffer;
    return {
      kind: buffer[from + 4] as number,
      number: buffer.readUIntBE(from + 5, 6),
      step: buffer.readUIntBE(from + 11, 6),
      offset,
      bytes: buffer.subarray(from - digestBytes, from + length),
    };
  }

  close(): void {
    closeSync(this.#fd);
  }

  /** Whether `bytes` are there, read from the file if need be. */
  #have(bytes: number): boolean {
    if (this.#buffer.length - this.#at >= bytes) return true;
    const keep = Math.min(this.#at, digestBytes);
    const rest = this.#buffer.subarray(this.#at - keep);
    this.#offset += this.#at - keep;
    this.#at = keep;
    let length = rest.length;
    const unread = Math.max(fstatSync(this.#fd).size - this.#offset - length, 0);
    // A new buffer each time: blocks that were handed out are views of the old one.
    const grown = Buffer.allocUnsafe(length + Math.min(Math.max(bytes, chunkBytes), unread));
    rest.copy(grown);
    while (length < grown.length) {
      const read = readSync(this.#fd, grown, length, grown.length - length, this.#offset + length);
      if (read === 0) break;
      length += read;
    }
    this.#buffer = grown.subarray(0, length);
    return length - this.#at >= bytes;
  }
}
