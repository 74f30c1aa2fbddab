/** Free ports of the loopback interface, for clusters that live for a moment. */
import { createSocket } from 'node:dgram';
import { createServer, type Server } from 'node:net';

/** Below the ports that systems give to sockets which ask for any: a client's socket never takes one of these. */
const firstPort = 10_000;
const lastPort = 32_767;

const triesMax = 1000;

/** What is held for this process. */
const held = new Map<number, Server>();

/** Takes `port` for TCP; `undefined` where somebody has it. */
const holdTcp = (port: number): Promise<Server | undefined> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      // It keeps no process awake.
      server.unref();
      resolve(server);
    });
  });

const isFreeForUdp = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = createSocket('udp4');
    socket.once('error', () => socket.close(() => resolve(false)));
    socket.bind(port, '127.0.0.1', () => socket.close(() => resolve(true)));
  });

const drawPort = async (): Promise<number> => {
  for (let i = 0; i < triesMax; i++) {
    const port = firstPort + Math.floor(Math.random() * (lastPort - firstPort + 1));
    const server = await holdTcp(port);
    if (server === undefined) continue;
    if (await isFreeForUdp(port)) {
      held.set(port, server);
      return port;
    }
    server.close();
  }
  throw new Error(`no free port was found from ${firstPort} to ${lastPort}`);
};

/**
 * `count` distinct UDP ports that are free, whose TCP twins this process holds until it ends or calls `releasePorts`: that is how
 * processes that draw ports here at the same time, and bind them later, do not draw the same. Throws where there are none.
 */
export const freePorts = async (count: number): Promise<readonly number[]> => {
  const ports: number[] = [];
  for (let i = 0; i < count; i++) ports.push(await drawPort());
  return ports;
};

/** Lets others draw the ports. Those that were not drawn here are left alone. */
export const releasePorts = (ports: readonly number[]): void => {
  for (const port of ports) {
    held.get(port)?.close();
    held.delete(port);
  }
};
