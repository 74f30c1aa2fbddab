/** The gateway's port, which is taken before there is a store to serve. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { RespPort } from '../../src/cli/gateway/server.js';
import type { RespStore } from '../../src/cli/gateway/store.js';
import { E } from '../../src/spec/prelude.js';
import { command, RawClient } from './raw-client.js';

const loopback = { host: '127.0.0.1', port: 0 };

const store: RespStore = {
  ...{ keyBytesMax: 100, valueBytesMax: 1000 },
  session: () => ({
    request: (_command, settled) => {
      const value = Buffer.from('v');
      setImmediate(() => settled({ tag: 'outcome', outcome: { tag: 'value', value } }));
    },
    countKeys: async () => 0,
    close: () => undefined,
  }),
  sizeOf: () => 1,
  close: async () => undefined,
};

const ended: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ended.splice(0)) await end();
});

const takePort = async (): Promise<RespPort> => {
  const taken = await RespPort.take(loopback);
  if (E.isLeft(taken)) throw new Error(taken.left);
  return taken.right;
};

describe('the port of a gateway', () => {
  it('keeps whoever comes before the store waiting, and answers once it is there', async () => {
    const port = await takePort();
    const early = new RawClient(port.port);
    const closing = new RawClient(port.port);
    const gone = new RawClient(port.port);
    for (const { socket } of [early, closing, gone]) await once(socket, 'connect');
    early.socket.write(command('GET', 'k'));
    closing.socket.end(command('PING'));
    gone.socket.resetAndDestroy();
    await gone.rest();
    const gateway = port.serve(store);
    ended.push(() => gateway.close());
    expect(await early.read(7)).toBe('$1\r\nv\r\n');
    expect(await closing.rest()).toBe('+PONG\r\n');
    const late = new RawClient(gateway.port);
    await late.says(command('GET', 'k'), '$1\r\nv\r\n');
    early.socket.destroy();
    late.socket.destroy();
  });

  it('ends those who wait when it is closed without a store', async () => {
    const port = await takePort();
    const early = new RawClient(port.port);
    await once(early.socket, 'connect');
    const { port: number } = port;
    await port.close();
    expect(await early.rest()).toBe('');
    const next = await RespPort.take({ ...loopback, port: number });
    expect(E.isRight(next)).toBe(true);
    if (E.isRight(next)) await next.right.close();
  });

  it('is refused in one sentence where another program has it', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    ended.push(() => new Promise((resolve) => other.close(resolve)));
    await once(other, 'listening');
    const address = other.address();
    const number = typeof address === 'object' && address !== null ? address.port : 0;
    expect(await RespPort.take({ ...loopback, port: number })).toEqual(
      E.left(`127.0.0.1:${number} cannot be listened on (EADDRINUSE)`),
    );
  });
});
