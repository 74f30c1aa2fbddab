/** The journal of a node on disk: what is written is read again, and nothing else passes for it. */
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type JournalItem,
  JournalReader,
  JournalWriteError,
  JournalWriter,
  readJournalHeader,
} from '../../src/network/journal-file.js';
import type { StepEvent, StepRecord } from '../../src/network/step-io.js';
import { endPoint } from '../../src/spec/endpoint.js';
import { E } from '../../src/spec/prelude.js';

const root = mkdtempSync(join(tmpdir(), 'ironkeel-journal-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const newFolder = (): string => mkdtempSync(join(root, 'j-'));

const identity = {
  system: 'lock',
  cluster: 'test',
  application: null,
  nodes: [{ id: 'a.1', address: '10.0.0.1:7000' }],
  parameters: { holdMs: 5 },
  node: 'a.1',
};

const peer = endPoint('10.0.0.2:7000');

const newWriter = (directory: string, fileBytesMax?: number): JournalWriter<unknown> =>
  new JournalWriter({
    directory,
    identity,
    actionText: (action) => JSON.stringify(action),
    ...(fileBytesMax === undefined ? {} : { fileBytesMax }),
  });

const filesIn = (folder: string): readonly string[] =>
  readdirSync(folder)
    .sort()
    .map((name) => join(folder, name));

/** Everything in the files, up to where it ends or cannot be read. */
const read = (
  files: readonly string[],
): { readonly steps: StepRecord<unknown>[]; readonly last: JournalItem<unknown> } => {
  const reader = new JournalReader<unknown>(files, (text) => E.right(JSON.parse(text)));
  const steps: StepRecord<unknown>[] = [];
  let last: JournalItem<unknown> | undefined;
  for (;;) {
    const item = reader.next();
    if (item.tag === 'step') steps.push(item.record);
    else if (item.tag === 'nothing' || item.tag === 'fault') {
      reader.close();
      return { steps, last: item.tag === 'nothing' && last?.tag === 'ended' && !item.torn ? last : item };
    } else last = item;
  }
};

const bytesArb = fc.uint8Array({ minLength: 1, maxLength: 60 });
const received: fc.Arbitrary<StepEvent> = bytesArb.map((bytes) => ({ tag: 'receive', source: peer, bytes }));
const timed: fc.Arbitrary<StepEvent> = fc.oneof(
  fc.nat().map((timeMs): StepEvent => ({ tag: 'clock', timeMs })),
  fc.constant<StepEvent>({ tag: 'timeout' }),
);
// A broadcast and the packet to itself that follows it share their bytes.
const sent: fc.Arbitrary<readonly StepEvent[]> = fc
  .tuple(bytesArb, fc.nat(3), fc.boolean())
  .map(([bytes, targets, self]) => [
    ...Array.from(
      { length: targets },
      (_, i): StepEvent => ({ tag: 'send', target: endPoint(`10.0.0.${i + 3}:1`), bytes }),
    ),
    ...(self ? [{ tag: 'self', bytes } as const] : []),
  ]);
const actionArb = fc.record({ action: fc.constantFrom('grant', 'accept'), index: fc.nat(3) });
const stepsArb = fc
  .array(
    fc.tuple(
      fc.array(received, { maxLength: 4 }),
      fc.option(timed),
      fc.array(sent, { maxLength: 3 }),
      fc.array(actionArb, { maxLength: 5 }),
    ),
    {
      minLength: 1,
      maxLength: 12,
    },
  )
  .map((all) =>
    all.map(([receives, clock, sends, actions], i): StepRecord<unknown> => {
      const events = [...receives, ...(clock === null ? [] : [clock]), ...sends.flat()];
      return { step: i + 1, events, actions, touches: [] };
    }),
  );

const plainBytes = ({ events, ...rest }: StepRecord<unknown>) => ({
  ...rest,
  events: events.map((e) => ('bytes' in e ? { ...e, bytes: [...e.bytes] } : e)),
});

describe('a journal on disk', () => {
  it('gives back what was written, over as many files as it takes', () => {
    fc.assert(
      fc.property(stepsArb, fc.constantFrom(1, 600, 1 << 20), (steps, fileBytesMax) => {
        const folder = newFolder();
        const writer = newWriter(folder, fileBytesMax);
        for (const step of steps) writer.append(step);
        writer.end('over');
        const { steps: found, last } = read(filesIn(folder));
        expect(found.map(plainBytes)).toEqual(steps.map(plainBytes));
        expect(last).toEqual({ tag: 'ended', why: 'over' });
        if (fileBytesMax === 1) expect(filesIn(folder)).toHaveLength(steps.length + 1);
      }),
      { numRuns: 60 },
    );
  });

  it('keeps the bytes of a broadcast once', () => {
    const bytes = new Uint8Array(10_000).fill(7);
    const folder = newFolder();
    const writer = newWriter(folder);
    const events = [3, 4, 5].map((n): StepEvent => ({ tag: 'send', target: endPoint(`10.0.0.${n}:1`), bytes }));
    writer.append({ step: 1, events, actions: [], touches: [] });
    writer.end('over');
    const [file] = filesIn(folder);
    expect(readFileSync(file as string).length).toBeLessThan(12_000);
    const [first, second] = read(filesIn(folder)).steps[0]?.events ?? [];
    expect(first?.tag === 'send' && second?.tag === 'send' && first.bytes === second.bytes).toBe(true);
  });

  it('is with the operating system when a step that sends was appended, and waits where none was sent', () => {
    const folder = newFolder();
    const writer = newWriter(folder);
    writer.append({ step: 1, events: [{ tag: 'timeout' }], actions: [], touches: [] });
    expect(read(filesIn(folder)).steps).toHaveLength(0);
    const send: StepEvent = { tag: 'send', target: peer, bytes: new Uint8Array([1]) };
    writer.append({ step: 2, events: [send], actions: [], touches: [] });
    expect(read(filesIn(folder)).steps).toHaveLength(2);
    writer.end('over');
  });

  it('begins a new one for each life of its node, and never writes over one', () => {
    const folder = newFolder();
    expect([newWriter(folder), newWriter(folder), newWriter(folder)].map((w) => w.incarnation)).toEqual([1, 2, 3]);
    newWriter(folder).abandon();
    expect(filesIn(folder)).toHaveLength(3);
  });

  it('that cannot be written says which file, and why', () => {
    const folder = newFolder();
    const inTheWay = join(folder, 'file');
    writeFileSync(inTheWay, '');
    expect(() => newWriter(join(inTheWay, 'journals'))).toThrow(JournalWriteError);
    expect(() => newWriter(join(inTheWay, 'journals'))).toThrow(/file.* cannot be written: .*\(ENOTDIR\)/);
    const writer = newWriter(folder, 1);
    const send: StepEvent = { tag: 'send', target: peer, bytes: new Uint8Array([1]) };
    const step = { events: [send], actions: [], touches: [] };
    writer.append({ step: 1, ...step });
    // Somebody else has made the next file.
    writeFileSync(join(folder, 'a.1.1.000003.journal'), '');
    expect(() => {
      for (let n = 2; n < 5; n++) writer.append({ step: n, ...step });
    }).toThrow(/000003.journal cannot be written: it exists already \(EEXIST\)/);
  });
});

describe('a journal that is not what its node wrote', () => {
  let whole: Buffer;
  let path: string;
  let folder: string;

  const steps: StepRecord<unknown>[] = [1, 2, 3, 4].map((step) => ({
    step,
    events: [
      { tag: 'receive', source: peer, bytes: new Uint8Array([step, 1]) },
      { tag: 'clock', timeMs: step },
      { tag: 'send', target: peer, bytes: new Uint8Array([step, 2, 3]) },
    ],
    actions: [{ action: 'accept', index: 0 }],
    touches: [],
  }));

  /** Where each block begins, and where the last ends. */
  const offsets: number[] = [];

  beforeAll(() => {
    folder = newFolder();
    const writer = newWriter(folder);
    path = filesIn(folder)[0] as string;
    offsets.push(readFileSync(path).length);
    for (const step of steps) {
      writer.append(step);
      offsets.push(readFileSync(path).length);
    }
    writer.end('over');
    whole = readFileSync(path);
    offsets.push(whole.length);
  });

  const readBytes = (bytes: Uint8Array) => {
    const file = join(folder, 'changed');
    writeFileSync(file, bytes);
    return read([file]);
  };

  const block = (i: number): Buffer => whole.subarray(offsets[i], offsets[i + 1]);

  const withBlocks = (...blocks: readonly Buffer[]) =>
    readBytes(Buffer.concat([whole.subarray(0, offsets[0]), ...blocks]));

  it('is noticed wherever one byte is another', () => {
    expect(readBytes(whole).last).toEqual({ tag: 'ended', why: 'over' });
    const file = join(folder, 'changed');
    for (let at = 0; at < whole.length; at++) {
      const bytes = Buffer.from(whole);
      bytes[at] = (bytes[at] as number) ^ 0x20;
      writeFileSync(file, bytes);
      const header = readJournalHeader(file);
      if (E.isLeft(header)) continue;
      expect(read([file]).last.tag, `byte ${at}`).toBe('fault');
    }
  });

  it('names the step and the record that was altered', () => {
    const bytes = Buffer.from(whole);
    const at = bytes.indexOf(Buffer.from([3, 2, 3]), offsets[2]);
    bytes[at] = 9;
    const { steps: passed, last } = readBytes(bytes);
    expect(passed).toHaveLength(2);
    const evidence = { step: 3, record: 3, why: 'its checksum does not fit it', node: 'a.1' };
    expect(last).toMatchObject({ tag: 'fault', violation: { code: 'JOURNAL_ALTERED', evidence } });
  });

  it('names the record that was removed from a step, even where the length of the step was mended', () => {
    const third = Buffer.from(block(2));
    const records = 21;
    // Kind, index and length take nine bytes of a record, its checksum four.
    const length = third.readUInt32BE(records + 5) + 13;
    const body = third.readUInt32BE(0) - length;
    const header = Buffer.from(third.subarray(0, records));
    header.writeUInt32BE(body, 0);
    header.writeUInt32BE(crc32(header.subarray(0, 17)), 17);
    const { last } = withBlocks(block(0), block(1), Buffer.concat([header, third.subarray(records + length)]));
    const evidence = { step: 3, record: 0, why: 'it is missing: record 1 follows' };
    expect(last).toMatchObject({ tag: 'fault', violation: { code: 'JOURNAL_ALTERED', evidence } });
  });

  it('names the step that was removed, and steps that were swapped', () => {
    const gap = withBlocks(block(0), block(2), block(3), block(4)).last;
    const why = 'block 3 (step 3) follows block 1';
    expect(gap).toMatchObject({ tag: 'fault', violation: { code: 'JOURNAL_GAP', evidence: { step: 3, why } } });
    const swapped = withBlocks(block(0), block(2), block(1), block(3)).last;
    expect(swapped).toMatchObject({ tag: 'fault', violation: { code: 'JOURNAL_GAP' } });
    const twice = withBlocks(block(0), block(1), block(1)).last;
    const again = 'block 2 stands where block 3 belongs';
    expect(twice).toMatchObject({ tag: 'fault', violation: { code: 'JOURNAL_ALTERED', evidence: { why: again } } });
    const after = withBlocks(block(0), block(1), block(2), block(3), block(4), block(4)).last;
    expect(after).toMatchObject({ tag: 'fault', violation: { evidence: { why: 'the journal had ended' } } });
  });

  it('is cut off: torn inside of a block, without an end between two, and never complete', () => {
    for (let length = offsets[0] as number; length < whole.length; length++) {
      const { last, steps: passed } = readBytes(whole.subarray(0, length));
      expect(last, `${length} bytes`).toEqual({ tag: 'nothing', torn: !offsets.includes(length) });
      expect(passed).toHaveLength(offsets.filter((o, i) => i > 0 && i < 5 && o <= length).length);
    }
  });

  it('is interleaved with another: blocks of two journals do not continue each other', () => {
    const other = newFolder();
    const writer = newWriter(other);
    for (const step of steps) writer.append({ ...step, actions: [] });
    writer.end('over');
    const bytes = readFileSync(filesIn(other)[0] as string);
    const from = bytes.length - block(4).length;
    const foreign = bytes.subarray(from);
    const { last } = withBlocks(block(0), block(1), block(2), block(3), foreign);
    expect(last).toMatchObject({ tag: 'fault', violation: { code: 'JOURNAL_ALTERED' } });
  });

  it('continues with a file of another journal', () => {
    const two = [newFolder(), newFolder()].map((directory, i) => {
      const writer = newWriter(directory, 1);
      for (const step of steps) writer.append({ ...step, actions: i === 0 ? step.actions : [] });
      writer.end('over');
      return filesIn(directory);
    });
    const [[a1, a2] = [], [, , b3] = []] = two as string[][];
    const files = [a1, a2, b3] as string[];
    const why = 'the file does not continue the one before';
    expect(read(files).last).toMatchObject({ tag: 'fault', violation: { code: 'JOURNAL_ALTERED', evidence: { why } } });
  });

  it('waits for a file that its node has just made, and goes on when that has its header', () => {
    const directory = newFolder();
    const writer = newWriter(directory, 1);
    for (const step of steps) writer.append(step);
    writer.end('over');
    const [, , third] = filesIn(directory) as [string, string, string];
    const bytes = readFileSync(third);
    const reader = new JournalReader<unknown>(filesIn(directory), (text) => E.right(JSON.parse(text)));
    for (const length of [0, 5, 100]) {
      writeFileSync(third, bytes.subarray(0, length));
      for (let item = reader.next(); item.tag !== 'nothing'; item = reader.next()) expect(item.tag).toBe('step');
      expect(reader.next()).toEqual({ tag: 'nothing', torn: true });
      expect(reader.steps).toBe(1);
    }
    writeFileSync(third, bytes);
    expect(reader.next()).toMatchObject({ tag: 'step', record: { step: 2 } });
    reader.close();
  });

  it('lacks the end of a file that another follows', () => {
    const directory = newFolder();
    const writer = newWriter(directory, 1);
    for (const step of steps) writer.append(step);
    writer.end('over');
    const [first, second] = filesIn(directory) as [string, string];
    const bytes = readFileSync(second);
    writeFileSync(second, bytes.subarray(0, bytes.length - 10));
    const cut = read(filesIn(directory)).last;
    expect(cut).toMatchObject({
      tag: 'fault',
      violation: { evidence: { why: 'the file is cut off here, and another follows' } },
    });
    // Without its last block, which said that another follows.
    writeFileSync(second, bytes.subarray(0, bytes.length - 21 - 32));
    const lacking = read(filesIn(directory)).last;
    expect(lacking).toMatchObject({ tag: 'fault', violation: { code: 'JOURNAL_GAP' } });
    copyFileSync(first, second);
    expect(read(filesIn(directory)).last).toMatchObject({ tag: 'fault' });
  });
});
