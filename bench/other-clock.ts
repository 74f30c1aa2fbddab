/** What it costs the judge to run the protocol under another clock: nanoseconds a step. */
import { underOtherClock } from '../src/refinement/other-clock.js';

const rounds = 3_000_000;

let count = 0;
const run = (): number => count++;

const nanosEach = (call: () => unknown): number => {
  const begun = process.hrtime.bigint();
  for (let i = 0; i < rounds; i++) call();
  return Number(process.hrtime.bigint() - begun) / rounds;
};

for (let repeat = 0; repeat < 3; repeat++) {
  const plain = nanosEach(run);
  const switched = nanosEach(() => underOtherClock(run));
  process.stdout.write(`${plain.toFixed(1)} ns without, ${switched.toFixed(1)} ns under the other clock\n`);
}
