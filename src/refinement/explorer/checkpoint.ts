/**
 * What was explored so far as a file: the keys of all states and how each was reached. The states themselves are executed
 * again when the exploration goes on. Eight bytes of magic, the length of a header in JSON, the header, three arrays, and a
 * CRC-32 over all of it; written beside its place and then moved there, so that an interrupted write loses nothing.
 */
import { closeSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { endianness } from 'node:os';
import { crc32 } from 'node:zlib';
import { ExploreRefusal } from './exploration.js';
import { errorWords } from './fault.js';
import type { ActionValue, StateModel } from './model.js';
import { fillSlots, type TableMemory, tableMemory } from './state-table.js';
import { emptyTotals, type Totals } from './totals.js';

const magic = Buffer.from('IKEXPLOR');
const version = 1;

/** A resting exploration. States below `head` are explored; those from there to `levelEnd` are of the level `level`. */
export interface Checkpoint {
  readonly memory: TableMemory;
  readonly symmetry: boolean;
  readonly head: number;
  readonly levelEnd: number;
  readonly level: number;
  readonly depth: number;
  readonly seconds: number;
  readonly totals: Totals;
}

interface Header {
  readonly format: string;
  readonly version: number;
  readonly endianness: string;
  readonly model: string;
  readonly properties: readonly string[];
  readonly symmetry: boolean;
  readonly size: number;
  readonly head: number;
  readonly levelEnd: number;
  readonly level: number;
  readonly depth: number;
  readonly seconds: number;
  readonly counts: readonly [number, number, number, number];
  readonly actions: readonly (readonly [string | number, number, number])[];
  readonly classes: readonly (readonly [string, number])[];
  readonly reached: readonly (readonly [string, number])[];
}

const format = 'ironkeel-exploration';

const headerOf = <S, A extends ActionValue>(model: StateModel<S, A>, checkpoint: Checkpoint): Header => {
  const { memory, totals, ...rest } = checkpoint;
  const { generated, distinct, cut, ends, actions, classes, reached } = totals;
  const { symmetry, head, levelEnd, level, depth, seconds } = rest;
  return {
    format,
    version,
    endianness: endianness(),
    model: model.name,
    properties: model.properties.map(({ kind, name }) => `${kind} ${name}`),
    size: memory.next[0] as number,
    ...{ symmetry, head, levelEnd, level, depth, seconds },
    counts: [generated, distinct, cut, ends],
    actions: [...actions].map(([name, count]) => [name, count.generated, count.distinct]),
    classes: [...classes],
    reached: [...reached],
  };
};

const bytesOf = (array: Uint32Array | Int32Array, length: number): Buffer =>
  Buffer.from(array.buffer, array.byteOffset, 4 * length);

/** Writes `checkpoint` to `path`, over what stood there; throws `ExploreRefusal` where that fails. */
export const saveCheckpoint = <S, A extends ActionValue>(
  path: string,
  model: StateModel<S, A>,
  checkpoint: Checkpoint,
): void => {
  const header = Buffer.from(JSON.stringify(headerOf(model, checkpoint)));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.length);
  const { keys, parents, via, next } = checkpoint.memory;
  const size = next[0] as number;
  const parts = [magic, length, header, bytesOf(keys, 2 * size), bytesOf(parents, size), bytesOf(via, size)];
  try {
    const file = openSync(`${path}.part`, 'w');
    try {
      let sum = 0;
      for (const part of parts) {
        sum = crc32(part, sum);
        writeAll(file, part);
      }
      const end = Buffer.alloc(4);
      end.writeUInt32LE(sum);
      writeAll(file, end);
    } finally {
      closeSync(file);
    }
    renameSync(`${path}.part`, path);
  } catch (error) {
    throw new ExploreRefusal(`The checkpoint ${path} cannot be written (${errorWords(error)}).`);
  }
};

const writeAll = (file: number, bytes: Buffer): void => {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at, bytes.length - at);
};

const refuse = (path: string, why: string): never => {
  throw new ExploreRefusal(`${path} ${why}.`);
};

const read = (path: string): Buffer => {
  try {
    return readFileSync(path);
  } catch (error) {
    return refuse(path, `cannot be read (${errorWords(error)})`);
  }
};

/** The header, and where the arrays begin; refuses what is not a whole checkpoint. */
const openCheckpoint = (path: string): { readonly header: Header; readonly body: Buffer } => {
  const bytes = read(path);
  if (bytes.length < 16 || !bytes.subarray(0, 8).equals(magic))
    return refuse(path, 'is no checkpoint of an exploration');
  const sum = crc32(bytes.subarray(0, -4));
  if (sum !== bytes.readUInt32LE(bytes.length - 4)) return refuse(path, 'is a checkpoint that is cut off or damaged');
  const end = 12 + bytes.readUInt32LE(8);
  const header = JSON.parse(bytes.toString('utf8', 12, end)) as Header;
  if (header.format !== format || header.version !== version)
    return refuse(path, `is a checkpoint of version ${header.version}, and this program reads version ${version}`);
  if (header.endianness !== endianness()) return refuse(path, 'was written on a machine with another order of bytes');
  return { header, body: bytes.subarray(end, -4) };
};

/** The exploration that `path` holds; throws `ExploreRefusal` where it is none of `model`. */
export const loadCheckpoint = <S, A extends ActionValue>(
  path: string,
  model: StateModel<S, A>,
  symmetry: boolean,
): Checkpoint => {
  const { header, body } = openCheckpoint(path);
  if (header.model !== model.name)
    return refuse(path, `holds an exploration of ${header.model}, and not of ${model.name}`);
  const properties = model.properties.map(({ kind, name }) => `${kind} ${name}`);
  if (JSON.stringify(header.properties) !== JSON.stringify(properties))
    return refuse(path, `was made for other properties of ${model.name}`);
  if (header.symmetry !== symmetry)
    return refuse(path, `was explored ${header.symmetry ? 'with' : 'without'} symmetry: go on in the same way`);
  const { size, head, levelEnd, level, depth, seconds } = header;
  const memory = tableMemory(2 ** Math.max(16, Math.ceil(Math.log2(size + 1))), false);
  const bytes = (array: Uint32Array | Int32Array): Uint8Array => new Uint8Array(array.buffer);
  bytes(memory.keys).set(body.subarray(0, 8 * size));
  bytes(memory.parents).set(body.subarray(8 * size, 12 * size));
  bytes(memory.via).set(body.subarray(12 * size, 16 * size));
  memory.next[0] = size;
  fillSlots(memory);
  return { memory, symmetry, head, levelEnd, level, depth, seconds, totals: totalsOf(header) };
};

const totalsOf = ({ counts, actions, classes, reached }: Header): Totals => {
  const [generated, distinct, cut, ends] = counts;
  const rows = actions.map(
    ([name, generated, distinct]): [string | number, { generated: number; distinct: number }] => [
      name,
      { generated, distinct },
    ],
  );
  return {
    ...emptyTotals(),
    ...{ generated, distinct, cut, ends },
    actions: new Map(rows),
    classes: new Map(classes),
    reached: new Map(reached),
  };
};
