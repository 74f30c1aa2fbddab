/** Asks end points one question each, again and again until they answer or time is up. For clients; nodes never wait. */
import type { Codec } from '../network/codec.js';
import type { Transport } from '../network/transport.js';
import type { EndPoint } from '../spec/endpoint.js';

/** A question to several, and how to know an answer. */
export interface Question<M, A> {
  readonly targets: readonly EndPoint[];
  readonly message: M;
  /** The answer in a message; `undefined` for a message that is none. */
  readonly answerIn: (message: M) => A | undefined;
  readonly timeoutMs: number;
}

/** A datagram may be lost: the question goes out again this often. */
const askAgainMs = 200;

/** The answers by end point, of those who answered in time. Takes every packet that arrives at `transport` meanwhile; the caller closes it. */
export const askAll = async <M, A>(
  transport: Transport<M>,
  codec: Codec<M>,
  { targets, message, answerIn, timeoutMs }: Question<M, A>,
): Promise<ReadonlyMap<EndPoint, A>> => {
  const answers = new Map<EndPoint, A>();
  const bytes = codec.encode(message);
  const ask = (): void => {
    for (const target of targets) if (!answers.has(target)) transport.send(target, bytes);
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
        const answer = answerIn(d.packet.message);
        if (answer !== undefined && targets.includes(d.packet.source)) answers.set(d.packet.source, answer);
      }
      if (answers.size === targets.length) finish();
    });
    ask();
  });
  return answers;
};
