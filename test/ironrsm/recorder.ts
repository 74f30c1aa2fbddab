/** An application for tests of the host, and the end points of its tests. */
import { type EndPoint, endPoint } from '../../src/spec/endpoint.js';
import { E } from '../../src/spec/prelude.js';
import type { AnyApplication, Application } from '../../systems/ironrsm/application.js';

/** Remembers every operation that it executed, as text, and answers with their count. A piece of its state holds as many as fit, and one at least. */
export const recorder: Application<readonly string[]> = {
  name: 'recorder',
  initial: [],
  apply: (state, operation) => ({
    state: [...state, Buffer.from(operation).toString()],
    reply: Buffer.from(`${state.length + 1}`),
  }),
  piece: (state, after, bytesMax) => {
    const from = after === null ? 0 : Number(Buffer.from(after).toString());
    if (after !== null && !(from > 0 && from < state.length)) return undefined;
    let to = from + 1;
    while (to < state.length && JSON.stringify(state.slice(from, to + 1)).length <= bytesMax) to++;
    const next = to < state.length ? Buffer.from(`${to}`) : null;
    return { bytes: Buffer.from(JSON.stringify(state.slice(from, to))), next };
  },
  join: (state, bytes) => {
    try {
      return E.right([...state, ...(JSON.parse(Buffer.from(bytes).toString()) as string[])]);
    } catch {
      return E.left('no JSON');
    }
  },
};

/** The recorder, as a replica takes it. */
export const anyRecorder = recorder as AnyApplication;

/** The end point of replica `index`. */
export const replicaAt = (index: number): EndPoint => endPoint(`10.0.0.${index + 1}:7000`);

/** The end point of client `index`. */
export const clientAt = (index: number): EndPoint => endPoint(`10.0.1.${index + 1}:9000`);
