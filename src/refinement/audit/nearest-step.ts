/** What the protocol would have done in the place of a step that it does not allow. */
import type { StepRecord } from '../../network/step-io.js';
import type { EndPoint } from '../../spec/endpoint.js';
import type { Packet } from '../../spec/packet.js';
import { E, O } from '../../spec/prelude.js';
import type { HostRefinement } from '../host-refinement.js';
import { showValue } from '../values.js';

/** Characters of each packet or step that is shown. */
const shownMax = 300;

/** Packets and steps that are shown. */
const itemsMax = 20;

const shown = (items: readonly unknown[]): readonly string[] => {
  const texts = items.slice(0, itemsMax).map((item) => showValue(item, shownMax));
  return items.length > itemsMax ? [...texts, `and ${items.length - itemsMax} more`] : texts;
};

/**
 * The longest beginning of what the host says that it did which the protocol allows, and the packets that this sends: the
 * nearest allowed step has these protocol steps and releases these packets.
 */
export const nearestAllowedStep = <C, H, S, M, Step, W>(
  { protocol, codec, witness }: HostRefinement<C, H, S, M, Step, W>,
  me: EndPoint,
  from: S,
  { events, actions }: StepRecord<W>,
): Readonly<Record<string, unknown>> => {
  const received: Packet<M>[] = [];
  const toSelf: Packet<M>[] = [];
  let timeMs: number | undefined;
  for (const event of events) {
    if (event.tag === 'clock') timeMs = event.timeMs;
    if (event.tag !== 'receive' && event.tag !== 'self') continue;
    const message = codec.decode(event.bytes);
    if (E.isLeft(message)) continue;
    if (event.tag === 'self') toSelf.push({ source: me, target: me, message: message.right });
    else received.push({ source: event.source, target: me, message: message.right });
  }
  const steps: Step[] = [];
  const sends: Packet<M>[] = [];
  let state = from;
  for (const action of actions) {
    const step = witness(action, { me, received, toSelf, timeMs });
    const next = step === undefined ? O.none : protocol.step(state, step);
    if (step === undefined || O.isNone(next)) break;
    steps.push(step);
    sends.push(...next.value.sends);
    state = next.value.state;
  }
  const released = sends.filter((packet) => packet.target !== me);
  return {
    protocolSteps: `${steps.length} of ${actions.length}`,
    releases: shown(released),
    after: shown(steps.slice(-1)),
  };
};
