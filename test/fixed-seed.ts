/**
 * What fast-check draws is the same in every run of the tests, so that none of them fails, or passes, by chance. `FAST_CHECK_SEED`
 * draws something else: for a search over many seeds.
 */
import * as fc from 'fast-check';

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(process.env.FAST_CHECK_SEED ?? 1) });
