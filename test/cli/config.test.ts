import { describe, expect, it } from 'vitest';
import { nearest } from '../../src/cli/config/nearest.js';
import { parseConfig, readConfig, type SystemShape } from '../../src/cli/config.js';
import { E } from '../../src/spec/prelude.js';

const shapes: readonly SystemShape[] = [
  { name: 'ring', applications: [], parameters: { holdMs: { min: 1, max: 1000 } } },
  {
    name: 'machine',
    applications: ['kv', 'counter'],
    parameters: { heartbeatPeriodMs: { min: 5, max: 100 }, viewTimeoutMs: { min: 20, max: 1000 } },
  },
];

const good = `cluster: one
system: machine
application: kv
nodes:
  - id: a
    address: 127.0.0.1:7001
  - id: b
    address: 127.0.0.1:7002
parameters:
  viewTimeoutMs: 300
`;

/** The sentences for the good file after one change. */
const mistakes = (from: string, to: string): readonly string[] => {
  expect(good).toContain(from);
  const parsed = parseConfig(good.replace(from, to), 'c.yaml', shapes);
  return E.isLeft(parsed) ? parsed.left : [];
};

describe('the configuration of a cluster', () => {
  it('is read with its defaults', () => {
    expect(parseConfig(good, 'c.yaml', shapes)).toEqual(
      E.right({
        cluster: 'one',
        system: 'machine',
        application: 'kv',
        nodes: [
          { id: 'a', address: '127.0.0.1:7001' },
          { id: 'b', address: '127.0.0.1:7002' },
        ],
        parameters: { viewTimeoutMs: 300 },
        network: { datagramBytesMax: 8192, inboxMessagesMax: 65_536 },
      }),
    );
  });

  it('sends small datagrams where a node is not on the loopback interface', () => {
    const parsed = parseConfig(good.replace('127.0.0.1:7002', '10.0.0.2:7002'), 'c.yaml', shapes);
    expect(E.isRight(parsed) && parsed.right.network.datagramBytesMax).toBe(1200);
  });

  it('takes the limits of the network from the file', () => {
    const text = `${good}network: { datagramBytesMax: 4000, inboxMessagesMax: 128 }\n`;
    const parsed = parseConfig(text, 'c.yaml', shapes);
    expect(E.isRight(parsed) && parsed.right.network).toEqual({ datagramBytesMax: 4000, inboxMessagesMax: 128 });
  });

  it.each([
    [
      'an unknown key',
      'system: machine',
      'system: machine\nnodez: 1',
      ['c.yaml:3: unknown key "nodez"; did you mean "nodes"?'],
    ],
    [
      'an unknown key of a node',
      '    address: 127.0.0.1:7002',
      '    adress: 127.0.0.1:7002',
      [
        'c.yaml:8: nodes[1]: unknown key "adress"; did you mean "address"?',
        'c.yaml:7: nodes[1]: "address" is missing: say where the node listens, such as 127.0.0.1:7001',
      ],
    ],
    [
      'a duplicate id',
      'id: b',
      'id: a',
      ['c.yaml:7: nodes[1].id "a" is that of nodes[0] too; give each node its own id'],
    ],
    [
      'a duplicate address',
      '7002',
      '7001',
      ['c.yaml:8: nodes[1].address "127.0.0.1:7001" is that of nodes[0] too; give each node its own address and port'],
    ],
    [
      'an address with a bad port',
      '127.0.0.1:7002',
      '127.0.0.1:70020',
      ['c.yaml:8: nodes[1].address: "127.0.0.1:70020" has a port outside 1 to 65535'],
    ],
    [
      'a host name for an address',
      '127.0.0.1:7002',
      'localhost:7002',
      ['c.yaml:8: nodes[1].address: "localhost:7002" is not an IPv4 address and port such as 127.0.0.1:7001'],
    ],
    [
      'a parameter out of its range',
      'viewTimeoutMs: 300',
      'viewTimeoutMs: 3',
      ['c.yaml:10: parameters.viewTimeoutMs must be a whole number from 20 to 1000, and is 3'],
    ],
    [
      'a parameter of the wrong type',
      'viewTimeoutMs: 300',
      'viewTimeoutMs: soon',
      ['c.yaml:10: parameters.viewTimeoutMs must be a whole number from 20 to 1000, and is the text "soon"'],
    ],
    [
      'an unknown parameter',
      'viewTimeoutMs: 300',
      'viewTimeoutMS: 300',
      ['c.yaml:10: parameters: unknown key "viewTimeoutMS"; did you mean "viewTimeoutMs"?'],
    ],
    [
      'an unknown system',
      'system: machine',
      'system: machin',
      ['c.yaml:2: system must be one of ring, machine, and is the text "machin"; did you mean "machine"?'],
    ],
    [
      'an unknown application',
      'application: kv',
      'application: kw',
      ['c.yaml:3: application must be one of kv, counter, and is the text "kw"; did you mean "kv"?'],
    ],
    [
      'a missing application',
      'application: kv\n',
      '',
      ['c.yaml:1: "application" is missing: say what machine replicates, one of kv, counter'],
    ],
    ['an id that is a number', 'id: b', 'id: 2', ['c.yaml:7: nodes[1].id must be text: write it in quotes, "2"']],
    [
      'a missing name',
      'cluster: one\n',
      '',
      ['c.yaml:1: "cluster" is missing: give the cluster a name, which its datagrams carry'],
    ],
  ])('with %s is refused in a sentence', (_, from, to, sentences) => {
    expect(mistakes(from, to)).toEqual(sentences);
  });

  it('without nodes is refused', () => {
    const parsed = parseConfig('cluster: one\nsystem: ring\n', 'c.yaml', shapes);
    expect(parsed).toEqual(E.left(['c.yaml:1: "nodes" is missing: list the nodes, each with id and address']));
    const empty = parseConfig('cluster: one\nsystem: ring\nnodes: []\n', 'c.yaml', shapes);
    expect(empty).toEqual(E.left(['c.yaml:3: nodes must name at least one node, and is empty']));
  });

  it('that names an application for a system that has none is refused', () => {
    const parsed = parseConfig(good.replace('system: machine', 'system: ring'), 'c.yaml', shapes);
    expect(E.isLeft(parsed) && parsed.left[0]).toContain('unknown key "application"');
  });

  it.each(['', '- 1\n', 'just text'])('that is no map (%j) is refused', (text) => {
    const parsed = parseConfig(text, 'c.yaml', shapes);
    expect(E.isLeft(parsed) && parsed.left).toHaveLength(1);
    expect(E.isLeft(parsed) && parsed.left[0]).toMatch(
      /^c\.yaml:1: the file must be a map with cluster, system, nodes/,
    );
  });

  it('that is not YAML is refused with the line', () => {
    const parsed = parseConfig('cluster: one\nnodes: [a, b\nsystem: ring\n', 'c.yaml', shapes);
    expect(E.isLeft(parsed) && parsed.left[0]).toMatch(/^c\.yaml:\d: not YAML: /);
  });

  it('with a key twice is refused', () => {
    const parsed = parseConfig(`${good}cluster: two\n`, 'c.yaml', shapes);
    expect(E.isLeft(parsed) && parsed.left[0]).toBe('c.yaml:11: not YAML: Map keys must be unique');
  });

  it('that does not exist is refused', () => {
    const read = readConfig('/nowhere/c.yaml', shapes);
    expect(E.isLeft(read) && read.left).toEqual([
      "/nowhere/c.yaml: there is no such file; name the cluster's YAML file with --config",
    ]);
  });
});

describe('the nearest name', () => {
  it('is found across case and small slips, and not invented', () => {
    expect(nearest('heartbeatperiodms', ['heartbeatPeriodMs', 'viewTimeoutMs'])).toBe('heartbeatPeriodMs');
    expect(nearest('colour', ['heartbeatPeriodMs', 'viewTimeoutMs'])).toBeUndefined();
  });
});
