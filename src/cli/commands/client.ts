/** `ironkeel client`: one request to a cluster. */
import type { Command } from 'commander';
import type { ClientFlags, Words } from '../client/answer.js';
import { askKv } from '../client/kv.js';
import { askRsm } from '../client/rsm.js';
import { loadCluster } from '../cluster-config.js';
import { conclude, exitCodes, UsageError, wholeFlag } from '../outcome.js';

const askers = { ironrsm: askRsm, ironkv: askKv } as const;

/** Adds `client` to the command line. */
export const registerClient = (program: Command): void => {
  program
    .command('client')
    .description(
      'send one request: get KEY | set KEY VALUE | del KEY | cas KEY OLD NEW | incr KEY | add KEY NUMBER | append KEY VALUE | swap KEY VALUE | size | increment | shard LO HI HOST',
    )
    .requiredOption('--config <file>', "the cluster's YAML file")
    .option(
      '--timeout <ms>',
      'how long to ask before the outcome is reported as unknown (shard: 60000 unless told)',
      wholeFlag('--timeout', 1),
    )
    .option('--absent', 'cas KEY NEW: store NEW only if KEY holds nothing')
    .option('--hex', 'shard: LO and HI are written in hexadecimal')
    .option('--json', 'print one JSON object as the last line')
    .argument(
      '<operation>',
      'get, set, del, cas, incr; add, append, swap, size (ironrsm); increment (the counter); shard (ironkv)',
    )
    .argument('[words...]', "the operation's key and values")
    .action(async (name: string, words: Words, flags: ClientFlags) => {
      const loaded = loadCluster(flags.config);
      const { system } = loaded.config;
      const ask = Object.hasOwn(askers, system) ? askers[system as keyof typeof askers] : undefined;
      if (ask === undefined)
        throw new UsageError(`A cluster of ${system} takes no clients: this is for ironrsm and ironkv.`);
      const answer = await ask(loaded, name, words, flags);
      const { exitCode, text, fields } = answer;
      if (exitCode === exitCodes.usage) throw new UsageError(text);
      const json = flags.json === true;
      if (exitCode !== exitCodes.ok) process.stderr.write(`ironkeel: ${text}\n`);
      else if (!json) process.stdout.write(`${text}\n`);
      conclude({ command: 'client', exitCode, json, fields: { operation: name, ...fields } });
    });
};
