/** The reduction obligation, judged on the journal of a step (IronFleet, SOSP 2015, section 3.6; docs/reduction.md). */
import type { StepEvent } from '../network/step-io.js';
import { type Check, holds, violated } from '../spec/check.js';

const rule = 'a host step receives, then reads the clock or times out at most once, then sends';

const phaseOf = { receive: 0, clock: 1, timeout: 1, send: 2 } as const;

/**
 * `RP*; T?; SP*` over the external events of one step. Packets to oneself are inside the step: nobody else sees them,
 * so they are left out here and judged as part of the macro step.
 */
export const reductionObligation = (events: readonly StepEvent[]): Check => {
  let phase = 0;
  let timeDependent = 0;
  for (let index = 0; index < events.length; index++) {
    const event = events[index] as StepEvent;
    if (event.tag === 'self') continue;
    const next = phaseOf[event.tag];
    if (next === 1) timeDependent++;
    if (next < phase || timeDependent > 1) {
      return violated('REDUCTION_OBLIGATION', rule, {
        index,
        event: event.tag,
        events: events.map((e) => e.tag).join(' '),
      });
    }
    phase = next;
  }
  return holds;
};
