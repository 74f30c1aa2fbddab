/** The reduction obligation (IronFleet, SOSP 2015, section 3.6): receive*; (clock | timeout)?; send*. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { StepEvent } from '../../src/network/step-io.js';
import { reductionObligation } from '../../src/refinement/obligation.js';
import { endPoint } from '../../src/spec/endpoint.js';
import { E } from '../../src/spec/prelude.js';

const other = endPoint('10.0.0.2:7000');
const bytes = new Uint8Array();

/** Events by a letter each: r, c(lock), t(imeout), s(end), and m for a packet to myself. */
const events = {
  r: { tag: 'receive', source: other, bytes },
  c: { tag: 'clock', timeMs: 1 },
  t: { tag: 'timeout' },
  s: { tag: 'send', target: other, bytes },
  m: { tag: 'self', bytes },
} as const satisfies Record<string, StepEvent>;

const eventsOf = (letters: string): readonly StepEvent[] =>
  [...letters].map((letter) => events[letter as keyof typeof events]);

const meets = (letters: string): boolean => E.isRight(reductionObligation(eventsOf(letters)));

describe('the reduction obligation', () => {
  it.each(['', 'r', 'rrr', 'c', 't', 's', 'rcs', 'rrtss', 'cs', 'rs', 'mrmcmsm'])('is met by "%s"', (letters) => {
    expect(meets(letters)).toBe(true);
  });

  it.each([
    ['a receive after a send', 'sr'],
    ['a receive after reading the clock', 'cr'],
    ['a receive after a timeout', 'tr'],
    ['the clock read after a send', 'sc'],
    ['the clock read twice', 'cc'],
    ['a timeout after the clock', 'rct'],
    ['the clock after a timeout', 'tcs'],
    ['two timeouts', 'tt'],
    ['a send between two receives', 'rsrs'],
    ['a receive after a send, with a packet to oneself between', 'smr'],
  ])('is broken by %s', (_, letters) => {
    expect(meets(letters)).toBe(false);
  });

  it('shows the place and all events of the step', () => {
    const verdict = reductionObligation(eventsOf('rsc'));
    expect(E.isLeft(verdict) && verdict.left).toMatchObject({
      code: 'REDUCTION_OBLIGATION',
      evidence: { index: 2, event: 'clock', events: 'receive send clock' },
    });
  });

  it('agrees with the regular expression on every sequence of up to six events', () => {
    const letters = ['r', 'c', 't', 's', 'm'];
    const sequences = (length: number): string[] =>
      length === 0 ? [''] : sequences(length - 1).flatMap((rest) => letters.map((letter) => letter + rest));
    for (let length = 0; length <= 6; length++) {
      for (const sequence of sequences(length)) {
        if (meets(sequence) !== /^r*[ct]?s*$/.test(sequence.replaceAll('m', ''))) throw new Error(sequence);
      }
    }
  });

  it('agrees with the regular expression on long random sequences', () => {
    // Mostly in order, so that both verdicts are frequent.
    const ordered = fc
      .tuple(fc.stringMatching(/^[rm]{0,30}$/), fc.stringMatching(/^[ctm]{0,3}$/), fc.stringMatching(/^[sm]{0,30}$/))
      .map((parts) => parts.join(''));
    const any = fc.stringMatching(/^[rctsm]{0,40}$/);
    fc.assert(
      fc.property(fc.oneof(ordered, any), (sequence) => {
        expect(meets(sequence)).toBe(/^r*[ct]?s*$/.test(sequence.replaceAll('m', '')));
      }),
    );
  });
});
