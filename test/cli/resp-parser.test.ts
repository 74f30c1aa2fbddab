/** Input of the Redis protocol. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type RespLimits, RespParser } from '../../src/cli/gateway/resp-parser.js';

const limits: RespLimits = { argumentBytesMax: 200_000, argumentsMax: 1000, commandBytesMax: 300_000 };

type Told = readonly (readonly string[] | string)[];

/** What a parser finds in `pieces`: commands as lists of latin1 texts, an error as a text. */
const parsed = (pieces: readonly Buffer[], bounds: RespLimits = limits): Told => {
  const parser = new RespParser(bounds);
  const told: (readonly string[] | string)[] = [];
  for (const piece of pieces) {
    parser.push(piece);
    for (let next = parser.next(); next.tag !== 'more'; next = parser.next()) {
      if (next.tag === 'error') return [...told, next.message];
      told.push(next.args.map((arg) => Buffer.from(arg).toString('latin1')));
    }
  }
  return told;
};

const array = (...args: readonly (string | Buffer)[]): Buffer =>
  Buffer.concat([
    Buffer.from(`*${args.length}\r\n`),
    ...args.flatMap((arg) => {
      const bytes = typeof arg === 'string' ? Buffer.from(arg, 'latin1') : arg;
      return [Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n')];
    }),
  ]);

const cut = (input: Buffer, at: readonly number[]): readonly Buffer[] => {
  const places = [0, ...[...new Set(at.map((a) => a % (input.length + 1)))].sort((a, b) => a - b), input.length];
  return places.slice(1).map((end, i) => input.subarray(places[i], end));
};

describe('the parser of a gateway', () => {
  it('reads arrays and inline commands, one behind the other', () => {
    const input = Buffer.concat([
      array('SET', 'k', '\r\n$\0\xff'),
      Buffer.from('ping\r\n\r\n  get   k \n'),
      Buffer.from('*0\r\n*-1\r\n'),
      array('GET', ''),
    ]);
    expect(parsed([input])).toEqual([['SET', 'k', '\r\n$\0\xff'], ['ping'], ['get', 'k'], ['GET', '']]);
  });

  it('finds the same wherever its input is cut', () => {
    const words = fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 5 });
    const command = fc.oneof(
      words.map((args) => array(...args.map((arg) => Buffer.from(arg)))),
      fc
        .constantFrom('ping\r\n', 'set "a b" \'c\'\n', '\r\n', '*-1\r\n', 'x "\\x41\\n"\r\n')
        .map((t) => Buffer.from(t)),
    );
    const input = fc.array(command, { maxLength: 6 }).map((parts) => Buffer.concat(parts));
    fc.assert(
      fc.property(input, fc.array(fc.nat(), { maxLength: 12 }), (bytes, at) => {
        expect(parsed(cut(bytes, at))).toEqual(parsed([bytes]));
        expect(parsed([...bytes].map((byte) => Buffer.from([byte])))).toEqual(parsed([bytes]));
      }),
    );
  });

  it('counts for an argument of a command that is not whole more than its bytes', () => {
    const parser = new RespParser(limits);
    parser.push(Buffer.from(`*1000\r\n${'$1\r\nv\r\n'.repeat(999)}`));
    expect(parser.next()).toEqual({ tag: 'more' });
    expect(parser.heldBytes).toBeGreaterThan(999 * 200);
    parser.clear();
    expect(parser.heldBytes).toBe(0);
  });

  it('never throws, and ends at the same mistake, on any bytes', () => {
    const pieces = fc.constantFrom(
      '*',
      '$',
      '1',
      '3\r\n',
      '\r\n',
      '"',
      "'",
      'a',
      '-',
      '\n',
      '\0',
      '9999999999\r\n',
      '\\x',
    );
    const input = fc.array(pieces, { maxLength: 30 }).map((parts) => Buffer.from(parts.join(''), 'latin1'));
    fc.assert(
      fc.property(input, (bytes) => {
        expect(parsed([...bytes].map((byte) => Buffer.from([byte])))).toEqual(parsed([bytes]));
      }),
    );
  });

  it('reads quotes as redis-cli writes them', () => {
    const line = `set "a\\"b\\n\\x00\\q" 'c\\'d\\n' ""\r\n`;
    expect(parsed([Buffer.from(line)])).toEqual([['set', 'a"b\n\0q', "c'd\\n", '']]);
  });

  it.each<[string, string]>([
    ['*1\r\nfoo\r\n', "expected '$', got 'f'"],
    ['*1\r\n*1\r\n$1\r\na\r\n', "expected '$', got '*'"],
    ['*x\r\n', 'invalid multibulk length'],
    ['*1001\r\n', 'invalid multibulk length'],
    ['*99999999999999999999\r\n', 'invalid multibulk length'],
    ['*1\r\n$-1\r\n', 'invalid bulk length'],
    ['*1\r\n$200001\r\n', 'invalid bulk length'],
    ['*1\r\n$1e3\r\n', 'invalid bulk length'],
    ['set "a\r\n', 'unbalanced quotes in request'],
    ['set "a"b\r\n', 'unbalanced quotes in request'],
    ['a'.repeat(65_537), 'too big inline request'],
    [`*${'1'.repeat(65_537)}`, 'too big mbulk count string'],
    [`*1\r\n$${'1'.repeat(65_537)}`, 'too big bulk count string'],
  ])('refuses %j', (input, message) => {
    expect(parsed([Buffer.from(input)])).toEqual([`ERR Protocol error: ${message}`]);
  });

  it('refuses a command as soon as its announced bytes are too many, before they come', () => {
    const start = Buffer.concat([
      Buffer.from('*3\r\n'),
      array('x'.repeat(200_000)).subarray(4),
      Buffer.from('$100001\r\n'),
    ]);
    expect(parsed([start])).toEqual(['ERR Protocol error: too big command']);
  });

  it('takes an argument at the limit, and holds no more for it in small pieces than in one', () => {
    const value = 'v'.repeat(200_000);
    const input = array('set', value);
    const parser = new RespParser(limits);
    let most = 0;
    for (let at = 0; at < input.length; at += 7) {
      parser.push(input.subarray(at, at + 7));
      most = Math.max(most, parser.heldBytes);
      if (at + 7 < input.length) expect(parser.next().tag).toBe('more');
    }
    const whole = parser.next();
    expect(whole.tag === 'command' && whole.args.map((arg) => Buffer.from(arg).toString())).toEqual(['set', value]);
    expect(most).toBeLessThan(210_000);
  });

  it('stays silent after a mistake', () => {
    const parser = new RespParser(limits);
    parser.push(Buffer.from('*x\r\n'));
    const first = parser.next();
    parser.push(Buffer.from('ping\r\n'));
    expect(parser.next()).toEqual(first);
  });
});
