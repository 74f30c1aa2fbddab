/** Sets of small numbers, a bit each. */

/** Puts `bit` into the set `bits`, or takes it out. */
export const setBit = (bits: Int32Array, bit: number, on: boolean): void => {
  const word = bits[bit >>> 5] as number;
  bits[bit >>> 5] = on ? word | (1 << (bit & 31)) : word & ~(1 << (bit & 31));
};
