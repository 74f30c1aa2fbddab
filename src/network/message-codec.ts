/**
 * The codec of a schema: its wire form in MessagePack. msgpackr writes it; wire-reader.ts reads it, and accepts only the
 * canonical encoding of a value, so that equal messages have equal bytes in both directions. What comes from the network
 * never reaches msgpackr, which would also build maps, dates and records, recurse as deep as it is told, and print what it refuses.
 */
import { Packr } from 'msgpackr';
import { E } from '../spec/prelude.js';
import { BytePool } from './byte-pool.js';
import type { Codec } from './codec.js';
import type { Schema } from './schema.js';
import { wireOf } from './wire.js';
import { FAIL, readerOf, readWhole } from './wire-reader.js';

/** msgpackr's flags for `pack`: answer with the buffer that it wrote to, and start again at the same place next time. */
const reuseAndReset = 512 | 1024;

const scratchBytes = 65_536;

/**
 * All users of msgpackr in a process write to one buffer, which grows to four times the largest message. Beyond this
 * it is given up for a new one; never for an old one, of which others may hold views.
 */
const packBufferBytesMax = 1024 * 1024;

/** The buffer that msgpackr wrote to, and where the message lies in it. */
interface Packed extends Uint8Array {
  readonly start: number;
  readonly end: number;
}

const invalid = E.left('not the canonical encoding of a message of the schema');

/** The codec of the messages that `schema` describes. */
export const codecOf = <M>(schema: Schema<M>): Codec<M> => {
  const wire = wireOf(schema);
  const reader = readerOf(schema);
  const packr = new Packr({
    useRecords: false,
    variableMapSize: true,
    moreTypes: false,
    copyBuffers: false,
    int64AsType: 'bigint',
  });

  // A pool for each codec: what it encodes lives about as long as the rest of it.
  const pool = new BytePool();
  return {
    encode: (message) => {
      const packed = packr.pack(wire.toWire(message), reuseAndReset) as Uint8Array as Packed;
      const bytes = pool.copy(packed, packed.start, packed.end);
      if (packed.length > packBufferBytesMax) packr.useBuffer(Buffer.allocUnsafeSlow(scratchBytes));
      return bytes;
    },
    decode: (bytes) => {
      const message = readWhole(reader, bytes);
      return message === FAIL ? invalid : E.right(message);
    },
  };
};
