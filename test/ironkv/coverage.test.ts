/** Who has which keys, from answers that are not of one moment. */
import { describe, expect, it } from 'vitest';
import type { EndPoint } from '../../src/spec/endpoint.js';
import { type Coverage, coverageOf, type HostStatus, movesUnderWay } from '../../systems/ironkv/client.js';
import { textOf } from './host-cluster.js';
import { counters, move, range, type Told } from './scripted-host.js';

/** One look: what each host says; `undefined`: nothing. */
const look = (...told: readonly (Told | undefined)[]): readonly HostStatus[] =>
  told.map((one, host) => ({
    address: `127.0.0.1:${7000 + host}` as EndPoint,
    answer: one && { ...one, moves: one.moves ?? [], keys: 0, sessions: 0, counters },
  }));

const text = (bound: Uint8Array | null): string => (bound === null ? 'end' : textOf(bound));

const shown = ({ unserved, contested }: Coverage) => ({
  unserved: unserved.map(({ lo, hi }) => `${text(lo)}-${text(hi)}`),
  contested: contested.map(({ lo, hi, hosts }) => `${text(lo)}-${text(hi)} ${hosts.join()}`),
});

const fine = { unserved: [], contested: [] };

/** Of two hosts the first has what is below m, the second the rest. */
const first = { ranges: [range('', 'm', 0, true), range('m', null, 1, false)] };
const second = { ranges: [range('', 'm', 0, false), range('m', null, 1, true)] };

describe('what hosts say of themselves', () => {
  it('is in order where each key has one owner, whoever else is silent', () => {
    expect(shown(coverageOf([look(first, second)]))).toEqual(fine);
    expect(shown(coverageOf([look(first, second, undefined)]))).toEqual(fine);
  });

  it('shows keys that nobody who answers has, at the ends and in between', () => {
    expect(shown(coverageOf([look(first, undefined)]))).toEqual({ ...fine, unserved: ['m-end'] });
    expect(shown(coverageOf([look(undefined, second)]))).toEqual({ ...fine, unserved: ['-m'] });
    expect(shown(coverageOf([look(undefined, undefined)]))).toEqual({ ...fine, unserved: ['-end'] });
    const parts = { ranges: [range('', 'b', 0, true), range('c', 'd', 0, true), range('d', 'f', 0, true)] };
    expect(shown(coverageOf([look(parts, second)])).unserved).toEqual(['b-c', 'f-m']);
  });

  it('shows keys that two hosts claim', () => {
    const all = { ranges: [range('', null, 0, true)] };
    expect(shown(coverageOf([look(all, second)]))).toEqual({ ...fine, contested: ['m-end 0,1'] });
    const three = look(all, second, { ranges: [range('k', 'p', 2, true)] });
    expect(shown(coverageOf([three])).contested).toEqual(['k-m 0,2', 'm-p 0,1,2', 'p-end 0,1']);
  });

  it('of one host on pages of two moments contests nothing', () => {
    const pages = { ranges: [range('', 'c', 0, true), range('b', 'm', 0, true)] };
    expect(shown(coverageOf([look(pages, second)]))).toEqual(fine);
  });

  it('is wrong only where both looks say so', () => {
    const [gap, all] = [{ ranges: [range('', 'k', 0, true)] }, { ranges: [range('', null, 0, true)] }];
    // On its way between the answers: the old owner does not have it any more, the new one not yet, or the other way round.
    expect(shown(coverageOf([look(gap, second), look(first, second)]))).toEqual(fine);
    expect(shown(coverageOf([look(all, second), look(first, second)]))).toEqual(fine);
    expect(shown(coverageOf([look(gap, second), look(gap, second)])).unserved).toEqual(['k-m']);
    expect(shown(coverageOf([look(all, second), look(all, second)])).contested).toEqual(['m-end 0,1']);
    // Other keys in the second look.
    const early = { ranges: [range('', 'b', 0, true), range('c', 'm', 0, true)] };
    const late = { ranges: [range('', 'f', 0, true), range('g', 'm', 0, true)] };
    expect(shown(coverageOf([look(early, second), look(late, second)]))).toEqual(fine);
  });

  it('explains keys on their way by the move, as long as its recipient answers', () => {
    const source = {
      ranges: [range('', 'c', 0, true), range('c', 'f', 1, false), range('f', null, 0, true)],
      moves: [move('f', 'z', 1)],
    };
    const recipient = { ranges: [range('', 'c', 0, false), range('c', 'd', 1, true), range('d', null, 0, false)] };
    const under = look(source, recipient);
    expect(shown(coverageOf([under, under]))).toEqual(fine);
    expect(movesUnderWay(under)).toMatchObject([{ from: 0, recipient: 1, recipientAnswers: true }]);
    const dead = look(source, undefined);
    expect(shown(coverageOf([dead, dead])).unserved).toEqual(['c-f']);
    expect(movesUnderWay(dead)).toMatchObject([{ from: 0, recipient: 1, recipientAnswers: false }]);
  });

  it('explains the last pieces of a move, up to the end of all keys too, and nothing beyond it', () => {
    const source = { ranges: [range('', 'f', 0, true), range('f', null, 1, false)], moves: [move(null, null, 1)] };
    const nothing = { ranges: [range('', null, 0, false)] };
    expect(shown(coverageOf([look(source, nothing)]))).toEqual(fine);
    const upTo = { ...source, moves: [move(null, 'm', 1)] };
    expect(shown(coverageOf([look(upTo, nothing)])).unserved).toEqual(['m-end']);
    // A move that has not begun explains nothing that the recipient had before.
    const early = { ranges: [range('', 'f', 1, false), range('f', null, 0, true)], moves: [move('k', null, 1)] };
    expect(shown(coverageOf([look(early, nothing)])).unserved).toEqual(['-f']);
  });

  it('tells bounds of any bytes apart', () => {
    const ends = { ranges: [{ ...range('', null, 0, true), hi: Uint8Array.of(0x61, 0xff) }] };
    const rest = { ranges: [{ ...range('b', null, 1, true) }] };
    expect(shown(coverageOf([look(ends, rest)])).unserved).toEqual(['a\xff-b']);
  });
});
