/** Ports for clusters of a moment: nobody else may come by them between the draw and their use. */
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { freePorts, releasePorts } from '../../src/cli/cluster/free-ports.js';

/** Whether a server of the same number can be had. */
const isHeld = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(true));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(false)));
  });

const canBind = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = createSocket('udp4');
    socket.once('error', () => socket.close(() => resolve(false)));
    socket.bind(port, '127.0.0.1', () => socket.close(() => resolve(true)));
  });

describe('free ports', () => {
  it('are distinct, can be bound, lie below those of sockets that ask for any, and are held until they are released', async () => {
    const ports = await freePorts(50);
    expect(new Set(ports).size).toBe(50);
    for (const port of ports) {
      expect([port >= 10_000 && port < 32_768, await canBind(port), await isHeld(port)]).toEqual([true, true, true]);
    }
    releasePorts(ports);
    // Closing takes a turn.
    for (const port of ports) await expect.poll(() => isHeld(port), { timeout: 20_000 }).toBe(false);
    releasePorts(ports);
  });
});
