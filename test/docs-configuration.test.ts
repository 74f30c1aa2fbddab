import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../src/cli/config.js';
import { systems } from '../src/cli/systems.js';
import { E } from '../src/spec/prelude.js';
import * as ironkv from '../systems/ironkv/index.js';
import { defaultParameters } from '../systems/ironrsm/configuration.js';
import { parameterRanges } from '../systems/ironrsm/main.js';
import * as lock from '../systems/lock/index.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const document = readFileSync(`${root}docs/configuration.md`, 'utf8');

/** Whether the file describes a cluster that its system accepts. */
const accepted = (text: string): boolean => {
  const parsed = parseConfig(text, 'file', systems);
  if (E.isLeft(parsed)) throw new Error(parsed.left.join('\n'));
  const system = systems.find((s) => s.name === parsed.right.system);
  return system !== undefined && E.isRight(system.check(parsed.right));
};

/** The rows of the document's tables of parameters, as `name default min max`. */
const parameters = document.slice(0, document.indexOf('## Network'));
const rows = [...parameters.matchAll(/^\| `(\w+)` \| (\d+) \| (\d+) \| (\d+) \|/gm)].map((m) =>
  m.slice(1, 5).join(' '),
);

const expected = (
  defaults: Readonly<Record<string, number>>,
  ranges: Readonly<Record<string, { readonly min: number; readonly max: number }>>,
): readonly string[] => Object.entries(ranges).map(([name, r]) => `${name} ${defaults[name]} ${r.min} ${r.max}`);

describe('docs/configuration.md', () => {
  it('shows a file that is accepted, as are those under examples', () => {
    const [, block = ''] = /```yaml\n([\s\S]*?)```/.exec(document) ?? [];
    expect(accepted(block)).toBe(true);
    for (const name of ['three-replicas', 'lock-ring', 'sharded-store']) {
      expect(accepted(readFileSync(`${root}examples/${name}.yaml`, 'utf8'))).toBe(true);
    }
  });

  it('has the defaults and ranges of every parameter', () => {
    const ironrsm = expected({ ...defaultParameters }, parameterRanges);
    const ofLock = expected({ ...lock.defaultParameters }, lock.parameterRanges);
    const ofKv = expected({ ...ironkv.defaultParameters }, ironkv.parameterRanges);
    expect(rows).toEqual([...ironrsm, ...ofLock, ...ofKv]);
  });

  it('is held against the code: only ironkv has administrators, and none of them is a node', () => {
    const text = readFileSync(`${root}examples/sharded-store.yaml`, 'utf8');
    expect(accepted(text.replace('7292', '7201'))).toBe(false);
    expect(() => accepted(text.replace('127.0.0.1:7292', 'localhost'))).toThrow('administrators');
    const ring = readFileSync(`${root}examples/lock-ring.yaml`, 'utf8');
    expect(() => accepted(`${ring}administrators: []\n`)).toThrow('unknown key "administrators"');
  });

  it('is held against the code: parameters that do not go together are refused', () => {
    const text = readFileSync(`${root}examples/three-replicas.yaml`, 'utf8');
    for (const wrong of [
      'viewTimeoutMs: 20000',
      'heartbeatPeriodMs: 400',
      'pipelineMax: 1000\n  logLengthMax: 1000',
      'retransmitPeriodMs: 2000',
    ]) {
      expect(accepted(`${text}parameters:\n  ${wrong}\n`)).toBe(false);
    }
  });
});
