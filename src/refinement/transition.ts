/** One protocol step of one host, as the judge computed it: what cluster checks look at. */
import type { EndPoint } from '../spec/endpoint.js';
import type { Packet } from '../spec/packet.js';

export interface Transition<S, M, Step> {
  readonly host: EndPoint;
  readonly before: S;
  readonly step: Step;
  readonly after: S;
  readonly sends: readonly Packet<M>[];
}
