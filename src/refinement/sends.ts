/** The comparison of two multisets of packets. */
import type { Packet } from '../spec/packet.js';
import { equalValues, showValue } from './values.js';

/** A packet that one side has more often than the other. */
export interface SendsDifference {
  readonly [evidence: string]: unknown;
  readonly protocolOnly?: string;
  readonly hostOnly?: string;
}

/** Told of a packet of the protocol and the equal one of the host. */
export type OnSame<M> = (protocol: Packet<M>, host: Packet<M>) => void;

/** `undefined` when both hold the same packets, each as often. Both in the same order is the fast case. */
export const sendsDiffer = <M>(
  protocol: readonly Packet<M>[],
  host: readonly Packet<M>[],
  onSame?: OnSame<M>,
): SendsDifference | undefined => {
  const rest: Packet<M>[] = [];
  const unmatched: Packet<M>[] = [];
  // The pair that was found equal last: a broadcast repeats it for each target.
  let sameLeft: M | undefined;
  let sameRight: M | undefined;
  const same = (a: Packet<M>, b: Packet<M>): boolean => {
    if (a.target !== b.target || a.source !== b.source) return false;
    if (a.message === sameLeft && b.message === sameRight) return true;
    if (!equalValues(a.message, b.message)) return false;
    sameLeft = a.message;
    sameRight = b.message;
    return true;
  };
  const longest = Math.max(protocol.length, host.length);
  for (let i = 0; i < longest; i++) {
    const a = protocol[i];
    const b = host[i];
    if (a !== undefined && b !== undefined && same(a, b)) {
      onSame?.(a, b);
      continue;
    }
    if (a !== undefined) unmatched.push(a);
    if (b !== undefined) rest.push(b);
  }
  for (const a of unmatched) {
    const i = rest.findIndex((b) => same(a, b));
    if (i < 0) return { protocolOnly: showValue(a), hostOnly: rest[0] === undefined ? 'nothing' : showValue(rest[0]) };
    onSame?.(a, rest[i] as Packet<M>);
    rest.splice(i, 1);
  }
  return rest[0] === undefined ? undefined : { protocolOnly: 'nothing', hostOnly: showValue(rest[0]) };
};
