/** What tests of a system say about checks, packets and hosts, as matchers of vitest. */
import type { Host } from '../host/host.js';
import { ComponentComparison } from '../refinement/component-comparison.js';
import type { HostRefinement } from '../refinement/host-refinement.js';
import { equalValues, showValue } from '../refinement/values.js';
import type { Check, Violation } from '../spec/check.js';
import type { Packet } from '../spec/packet.js';
import { E } from '../spec/prelude.js';
import type { SentSet, Service } from '../spec/service.js';

/** A matcher's verdict, as vitest takes it. */
export interface Matched {
  readonly pass: boolean;
  readonly message: () => string;
}

const words = ({ code, rule, evidence }: Violation): string => `${code}: ${rule}\n${showValue(evidence, 2000)}`;

const matched = (check: E.Either<Violation, unknown>, what: string): Matched =>
  E.isRight(check)
    ? { pass: true, message: () => `expected ${what} not to hold, and it does` }
    : { pass: false, message: () => words(check.left) };

/** Packets by value, for a spec to look at. */
const setOf = <M>(packets: readonly Packet<M>[]): SentSet<M> => ({
  has: (packet) => packets.some((p) => equalValues(p, packet)),
  packets: () => packets,
  from: (source) => packets.filter((p) => p.source === source),
});

/** `expect(check).toHold()`: the check found nothing wrong. */
export const toHold = (check: E.Either<Violation, unknown>): Matched => matched(check, 'the check');

/** `expect(packet).toBeJustifiedBy(service, state, sent)`: the service in that state may have sent it, after clients sent `sent` (nothing unless given). */
export const toBeJustifiedBy = <Spec, SpecStep, M>(
  packet: Packet<M>,
  service: Service<Spec, SpecStep, M>,
  state: Spec,
  sent: readonly Packet<M>[] = [],
): Matched => matched(service.justifies(state, packet, setOf(sent)), `that ${service.name} justifies the packet`);

/** `expect(host).toRefine(refinement, state)`: the host's state abstracts to the protocol's `state`, compared in full. */
export const toRefine = <C, H extends Host<M, W>, S, M, Step, W>(
  host: H,
  refinement: HostRefinement<C, H, S, M, Step, W>,
  state: S,
): Matched => {
  const check: Check = new ComponentComparison(refinement.components).full(host, state);
  return matched(check, `that the host refines ${refinement.protocol.name}`);
};
