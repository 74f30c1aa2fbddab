/** An administrator and recipients that do not answer: keys that are handed over to a host that has ended are lost. */
import { afterEach, describe, expect, it } from 'vitest';
import { freePorts } from '../../src/cli/cluster/free-ports.js';
import { type EndPoint, endPoint } from '../../src/spec/endpoint.js';
import { E } from '../../src/spec/prelude.js';
import { Administrator } from '../../systems/ironkv/client/administrator.js';
import { bytes } from './host-cluster.js';
import { LoopbackCluster } from './loopback-cluster.js';
import { cluster, range, ScriptedHost } from './scripted-host.js';

const toClose: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const one of toClose.splice(0)) await one.close();
});

/** Scripted hosts, and an administrator of theirs who calls them h0, h1… */
const scripted = async (count: number) => {
  const hosts = await Promise.all(Array.from({ length: count }, () => ScriptedHost.open()));
  const [port] = await freePorts(1);
  const addresses = hosts.map(({ address }) => address);
  const nameOf = (host: string): string => `h${addresses.indexOf(host as EndPoint)}`;
  const options = { cluster, hosts: addresses, administrators: [endPoint(`127.0.0.1:${port}`)], nameOf };
  const opened = await Administrator.open(options);
  if (E.isLeft(opened)) throw new Error(opened.left);
  toClose.push(opened.right, ...hosts);
  return { hosts, administrator: opened.right };
};

const everything = [range('', null, 0, true)];
const nothing = [range('', null, 0, false)];

describe('an order to move a range', () => {
  it('to a host that is dead is never given, and nothing is moved', async () => {
    const real = await LoopbackCluster.start(2);
    toClose.push({ close: () => real.stop() });
    const [, second] = real.configuration.hosts;
    if (second === undefined) throw new Error('two hosts');
    await real.started[1]?.node.close();
    const order = { lo: bytes('m'), hi: null, recipient: second };
    const refused = await (await real.administrator()).shard(order, 300);
    expect(refused).toMatchObject(E.left({ tag: 'RecipientSilent' }));
    expect(E.isLeft(refused) && refused.left.message).toMatch(
      `RECIPIENT_SILENT: ${second} did not answer within 300 ms, so nothing was moved: `,
    );
    expect(real.hostAt(0).moves).toEqual([]);
    expect(real.hostAt(0).shards.size).toBe(0);
    expect(real.violations).toEqual([]);
  });

  it('waits, as long as there is time, for a recipient that is slow', async () => {
    const { hosts, administrator } = await scripted(2);
    const [source, recipient] = hosts as [ScriptedHost, ScriptedHost];
    let isDone = false;
    source.onStatus = () => ({ ranges: isDone ? [range('', null, 1, false)] : everything });
    const asked: number[] = [];
    source.onShard = () => {
      asked.push(recipient.statusRequests);
      isDone = true;
      return 'done';
    };
    const patience = 9;
    recipient.onStatus = () => {
      if (recipient.statusRequests < patience) return undefined;
      return { ranges: isDone ? [range('', null, 1, true)] : nothing };
    };
    const order = { lo: bytes(''), hi: null, recipient: recipient.address };
    expect(await administrator.shard(order, 60_000)).toEqual(E.right({ orders: 1 }));
    expect(asked).toHaveLength(1);
    expect(asked[0]).toBeGreaterThanOrEqual(patience);
  });

  it('is given to no second owner once the recipient is silent', async () => {
    const { hosts, administrator } = await scripted(3);
    const [first, second, recipient] = hosts as [ScriptedHost, ScriptedHost, ScriptedHost];
    first.onStatus = () => ({ ranges: [range('', 'm', 0, true), range('m', null, 1, false)] });
    second.onStatus = () => ({ ranges: [range('', 'm', 0, false), range('m', null, 1, true)] });
    recipient.onStatus = () => (first.orders.length === 0 ? { ranges: nothing } : undefined);
    first.onShard = () => 'done';
    second.onShard = () => 'done';
    const order = { lo: bytes('a'), hi: bytes('z'), recipient: recipient.address };
    // Long enough for the first order, and then it waits for the recipient to the end.
    const refused = await administrator.shard(order, 4000);
    expect(refused).toMatchObject(E.left({ tag: 'RecipientSilent' }));
    expect(E.isLeft(refused) && refused.left.message).toMatch(/^RECIPIENT_SILENT: h2 .*so nothing more was ordered/);
    expect([first.orders.length, second.orders.length]).toEqual([1, 0]);
  });

  it('that does not go on since the recipient fell silent ends with its name', async () => {
    const { hosts, administrator } = await scripted(2);
    const [source, recipient] = hosts as [ScriptedHost, ScriptedHost];
    source.onStatus = () => ({ ranges: everything });
    source.onShard = () => 'moving';
    recipient.onStatus = () => (source.orders.length === 0 ? { ranges: nothing } : undefined);
    const order = { lo: bytes('m'), hi: null, recipient: recipient.address };
    const ended = await administrator.shard(order, 500);
    expect(ended).toMatchObject(E.left({ tag: 'Timeout' }));
    expect(E.isLeft(ended) && ended.left.message).toMatch(
      /^the range was not moved within 500 ms: h1 does not answer any more, and what was handed over to it waits for it/,
    );
    // A recipient that answers is not to blame.
    recipient.onStatus = () => ({ ranges: nothing });
    const slow = await administrator.shard(order, 500);
    expect(E.isLeft(slow) && slow.left.message).toBe(
      'the range was not moved within 500 ms (moving); what hosts took on goes on',
    );
  });

  it('for a range that no host has which answers ends with the names of the silent ones', async () => {
    const { hosts, administrator } = await scripted(3);
    const [source, recipient] = hosts as [ScriptedHost, ScriptedHost];
    source.onStatus = () => ({ ranges: [range('', 'm', 0, true), range('m', null, 2, false)] });
    recipient.onStatus = () => ({ ranges: nothing });
    const order = { lo: bytes('m'), hi: null, recipient: recipient.address };
    const ended = await administrator.shard(order, 500);
    expect(E.isLeft(ended) && ended.left.message).toMatch(/with no host that answers; silent: h2/);
    expect(source.orders).toEqual([]);
  });
});
