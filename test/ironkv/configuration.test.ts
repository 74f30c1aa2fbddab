/** The configuration of IronKV: defaults, and one sentence for each mistake. */
import { describe, expect, it } from 'vitest';
import { endPoint } from '../../src/spec/endpoint.js';
import { E } from '../../src/spec/prelude.js';
import { defaultParameters, kvConfiguration, parameterRanges } from '../../systems/ironkv/configuration.js';

const hosts = ['10.0.0.1:7000', '10.0.0.2:7000'].map(endPoint);
const administrators = [endPoint('10.0.0.3:7000')];

const mistakes = (...args: Parameters<typeof kvConfiguration>): readonly string[] => {
  const made = kvConfiguration(...args);
  return E.isLeft(made) ? made.left : [];
};

describe('a configuration', () => {
  it('has defaults, and takes what it is given', () => {
    expect(kvConfiguration(hosts)).toEqual(E.right({ hosts, administrators: [], parameters: defaultParameters }));
    expect(kvConfiguration(hosts, administrators, { movesMax: 3 })).toEqual(
      E.right({ hosts, administrators, parameters: { ...defaultParameters, movesMax: 3 } }),
    );
  });

  it('has defaults within their ranges', () => {
    expect(mistakes(hosts, [], { ...defaultParameters })).toEqual([]);
    expect(Object.keys(parameterRanges)).toEqual(Object.keys(defaultParameters));
  });

  it('names hosts and administrators once each', () => {
    expect(mistakes([])).toEqual(['a cluster has 1 to 256 hosts']);
    expect(mistakes([...hosts, ...hosts])).toEqual(['two hosts have one address: give each host its own']);
    expect(mistakes(hosts, hosts.slice(1))).toEqual(['10.0.0.2:7000 cannot be both a host and an administrator']);
    expect(mistakes(hosts, [...administrators, ...administrators])).toEqual(['an administrator is named twice']);
  });

  it('says what is wrong with a parameter', () => {
    expect(mistakes(hosts, [], { toString: 1 })).toHaveLength(1);
    expect(mistakes(hosts, [], { movesMax: 0, receiveMax: 1.5 })).toEqual([
      'movesMax must be a whole number from 1 to 1024, and is 0',
      'receiveMax must be a whole number from 1 to 65536, and is 1.5',
    ]);
    expect(mistakes(hosts, [], { resendMs: 3000 })).toEqual(['resendMs (3000) must not be above resendMsMax (2000)']);
    expect(mistakes(hosts, [], { sessionsAnnounced: 0 })).toEqual([
      'sessionsAnnounced must be a whole number from 1 to 1048576, and is 0',
    ]);
    const status = { rangesPerStatusMax: 1968, movesMax: 64 };
    expect(mistakes(hosts, [], status)).toEqual([]);
    expect(mistakes(hosts, [], { ...status, movesMax: 66 })).toEqual([
      'a status may hold 16793600 bytes of keys, and must hold at most 16777216: lower rangesPerStatusMax, movesMax or keyBytesMax',
    ]);
    expect(mistakes(hosts, [], { rangesPerStatusMax: 4096, keyBytesMax: 1024 })).toEqual([]);
    expect(mistakes(hosts, [], { sessionsPerMessageMax: 4096, sessionWindowMax: 4096 })[0]).toContain('16777216');
  });
});
