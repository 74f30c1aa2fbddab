/** `ironkeel config check`: says what is wrong with a cluster's configuration file, before a node is started with it. */
import type { Command } from 'commander';
import { loadCluster } from '../cluster-config.js';
import { conclude, exitCodes } from '../outcome.js';

interface ConfigFlags {
  readonly json?: boolean;
}

/** Adds `config` to the command line. */
export const registerConfig = (program: Command): void => {
  const config = program.command('config').description("look at a cluster's configuration file");
  config
    .command('check')
    .description('exit 0 if the file describes a cluster, and else say what to mend')
    .argument('<file>', "the cluster's YAML file")
    .option('--json', 'print one JSON object as the last line')
    .action((file: string, flags: ConfigFlags) => {
      const { cluster, system, application, nodes } = loadCluster(file).config;
      const json = flags.json === true;
      const what = application === undefined ? system : `${system} with ${application}`;
      if (!json) process.stdout.write(`${file} is fine: cluster ${cluster}, ${what}, ${nodes.length} nodes.\n`);
      const fields = { cluster, system, application, nodes: nodes.length };
      conclude({ command: 'config check', exitCode: exitCodes.ok, json, fields });
    });
};
