/** Whose doing a violation is: input from someone without the right changes nothing (SEC), whatever check it trips. */
import type { Codec } from '../../network/codec.js';
import type { StepEvent } from '../../network/step-io.js';
import type { Violation } from '../../spec/check.js';
import type { EndPoint } from '../../spec/endpoint.js';
import type { Packet } from '../../spec/packet.js';
import { E } from '../../spec/prelude.js';
import { checkOf } from '../check-kind.js';

const rule = 'input from someone without the right changes nothing';

/** What a host had before it when it went wrong. */
export interface AtHand {
  /** Something that a stranger sent. */
  readonly fromStranger: boolean;
  /** The step took something from someone without the right to send it. */
  readonly withoutRight: boolean;
}

/** The violation as it is reported: an exception over a stranger's packet, or a wrong step over one that has no right, is no ordinary failure. */
export const blamed = (violation: Violation, { fromStranger, withoutRight }: AtHand): Violation => {
  const { code, evidence } = violation;
  if (code === 'HOST_THREW' && fromStranger) return { code: 'STRANGER_STOPPED_HOST', rule, evidence };
  if (checkOf(code) !== 'RC' || !withoutRight) return violation;
  return { code: 'STRANGER_CHANGED_HOST', rule, evidence: { ...evidence, reportedAs: code } };
};

/** Whether a step of `me` received a packet that `lacksRight`. */
export const tookWithoutRight = <M>(
  me: EndPoint,
  events: readonly StepEvent[],
  codec: Codec<M>,
  lacksRight: (packet: Packet<M>) => boolean,
): boolean =>
  events.some((event) => {
    if (event.tag !== 'receive') return false;
    const message = codec.decode(event.bytes);
    return E.isRight(message) && lacksRight({ source: event.source, target: me, message: message.right });
  });
