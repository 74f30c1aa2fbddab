/**
 * Another clock and another random source for the protocol while the judge runs it. Applications run inside the protocol as
 * inside the host: one that reads a clock or a random source then differs at once, on every machine and every time,
 * instead of only when replicas happen to disagree (docs/reduction.md, "Macro step").
 */

const realDate = globalThis.Date;
const realRandom = Math.random;
const performanceMethods = Object.getPrototypeOf(performance) as { now: () => number };
const realNow = performanceMethods.now;

/** The first reading: long before any clock of today, so that no reading of a host equals one. */
const beginMs = Date.UTC(2001, 0, 1);
/** Odd and large, so that neither seconds nor milliseconds of two readings agree. */
const tickMs = 1_000_003;

let readings = 0;

const otherMs = (): number => beginMs + tickMs * readings++;

class OtherDate extends realDate {
  // Called with no argument, a date reads the clock; with any, it is a value like another.
  constructor(...args: readonly unknown[]) {
    super(...((args.length === 0 ? [otherMs()] : args) as [number]));
  }

  static override now(): number {
    return otherMs();
  }
}

// `Date()` without `new` is a reading too, and a class cannot be called.
const otherDate = new Proxy(OtherDate, { apply: () => new OtherDate().toString() });

const otherRandom = (): number => (readings++ * 0.618_033_988_749_895) % 1;

const use = (date: DateConstructor, random: () => number, now: () => number): void => {
  globalThis.Date = date;
  Math.random = random;
  performanceMethods.now = now;
};

/**
 * What `run` gives, while `Date`, `Math.random` and `performance.now` are other ones; they are restored whatever happens. What
 * a module took from them before (`const { now } = Date`), and clocks and random sources of `node:` modules, it does not reach.
 * `run` must not be asynchronous.
 */
export const underOtherClock = <A>(run: () => A): A => {
  use(otherDate as unknown as DateConstructor, otherRandom, otherMs);
  try {
    return run();
  } finally {
    use(realDate, realRandom, realNow);
  }
};
