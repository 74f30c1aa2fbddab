/** Asks replicas how they are. */
import { askAll } from '../../../src/host/ask-all.js';
import type { EndPoint } from '../../../src/spec/endpoint.js';
import { E } from '../../../src/spec/prelude.js';
import { type Message, rsmCodec } from '../messages.js';
import { type ClientOptions, openClientTransport } from './port.js';

/** What one replica answered; `undefined` where it did not. */
export interface ReplicaStatus {
  readonly address: EndPoint;
  readonly status: Message<'status'> | undefined;
}

/** The status of each replica, in the order of `options.replicas`, as far as they answer within `timeoutMs`. `Left`: no socket. */
export const askStatus = async (
  options: ClientOptions,
  timeoutMs: number,
): Promise<E.Either<string, readonly ReplicaStatus[]>> => {
  const opened = await openClientTransport(options);
  if (E.isLeft(opened)) return opened;
  // Answers to earlier questions from the same port say nothing of now.
  const nonce = Math.floor(Math.random() * 2 ** 32);
  const answers = await askAll(opened.right, rsmCodec, {
    targets: options.replicas,
    message: { tag: 'statusRequest', nonce },
    answerIn: (message) => (message.tag === 'status' && message.nonce === nonce ? message : undefined),
    timeoutMs,
  });
  await opened.right.close();
  return E.right(options.replicas.map((address) => ({ address, status: answers.get(address) })));
};
