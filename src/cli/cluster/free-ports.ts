/** Free UDP ports of the loopback interface, for clusters that live for a moment. */
import { createSocket } from 'node:dgram';

const bound = (): Promise<ReturnType<typeof createSocket>> =>
  new Promise((resolve, reject) => {
    const socket = createSocket('udp4');
    socket.once('error', reject);
    socket.bind(0, '127.0.0.1', () => resolve(socket));
  });

/** `count` distinct ports that were free a moment ago. Another program may take one before it is used. */
export const freePorts = async (count: number): Promise<readonly number[]> => {
  const sockets = await Promise.all(Array.from({ length: count }, bound));
  const ports = sockets.map((socket) => socket.address().port);
  await Promise.all(sockets.map((socket) => new Promise<void>((resolve) => socket.close(() => resolve()))));
  return ports;
};
