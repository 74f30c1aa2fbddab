/** The configuration of IronRSM: defaults, and one sentence for what no single parameter shows. */
import { describe, expect, it } from 'vitest';
import { endPoint } from '../../src/spec/endpoint.js';
import { E } from '../../src/spec/prelude.js';
import { ironrsmConstants } from '../../systems/ironrsm/main.js';

const nodes = ['10.0.0.1:7000', '10.0.0.2:7000', '10.0.0.3:7000'].map((address, i) => ({
  id: `r${i}`,
  address: endPoint(address),
}));

const described = (parameters: Readonly<Record<string, number>>, application = 'kv') =>
  ironrsmConstants({ application, nodes, parameters });

const mistakes = (...args: Parameters<typeof described>): readonly string[] => {
  const made = described(...args);
  return E.isLeft(made) ? made.left : [];
};

describe('a configuration', () => {
  it('has defaults that agree, and takes what it is given', () => {
    expect(described({ pipelineMax: 3 })).toMatchObject({ right: { parameters: { pipelineMax: 3 } } });
    expect(mistakes({})).toEqual([]);
  });

  it('says which parameters contradict each other', () => {
    expect(mistakes({ viewTimeoutMs: 3000, viewTimeoutMsMax: 2000 })).toEqual([
      'viewTimeoutMs (3000) must not be above viewTimeoutMsMax (2000)',
    ]);
    expect(mistakes({ retransmitPeriodMs: 3000, retransmitPeriodMsMax: 2000 })).toEqual([
      'retransmitPeriodMs (3000) must not be above retransmitPeriodMsMax (2000)',
    ]);
    expect(mistakes({ heartbeatPeriodMs: 300, viewTimeoutMs: 500 })[0]).toContain('must be at least twice heartbeat');
    expect(mistakes({ logLengthMax: 100, catchUpOpsMax: 101, pipelineMax: 99 })).toEqual([
      'catchUpOpsMax (101) must not be above logLengthMax (100)',
    ]);
    expect(mistakes({ logLengthMax: 100, catchUpOpsMax: 100, pipelineMax: 100 })).toEqual([
      'pipelineMax (100) must be below logLengthMax (100)',
    ]);
    expect(mistakes({ logLengthMax: 100, catchUpOpsMax: 100, pipelineMax: 99 })).toEqual([]);
  });

  it('names the applications and the parameters that there are', () => {
    expect(mistakes({}, 'kw')[0]).toContain('application must be one of');
    expect(mistakes({ logLength: 1 })).toEqual(['unknown parameter "logLength"']);
  });
});
