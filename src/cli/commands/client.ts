/** `ironkeel client`: one request to a cluster. */
import type { Command } from 'commander';
import type { ClientFlags, Words } from '../client/answer.js';
import { askKv } from '../client/kv.js';
import { askRsm } from '../client/rsm.js';
import { loadCluster } from '../cluster-config.js';
import { conclude, exitCodes, UsageError, wholeFlag } from '../outcome.js';
import { runStatus, statusTimeoutMsDefault } from './status.js';

const askers = { ironrsm: askRsm, ironkv: askKv } as const;

/** Adds `client` to the command line. */
export const registerClient = (program: Command): void => {
  program
    .command('client')
    .description(
      'send one request: get KEY | set KEY VALUE | del KEY | cas KEY OLD NEW | incr KEY | add KEY NUMBER | append KEY VALUE | swap KEY VALUE | size | increment | shard LO HI HOST | status',
    )
    .requiredOption('--config <file>', "the cluster's YAML file")
    .option(
      '--timeout <ms>',
      'how long to ask before the outcome is reported as unknown (shard: 60000 unless told)',
      wholeFlag('--timeout', 1),
    )
    .option('--absent', 'cas KEY NEW: store NEW only if KEY holds nothing')
    .option('--hex', 'keys and values are written in hexadecimal, and the value got is shown so')
    .option('--json', 'print one JSON object as the last line')
    .argument(
      '<operation>',
      'get, set, del, cas, incr; add, append, swap, size (ironrsm); increment (the counter); shard (ironkv); status, as the command status',
    )
    .argument('[words...]', "the operation's key and values")
    .action(async (name: string, words: Words, flags: ClientFlags) => {
      if (name === 'status') {
        if (words.length > 0) throw new UsageError('The operation "status" is written: status');
        await runStatus({ ...flags, timeout: flags.timeout ?? statusTimeoutMsDefault });
        return;
      }
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
