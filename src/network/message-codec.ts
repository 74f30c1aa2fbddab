/**
 * The codec of a schema: its wire form in MessagePack, by msgpackr. Only the canonical encoding of a value is accepted,
 * so that equal messages have equal bytes in both directions. This is checked before msgpackr sees a byte, because it
 * would also build maps, dates and records, recurse as deep as it is told, and print what it refuses.
 */
import { Packr } from 'msgpackr';
import { E } from '../spec/prelude.js';
import type { Codec } from './codec.js';
import type { Schema } from './schema.js';
import { FAIL, wireOf } from './wire.js';

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

/** Where the scan stands, and whether it passed a byte string. A decode runs without interruption, so one of each will do. */
let at = 0;
let passedBytes = false;

const double = new DataView(new ArrayBuffer(8));

const uint16 = (b: Uint8Array): number => {
  const value = ((b[at] as number) << 8) | (b[at + 1] as number);
  at += 2;
  return value;
};

const uint32 = (b: Uint8Array): number => uint16(b) * 65_536 + uint16(b);

const pass = (length: number): boolean => {
  at += length;
  passedBytes = true;
  return true;
};

const passItems = (b: Uint8Array, count: number, depth: number): boolean => {
  // Each item takes a byte at least: a claim of more is refused before anything is done about it.
  if (depth === 0 || count > b.length - at) return false;
  for (let i = 0; i < count; i++) if (!passValue(b, depth - 1)) return false;
  return true;
};

/** A whole number that needs the eight bytes of a double, as msgpackr writes those beyond 32 bits. */
const passDouble = (b: Uint8Array): boolean => {
  double.setUint32(0, uint32(b));
  double.setUint32(4, uint32(b));
  const value = double.getFloat64(0);
  return Number.isSafeInteger(value) && (value > 0xffff_ffff || value < -0x8000_0000);
};

/**
 * Passes one value of at most `depth` nested arrays; `false` unless it is made of the tokens of the wire form, each the
 * shortest for its value. Past the end of `b` it may answer anything: the caller compares `at` with the length.
 */
const passValue = (b: Uint8Array, depth: number): boolean => {
  const token = b[at++] as number;
  if (token < 0x80 || token >= 0xe0) return true;
  if (token >= 0x90 && token < 0xa0) return passItems(b, token - 0x90, depth);
  switch (token) {
    case 0xc0: // null
    case 0xc2: // false
    case 0xc3: // true
      return true;
    case 0xc4: {
      return pass(b[at++] as number);
    }
    case 0xc5: {
      const length = uint16(b);
      return length >= 0x100 && pass(length);
    }
    case 0xc6: {
      const length = uint32(b);
      return length >= 0x1_0000 && pass(length);
    }
    case 0xcb:
      return passDouble(b);
    case 0xcc:
      return (b[at++] as number) >= 0x80;
    case 0xcd:
      return uint16(b) >= 0x100;
    case 0xce:
      return uint32(b) >= 0x1_0000;
    case 0xd0: {
      const value = b[at++] as number;
      return value >= 0x80 && value < 0xe0;
    }
    case 0xd1: {
      const value = uint16(b);
      return value >= 0x8000 && value < 0xff80;
    }
    case 0xd2: {
      const value = uint32(b);
      return value >= 0x8000_0000 && value < 0xffff_8000;
    }
    case 0xdc: {
      const count = uint16(b);
      return count >= 16 && passItems(b, count, depth);
    }
    case 0xdd: {
      const count = uint32(b);
      return count >= 0x1_0000 && passItems(b, count, depth);
    }
    default:
      return false;
  }
};

const malformed = E.left('not one canonical encoding of positional arrays');
const invalid = E.left('not a message of the schema');

/**
 * The codec of the messages that `schema` describes. The byte strings of a decoded message are views of one copy of its
 * bytes (an allocation for each would cost twice the decoding), so whoever keeps a small one for long copies it.
 */
export const codecOf = <M>(schema: Schema<M>): Codec<M> => {
  const wire = wireOf(schema);
  const packr = new Packr({
    useRecords: false,
    variableMapSize: true,
    moreTypes: false,
    copyBuffers: false,
    int64AsType: 'bigint',
  });
  const unpackScratch = new Uint8Array(scratchBytes);
  const span = { start: 0, end: 0 };

  const unpack = (bytes: Uint8Array): unknown => {
    // msgpackr leaves a view on the array that it reads, so it is never given the caller's.
    if (passedBytes || bytes.length > scratchBytes) return packr.unpack(new Uint8Array(bytes));
    unpackScratch.set(bytes);
    span.end = bytes.length;
    return packr.unpack(unpackScratch, span);
  };

  return {
    encode: (message) => {
      const packed = packr.pack(wire.toWire(message), reuseAndReset) as Uint8Array as Packed;
      const bytes = new Uint8Array(packed.end - packed.start);
      bytes.set(packed.subarray(packed.start, packed.end));
      if (packed.length > packBufferBytesMax) packr.useBuffer(Buffer.allocUnsafeSlow(scratchBytes));
      return bytes;
    },
    decode: (bytes) => {
      at = 0;
      passedBytes = false;
      if (!passValue(bytes, wire.depth) || at !== bytes.length) return malformed;
      try {
        const message = wire.fromWire(unpack(bytes));
        return message === FAIL ? invalid : E.right(message);
      } catch {
        // Not known to happen after the scan; a hostile datagram must not stop a node if it does.
        return malformed;
      }
    },
  };
};
