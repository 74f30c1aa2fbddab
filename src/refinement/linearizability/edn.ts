/** A reader of extensible data notation, as far as histories use it (https://github.com/edn-format/edn). */
import { Unreadable } from './unreadable.js';

/** One form. `line` is that of its first character, from 1. Tags and metadata are read over. */
export type Edn = { readonly line: number } & (
  | { readonly tag: 'nil' }
  | { readonly tag: 'boolean'; readonly value: boolean }
  | { readonly tag: 'number'; readonly value: number; readonly text: string }
  | { readonly tag: 'string'; readonly value: string }
  /** A keyword (without its colon) or a symbol. */
  | { readonly tag: 'keyword' | 'symbol'; readonly name: string }
  | { readonly tag: 'vector' | 'list' | 'set'; readonly items: readonly Edn[] }
  | { readonly tag: 'map'; readonly entries: readonly (readonly [Edn, Edn])[] }
);

/** Deeper forms are refused: no history has them, and reading is recursive. */
const depthMax = 64;

const blank = /[\s,]/;
const endOfToken = /[\s,()[\]{}";]/;
const number = /^[+-]?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?[NM]?$/;
const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f', '\\': '\\', '"': '"' };

/** All forms in `text`, whose first line is `line`; throws `Unreadable`. */
export const readEdn = (text: string, line = 1): readonly Edn[] => {
  const reader = new Reader(text, line);
  const forms: Edn[] = [];
  for (let form = reader.next(); form !== undefined; form = reader.next()) forms.push(form);
  return forms;
};

class Reader {
  readonly #text: string;
  #at = 0;
  #line: number;

  constructor(text: string, line: number) {
    this.#text = text;
    this.#line = line;
  }

  /** The next form; undefined at the end. */
  next(): Edn | undefined {
    this.#skip();
    return this.#at >= this.#text.length ? undefined : this.#form(0);
  }

  #skip(): void {
    for (; this.#at < this.#text.length; this.#at++) {
      const c = this.#text[this.#at] as string;
      if (c === '\n') this.#line++;
      else if (c === ';') this.#skipComment();
      else if (!blank.test(c)) return;
    }
  }

  #skipComment(): void {
    while (this.#at + 1 < this.#text.length && this.#text[this.#at + 1] !== '\n') this.#at++;
  }

  #form(depth: number): Edn {
    this.#skip();
    const line = this.#line;
    if (depth > depthMax) throw new Unreadable(line, `brackets are nested more than ${depthMax} deep`);
    const c = this.#text[this.#at];
    switch (c) {
      case undefined:
        throw new Unreadable(line, 'the file ends where a value should stand; it may be truncated');
      case '{':
        return { tag: 'map', line, entries: this.#pairs(this.#items('}', depth), line) };
      case '[':
        return { tag: 'vector', line, items: this.#items(']', depth) };
      case '(':
        return { tag: 'list', line, items: this.#items(')', depth) };
      case '"':
        return { tag: 'string', line, value: this.#string() };
      case '#':
        return this.#dispatch(depth);
      default:
        return this.#token(line);
    }
  }

  #items(close: string, depth: number): readonly Edn[] {
    const line = this.#line;
    const open = this.#text[this.#at];
    this.#at++;
    const items: Edn[] = [];
    for (;;) {
      this.#skip();
      if (this.#at >= this.#text.length)
        throw new Unreadable(line, `the "${open}" is never closed; the file may be truncated`);
      if (this.#text[this.#at] === close) break;
      items.push(this.#form(depth + 1));
    }
    this.#at++;
    return items;
  }

  #pairs(items: readonly Edn[], line: number): readonly (readonly [Edn, Edn])[] {
    if (items.length % 2 !== 0) throw new Unreadable(line, 'the map has a key without a value');
    return Array.from({ length: items.length / 2 }, (_, i) => [items[2 * i] as Edn, items[2 * i + 1] as Edn] as const);
  }

  /** `#{...}` is a set, `#_` leaves out a form, and anything else a tag, which is read over. */
  #dispatch(depth: number): Edn {
    const line = this.#line;
    this.#at++;
    const c = this.#text[this.#at];
    if (c === '{') return { tag: 'set', line, items: this.#items('}', depth) };
    if (c === '_') {
      this.#at++;
      this.#form(depth + 1);
      return this.#form(depth + 1);
    }
    this.#token(line);
    return this.#form(depth + 1);
  }

  #string(): string {
    const line = this.#line;
    const parts: string[] = [];
    this.#at++;
    for (let from = this.#at; ; this.#at++) {
      const c = this.#text[this.#at];
      if (c === undefined) throw new Unreadable(line, 'the string is never closed; the file may be truncated');
      if (c === '\n') this.#line++;
      if (c !== '"' && c !== '\\') continue;
      parts.push(this.#text.slice(from, this.#at));
      this.#at++;
      if (c === '"') return parts.join('');
      parts.push(this.#escaped());
      from = this.#at + 1;
    }
  }

  #escaped(): string {
    const c = this.#text[this.#at] ?? '';
    const plain = Object.hasOwn(escapes, c) ? escapes[c] : undefined;
    if (plain !== undefined) return plain;
    const code = /^u[0-9a-fA-F]{4}/.exec(this.#text.slice(this.#at, this.#at + 5))?.[0];
    if (code === undefined) throw new Unreadable(this.#line, `a string has the unknown escape "\\${c}"`);
    this.#at += 4;
    return String.fromCharCode(Number.parseInt(code.slice(1), 16));
  }

  #token(line: number): Edn {
    const from = this.#at;
    while (this.#at < this.#text.length && !endOfToken.test(this.#text[this.#at] as string)) this.#at++;
    const text = this.#text.slice(from, this.#at);
    if (text === '') throw new Unreadable(line, `"${this.#text[from]}" stands where a value should`);
    if (text === 'nil') return { tag: 'nil', line };
    if (text === 'true' || text === 'false') return { tag: 'boolean', line, value: text === 'true' };
    if (text.startsWith(':')) return { tag: 'keyword', line, name: text.slice(1) };
    if (number.test(text)) return { tag: 'number', line, value: Number(text.replace(/[NM]$/, '')), text };
    return { tag: 'symbol', line, name: text };
  }
}

/** A form as text: equal for equal values, as long as the entries of maps and sets stand in one order. */
export const ednText = (form: Edn): string => {
  switch (form.tag) {
    case 'nil':
      return 'nil';
    case 'boolean':
      return String(form.value);
    case 'number':
      return form.text;
    case 'string':
      return JSON.stringify(form.value);
    case 'keyword':
      return `:${form.name}`;
    case 'symbol':
      return form.name;
    case 'vector':
      return `[${form.items.map(ednText).join(' ')}]`;
    case 'list':
      return `(${form.items.map(ednText).join(' ')})`;
    case 'set':
      return `#{${form.items.map(ednText).sort().join(' ')}}`;
    default:
      return `{${form.entries
        .map(([k, v]) => `${ednText(k)} ${ednText(v)}`)
        .sort()
        .join(', ')}}`;
  }
};
