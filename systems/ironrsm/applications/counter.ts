/** The counter: every request, whatever its bytes, adds one and is answered with the new count (IronFleet's sample application). */
import { successor } from '../../../src/spec/nat.js';
import { E } from '../../../src/spec/prelude.js';
import { type Application, wholeState } from '../application.js';

const countBytes = 8;

/** A count as 8 bytes, big-endian: the reply and the state on the wire. */
const encodeCount = (count: number): Uint8Array => {
  const bytes = new Uint8Array(countBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(count));
  return bytes;
};

/** The count in a reply, or in a state on the wire; `Left` says why there is none. */
export const decodeCount = (bytes: Uint8Array): E.Either<string, number> => {
  if (bytes.length !== countBytes) return E.left(`a count has ${countBytes} bytes, not ${bytes.length}`);
  const count = Number(new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getBigUint64(0));
  return Number.isSafeInteger(count) ? E.right(count) : E.left('the count leaves the safe integers');
};

/** The counter. Its state is how many requests were applied. */
export const counter: Application<number> = {
  name: 'counter',
  initial: 0,
  apply: (count) => {
    const state = successor(count);
    return { state, reply: encodeCount(state) };
  },
  ...wholeState(encodeCount, decodeCount),
};
