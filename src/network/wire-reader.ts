/**
 * Reads the wire form of a schema (wire.ts) from MessagePack bytes in one pass, into the value that the schema describes.
 * Only the canonical encoding is read: each token the shortest for its value, no maps, no floats but for whole numbers
 * beyond 32 bits, no byte left over; so equal messages have equal bytes in both directions. Written apart from msgpackr,
 * which writes the bytes: the codec's round trip holds one against the other (docs/adr/0007-one-pass-decoding.md).
 */
import { isUtf8 } from 'node:buffer';
import type { EndPoint } from '../spec/endpoint.js';
import { natMax } from '../spec/nat.js';
import type { Literal } from '../spec/prelude.js';
import { unpackEndPoint } from './packed-endpoint.js';
import { type IronSchemable1, interpret } from './schema.js';

/** What a reader answers where the bytes are no value of its schema: no allocation, no exception. */
export const FAIL: unique symbol = Symbol('not of the schema');

/** Reads one value at the cursor. Past the end it may answer anything: `readWhole` compares the cursor with the end. */
type Read<A> = () => A | typeof FAIL;

/** A compiled schema. */
export interface WireReader<A> {
  readonly read: Read<A>;
  /** A struct's fields, so that a sum can read them behind its index. */
  readonly fields?: readonly Field[];
  /** The one value of a literal, so that a sum can check its members' tags. */
  readonly only?: Literal;
}

type Field = readonly [name: string, reader: WireReader<unknown>];

declare module 'fp-ts/HKT.js' {
  interface URItoKind<A> {
    readonly IronWireReader: WireReader<A>;
  }
}

// A read runs without interruption, so one cursor serves all.
let source: Uint8Array = new Uint8Array();
let at = 0;

const double = new DataView(new ArrayBuffer(8));

const uint16 = (): number => {
  const value = ((source[at] as number) << 8) | (source[at + 1] as number);
  at += 2;
  return value;
};

const uint32 = (): number => uint16() * 65_536 + uint16();

/** `value`, if no shorter token has it; else NaN. */
const shortest = (is: boolean, value: number): number => (is ? value : Number.NaN);

/** A whole number that needs the eight bytes of a double. */
const readDouble = (): number => {
  double.setUint32(0, uint32());
  double.setUint32(4, uint32());
  const value = double.getFloat64(0);
  return shortest(Number.isSafeInteger(value) && (value > 0xffff_ffff || value < -0x8000_0000), value);
};

const readLongNumber = (token: number): number => {
  switch (token) {
    case 0xcb:
      return readDouble();
    case 0xcc: {
      const value = source[at++] as number;
      return shortest(value >= 0x80, value);
    }
    case 0xcd: {
      const value = uint16();
      return shortest(value >= 0x100, value);
    }
    case 0xce: {
      const value = uint32();
      return shortest(value >= 0x1_0000, value);
    }
    case 0xd0: {
      const value = source[at++] as number;
      return shortest(value >= 0x80 && value < 0xe0, value - 0x100);
    }
    case 0xd1: {
      const value = uint16();
      return shortest(value >= 0x8000 && value < 0xff80, value - 0x1_0000);
    }
    case 0xd2: {
      const value = uint32();
      return shortest(value >= 0x8000_0000 && value < 0xffff_8000, value - 0x1_0000_0000);
    }
    default:
      return Number.NaN;
  }
};

/** A whole number, or NaN. */
const readNumber = (): number => {
  const token = source[at++] as number;
  if (token < 0x80) return token;
  if (token >= 0xe0) return token - 0x100;
  return readLongNumber(token);
};

/** The length of the array that begins at the cursor, or -1. */
const readArrayLength = (): number => {
  const token = source[at++] as number;
  if (token >= 0x90 && token < 0xa0) return token - 0x90;
  if (token === 0xdc) {
    const count = uint16();
    return count >= 16 ? count : -1;
  }
  if (token !== 0xdd) return -1;
  const count = uint32();
  return count >= 0x1_0000 ? count : -1;
};

/** The length of the byte string that begins at the cursor, or -1. */
const readBytesLength = (): number => {
  const token = source[at++] as number;
  if (token === 0xc4) return source[at++] as number;
  if (token === 0xc5) {
    const length = uint16();
    return length >= 0x100 ? length : -1;
  }
  if (token !== 0xc6) return -1;
  const length = uint32();
  return length >= 0x1_0000 ? length : -1;
};

/** The byte string at the cursor, a view; `undefined` where there is none of at most `lengthMax` bytes. */
const readBytes = (lengthMax: number): Uint8Array | undefined => {
  const length = readBytesLength();
  // Not below: past the end it is NaN, or undefined.
  if (!(length >= 0 && length <= lengthMax && at + length <= source.length)) return undefined;
  const view = new Uint8Array(source.buffer as ArrayBuffer, source.byteOffset + at, length);
  at += length;
  return view;
};

const int = (min: number, max: number): WireReader<number> => ({
  read: () => {
    const value = readNumber();
    return value >= min && value <= max ? value : FAIL;
  },
});

const bytes = (lengthMax: number): WireReader<Uint8Array> => ({ read: () => readBytes(lengthMax) ?? FAIL });

const text = (lengthMax: number): WireReader<string> => ({
  read: () => {
    // A UTF-16 unit takes at most three bytes. Checked first: a decoder would turn invalid bytes into U+FFFD.
    const encoded = readBytes(3 * lengthMax);
    if (encoded === undefined || !isUtf8(encoded)) return FAIL;
    const value = Buffer.from(encoded.buffer, encoded.byteOffset, encoded.byteLength).toString('utf8');
    return value.length <= lengthMax ? value : FAIL;
  },
});

const endPoint: WireReader<EndPoint> = { read: () => unpackEndPoint(readNumber()) ?? FAIL };

const literal = <A extends Literal>(values: readonly A[]): WireReader<A> => ({
  read: () => {
    const value = values[readNumber()];
    return value === undefined ? FAIL : value;
  },
  ...(values.length === 1 ? { only: values[0] as A } : {}),
});

const nullable = <A>(or: WireReader<A>): WireReader<A | null> => ({
  read: () => {
    if (source[at] !== 0xc0) return or.read();
    at++;
    return null;
  },
});

const boolean: WireReader<boolean> = {
  read: () => {
    const token = source[at++];
    return token === 0xc3 ? true : token === 0xc2 ? false : FAIL;
  },
};

const list = <A>(item: WireReader<A>, lengthMax: number): WireReader<readonly A[]> => ({
  read: () => {
    const length = readArrayLength();
    // Each item takes a byte at least: a claim of more is refused before anything is done about it.
    if (length < 0 || length > lengthMax || length > source.length - at) return FAIL;
    const value: A[] = [];
    for (let i = 0; i < length; i++) {
      const one = item.read();
      if (one === FAIL) return FAIL;
      value.push(one);
    }
    return value;
  },
});

/**
 * Reads `fields` one after the other into an object of their names, with `constant` before them. Compiled to a function of its own:
 * with names and readers known the engine gives all objects one shape and reads without a loop, in a fifth of the time. The names
 * are those of the program's schemas, identifiers all (`fieldsOf`).
 */
const compiled = (constant: string, fields: readonly Field[]): Read<unknown> => {
  const lines = fields.map((_, i) => `const v${i} = r${i}(); if (v${i} === FAIL) return FAIL;`);
  const readers = fields.map((_, i) => `const r${i} = readers[${i}];`);
  const object = `{ ${constant}${fields.map(([name], i) => `${name}: v${i}`).join(', ')} }`;
  const body = `${readers.join('\n')}\nreturn () => {\n${lines.join('\n')}\nreturn ${object};\n};`;
  const make = new Function('readers', 'FAIL', body);
  return make(
    fields.map(([, reader]) => reader.read),
    FAIL,
  ) as Read<unknown>;
};

const fieldsOf = (fieldsByName: Readonly<Record<string, WireReader<unknown>>>): readonly Field[] => {
  const fields = Object.entries<WireReader<unknown>>(fieldsByName);
  // Numeric names would not keep their declared order, and __proto__ cannot be assigned.
  const odd = fields.find(([name]) => !/^[a-zA-Z]\w*$/.test(name));
  if (odd !== undefined) throw new Error(`"${odd[0]}" cannot name a field`);
  return fields;
};

const struct = <A>(
  fieldsByName: { readonly [K in keyof A]: WireReader<A[K]> },
): WireReader<{
  readonly [K in keyof A]: A[K];
}> => {
  const fields = fieldsOf(fieldsByName);
  const readFields = compiled('', fields) as Read<A>;
  return { read: () => (readArrayLength() === fields.length ? readFields() : FAIL), fields };
};

interface Member {
  readonly fieldCount: number;
  readonly read: Read<unknown>;
}

const memberOf = (tagName: string, tag: string, reader: WireReader<unknown>): Member => {
  const tagged = reader.fields?.find(([name]) => name === tagName);
  if (reader.fields === undefined || tagged?.[1].only !== tag) {
    throw new Error(`member "${tag}" of a sum must be a struct whose ${tagName} is the literal "${tag}"`);
  }
  const fields = reader.fields.filter((field) => field !== tagged);
  return { fieldCount: fields.length, read: compiled(`${tagName}: ${JSON.stringify(tag)}, `, fields) };
};

const sum =
  <T extends string>(tagName: T) =>
  <A>(membersByTag: { [K in keyof A]: WireReader<A[K] & Record<T, K>> }): WireReader<A[keyof A]> => {
    const members = Object.entries<WireReader<unknown>>(membersByTag).map(([tag, reader]) =>
      memberOf(tagName, tag, reader),
    );
    return {
      read: () => {
        const length = readArrayLength();
        const member = length < 1 ? undefined : members[readNumber()];
        if (member === undefined || length !== member.fieldCount + 1) return FAIL;
        return member.read() as A[keyof A] | typeof FAIL;
      },
    };
  };

const readerWords: IronSchemable1<'IronWireReader'> = {
  URI: 'IronWireReader',
  literal: (...values) => literal(values),
  boolean,
  nullable,
  sum,
  struct,
  int,
  nat: int(0, natMax),
  bytes,
  text,
  endPoint,
  list,
};

/** The reader of a schema's values. Throws on a sum whose members do not carry their tags. */
export const readerOf = interpret(readerWords);

/** The value that all of `encoded` is, or `FAIL`. Byte strings in it are views of `encoded`. */
export const readWhole = <A>(reader: WireReader<A>, encoded: Uint8Array): A | typeof FAIL => {
  source = encoded;
  at = 0;
  const value = reader.read();
  return at === encoded.length ? value : FAIL;
};
