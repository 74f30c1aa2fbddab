import { describe, expect, it } from 'vitest';
import { holds, violated } from '../../src/spec/check.js';
import { endPoint } from '../../src/spec/endpoint.js';
import '../../src/vitest/index.js';
import { defaultParameters } from '../../systems/lock/configuration.js';
import { LockHost, lockProtocol, lockRefinement } from '../../systems/lock/index.js';
import { lockService } from '../../systems/lock/spec.js';

const nodes = [endPoint('10.0.0.1:1'), endPoint('10.0.0.2:1')] as const;
const configuration = { nodes, parameters: defaultParameters };
const service = lockService(nodes);

const failing = (assertion: () => void): string => {
  try {
    assertion();
  } catch (error) {
    return (error as Error).message;
  }
  return 'the assertion passed';
};

describe('the matchers', () => {
  it('say whether a check holds, and of one that does not its rule and evidence', () => {
    expect(holds).toHold();
    expect(violated('INVARIANT', 'a rule')).not.toHold();
    expect(failing(() => expect(violated('INVARIANT', 'a rule', { epoch: 3 })).toHold())).toMatch(
      /INVARIANT: a rule\n.*epoch: 3/,
    );
  });

  it('say whether a service justifies a packet', () => {
    const locked = { source: nodes[0], target: nodes[1], message: { tag: 'locked', epoch: 1 } } as const;
    expect(locked).toBeJustifiedBy(service, service.init);
    const early = { ...locked, message: { tag: 'locked', epoch: 2 } } as const;
    expect(early).not.toBeJustifiedBy(service, service.init);
    expect(failing(() => expect(early).toBeJustifiedBy(service, service.init))).toContain('LOCKED_UNJUSTIFIED');
  });

  it('say whether a host abstracts to a state of the protocol', () => {
    const [first, second] = nodes;
    expect(new LockHost(configuration, first)).toRefine(lockRefinement, lockProtocol.init(configuration, first));
    const other = lockProtocol.init(configuration, second);
    expect(failing(() => expect(new LockHost(configuration, first)).toRefine(lockRefinement, other))).toContain(
      'STATE_MISMATCH',
    );
  });
});
