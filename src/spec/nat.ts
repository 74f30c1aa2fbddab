/** The integers of the protocols: `number`, with a checked safe range (docs/adr/0002-integers.md). */

/** The largest integer that any ballot, operation number, sequence number or time may take. */
export const natMax = Number.MAX_SAFE_INTEGER;

/** A sum left the safe integers. */
export class UnsafeInteger extends RangeError {
  override readonly name = 'UnsafeInteger';
}

/** `n + 1`; throws where the result would leave the safe range, so that a number never silently stops growing. */
export const successor = (n: number): number => add(n, 1);

/** `a + b` of two naturals; throws where the result would leave the safe range. */
export const add = (a: number, b: number): number => {
  const sum = a + b;
  if (!Number.isSafeInteger(sum)) throw new UnsafeInteger(`the sum of ${a} and ${b} leaves the safe integers`);
  return sum;
};
