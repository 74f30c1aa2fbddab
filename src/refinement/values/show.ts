/** Protocol values as short text, for the evidence of a violation. */

import type { MapValue } from '../../protocol/map-value.js';
import { compareKeys } from '../../protocol/persistent-map/hash.js';
import { kindIfAny, type PlainObject, type Primitive } from './kind.js';

/** Characters of a shown value, unless told otherwise. */
const budgetDefault = 600;

/** Maps up to this size are shown in the order of their keys, larger ones in that of their iteration. */
const sortedSizeMax = 1_000;

/**
 * A short text of `value`, a function of its contents alone: at most `budget` characters, and a mark where it was cut.
 * Only printable ASCII comes out, whatever goes in. What is no protocol value is named by its type.
 */
export const showValue = (value: unknown, budget: number = budgetDefault): string => {
  const page = new Page(budget);
  write(value, page);
  return page.text;
};

/** Text that stops growing at its budget. */
class Page {
  #text = '';
  #left: number;

  constructor(budget: number) {
    this.#left = budget;
  }

  get text(): string {
    return this.full ? `${this.#text}...` : this.#text;
  }

  get full(): boolean {
    return this.#left < 0;
  }

  add(text: string): void {
    this.#text += text.slice(0, Math.max(this.#left, 0));
    this.#left -= text.length;
  }
}

const write = (value: unknown, page: Page): void => {
  const v = kindIfAny(value);
  if (v === undefined) {
    page.add(`<${typeof value === 'object' ? (value?.constructor?.name ?? 'object') : typeof value}>`);
    return;
  }
  switch (v.kind) {
    case 'primitive':
      page.add(showPrimitive(v.value));
      return;
    case 'bytes':
      page.add(showBytes(v.value));
      return;
    case 'array':
      page.add('[');
      writeItems(v.value, page, (item) => write(item, page));
      page.add(']');
      return;
    case 'object':
      page.add('{');
      writeItems(tagFirst(v.value), page, (key) => {
        page.add(`${isName.test(key) ? key : showText(key)}: `);
        write(v.value[key], page);
      });
      page.add('}');
      return;
    case 'map':
      page.add(`map(${v.value.size}) {`);
      writeItems(inOrder(v.value), page, (key) => {
        page.add(`${typeof key === 'string' ? showText(key) : key} -> `);
        write(v.value.get(key), page);
      });
      page.add('}');
      return;
  }
};

const writeItems = <A>(items: Iterable<A>, page: Page, writeItem: (item: A) => void): void => {
  let first = true;
  for (const item of items) {
    if (page.full) return;
    if (!first) page.add(', ');
    first = false;
    writeItem(item);
  }
};

const isName = /^[A-Za-z_]\w*$/;

/** The keys of an object in an order that does not depend on how it was written down. */
const tagFirst = (o: PlainObject): readonly string[] => {
  const keys = Object.keys(o).sort();
  return 'tag' in o ? ['tag', ...keys.filter((key) => key !== 'tag')] : keys;
};

const inOrder = (map: MapValue<string | number, unknown>): Iterable<string | number> =>
  map.size <= sortedSizeMax ? [...map.keys()].sort(compareKeys) : map.keys();

/** Longer texts and byte strings are cut before they are escaped, not after. */
const textMax = 200;

/** Text in quotes, with everything but printable ASCII escaped, and cut at a length of its own. */
const showText = (text: string): string => {
  const quoted = JSON.stringify(text.slice(0, textMax)).replace(
    /[^ -~]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return text.length > textMax ? `${quoted}... (${text.length} characters)` : quoted;
};

const showPrimitive = (value: Primitive): string => {
  if (typeof value === 'string') return showText(value);
  if (typeof value === 'bigint') return `${value}n`;
  return Object.is(value, -0) ? '-0' : String(value);
};

const printable = /^[ -~]*$/;

/** Bytes as text where they are printable ASCII, in hexadecimal digits otherwise. */
const showBytes = (bytes: Uint8Array): string => {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, textMax));
  const text = head.toString('latin1');
  const shown = printable.test(text) ? `bytes ${JSON.stringify(text)}` : `0x${head.toString('hex')}`;
  return bytes.length > textMax ? `${shown}... (${bytes.length} bytes)` : shown;
};
