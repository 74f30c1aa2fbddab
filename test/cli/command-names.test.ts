/** How the gateway finds the name of a command in the bytes that a client sent. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CommandNames } from '../../src/cli/gateway/command-names.js';

const all = ['get', 'set', 'strlen', 'append'];
const names = new CommandNames(all);

describe('the names of commands', () => {
  it('are found in any case', () => {
    for (const text of ['get', 'GET', 'Set', 'strLEN', 'APPend']) {
      expect(names.find(Buffer.from(text))).toBe(text.toLowerCase());
    }
  });

  it('are found where the bytes are a name, and nowhere else', () => {
    const near = fc.mixedCase(fc.constantFrom(...all)).map((text) => Buffer.from(text));
    const changed = fc.tuple(near, fc.nat(5), fc.integer({ min: 0, max: 255 })).map(([bytes, at, byte]) => {
      const other = Buffer.from(bytes);
      if (at < other.length) other[at] = byte;
      return other;
    });
    fc.assert(
      fc.property(fc.oneof(near, changed, fc.uint8Array({ maxLength: 8 })), (bytes) => {
        const text = Buffer.from(bytes).toString('latin1').toLowerCase();
        expect(names.find(bytes)).toBe(all.includes(text) ? text : undefined);
      }),
    );
  });

  it('are small letters', () => {
    for (const name of ['', 'Get', 'a-b', 'a1'])
      expect(() => new CommandNames([name])).toThrow('cannot name a command');
  });
});
