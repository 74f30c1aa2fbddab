import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SentPackets } from '../../src/protocol/sent-packets.js';
import { arbitraryOf } from '../../src/refinement/arbitrary.js';
import type { EndPoint } from '../../src/spec/endpoint.js';
import { E, O } from '../../src/spec/prelude.js';
import { defaultParameters, lockConfiguration } from '../../systems/lock/configuration.js';
import { lockSystem } from '../../systems/lock/index.js';
import { type LockMessage, lockCodec, lockSchema } from '../../systems/lock/messages.js';
import { lockService } from '../../systems/lock/spec.js';
import { a, b, c, nodes, packet, stranger } from './sample.js';

const mistakes = (...args: Parameters<typeof lockConfiguration>): readonly string[] => {
  const made = lockConfiguration(...args);
  return E.isLeft(made) ? made.left : [];
};

describe('the configuration of a lock', () => {
  test('has defaults, and takes what it is given', () => {
    expect(lockConfiguration(nodes)).toEqual(E.right({ nodes, parameters: defaultParameters }));
    expect(lockConfiguration(nodes, { holdMs: 5 })).toEqual(
      E.right({ nodes, parameters: { ...defaultParameters, holdMs: 5 } }),
    );
  });

  test('says what to mend', () => {
    expect(mistakes([a])).toEqual(['a lock goes round between nodes: give it at least two']);
    expect(mistakes([a, b, a])).toEqual(['two nodes have one address: give each node its own']);
    expect(mistakes(nodes, { holdms: 1 })).toEqual([
      'unknown parameter "holdms": the known ones are holdMs, resendMs, receiveMax',
    ]);
    expect(mistakes(nodes, { toString: 1 })).toHaveLength(1);
    expect(mistakes(nodes, { holdMs: 0, resendMs: 1.5 })).toEqual([
      'holdMs must be a whole number from 1 to 3600000, and is 0',
      'resendMs must be a whole number from 1 to 3600000, and is 1.5',
    ]);
  });

  test('is what the command line makes of a cluster', () => {
    const described = nodes.map((address, i) => ({ id: `n${i}`, address }));
    const made = lockSystem.constants({ nodes: described, application: undefined, parameters: { resendMs: 7 } });
    expect(made).toEqual(E.right({ nodes, parameters: { ...defaultParameters, resendMs: 7 } }));
    if (E.isRight(made)) expect(lockSystem.createHost(made.right, a).holds).toBe(true);
  });
});

describe('the messages of the lock', () => {
  test('make a round trip through their codec', () => {
    fc.assert(
      fc.property(arbitraryOf(lockSchema), (message) => {
        expect(lockCodec.decode(lockCodec.encode(message))).toEqual(E.right(message));
      }),
    );
  });
});

describe('the service of the lock', () => {
  const service = lockService(nodes);
  const history = [a, b];

  test('starts with the first node, and gives the lock to nodes only', () => {
    expect(service.init).toEqual({ history: [a] });
    expect(service.next(service.init, { holder: b })).toEqual(O.some({ history }));
    expect(service.next(service.init, { holder: stranger })).toEqual(O.none);
  });

  test('justifies a packet that names an epoch of its source, and no other', () => {
    const justified = (source: EndPoint, message: LockMessage) =>
      E.isRight(service.justifies({ history }, packet(source, a, message), new SentPackets(lockCodec.encode)));
    expect(justified(b, { tag: 'locked', epoch: 2 })).toBe(true);
    for (const epoch of [0, 1, 3]) expect(justified(b, { tag: 'locked', epoch })).toBe(false);
    expect(justified(b, { tag: 'status', nonce: 1, holds: true, epoch: 2 })).toBe(true);
    expect(justified(c, { tag: 'status', nonce: 1, holds: false, epoch: 0 })).toBe(true);
    expect(justified(c, { tag: 'status', nonce: 1, holds: true, epoch: 0 })).toBe(false);
    expect(justified(c, { tag: 'status', nonce: 1, holds: false, epoch: 2 })).toBe(false);
    // What strangers claim in their own name is nobody's promise.
    expect(justified(stranger, { tag: 'locked', epoch: 9 })).toBe(true);
  });
});
