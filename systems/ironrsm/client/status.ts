/** Asks replicas how they are. */
import type { EndPoint } from '../../../src/spec/endpoint.js';
import { E } from '../../../src/spec/prelude.js';
import { type Message, rsmCodec } from '../messages.js';
import { type ClientOptions, openClientTransport } from './port.js';

/** What one replica answered; `undefined` where it did not. */
export interface ReplicaStatus {
  readonly address: EndPoint;
  readonly status: Message<'status'> | undefined;
}

/** A datagram may be lost: the question goes out again this often. */
const askAgainMs = 200;

/** The status of each replica, in the order of `options.replicas`, as far as they answer within `timeoutMs`. `Left`: no socket. */
export const askStatus = async (
  options: ClientOptions,
  timeoutMs: number,
): Promise<E.Either<string, readonly ReplicaStatus[]>> => {
  const opened = await openClientTransport(options);
  if (E.isLeft(opened)) return opened;
  const transport = opened.right;
  const nonce = Math.floor(Math.random() * 2 ** 32);
  const answers = new Map<EndPoint, Message<'status'>>();
  const ask = (): void => {
    const bytes = rsmCodec.encode({ tag: 'statusRequest', nonce });
    for (const replica of options.replicas) if (!answers.has(replica)) transport.send(replica, bytes);
    transport.flush();
  };
  await new Promise<void>((resolve) => {
    const again = setInterval(ask, askAgainMs);
    const finish = (): void => {
      clearInterval(again);
      clearTimeout(end);
      resolve();
    };
    const end = setTimeout(finish, timeoutMs);
    transport.onMessages(() => {
      for (let d = transport.inbox.shift(); d !== undefined; d = transport.inbox.shift()) {
        const { source, message } = d.packet;
        if (message.tag !== 'status' || message.nonce !== nonce || !options.replicas.includes(source)) continue;
        answers.set(source, message);
      }
      if (answers.size === options.replicas.length) finish();
    });
    ask();
  });
  await transport.close();
  return E.right(options.replicas.map((address) => ({ address, status: answers.get(address) })));
};
