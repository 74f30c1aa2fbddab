/** `ironkeel trace`: counterexamples in the formats of other tools, and as a page to look at. */
import { basename } from 'node:path';
import { type Command, Option } from 'commander';
import { htmlOf } from '../../refinement/export/html.js';
import { itfOf } from '../../refinement/export/itf.js';
import { shivizOf } from '../../refinement/export/shiviz.js';
import { isCounterexample } from '../../refinement/schedule/counterexample.js';
import type { ShownExecution } from '../../refinement/schedule/counterexamples.js';
import { E } from '../../spec/prelude.js';
import { type OpenedCounterexample, openCounterexample, readJson, writeText } from '../counterexample-file.js';
import { conclude, exitCodes, UsageError } from '../outcome.js';

const formats = ['itf', 'shiviz', 'html'] as const;

interface ExportFlags {
  readonly format: (typeof formats)[number];
  readonly out: string | undefined;
  readonly json: boolean | undefined;
}

const exported = (
  format: ExportFlags['format'],
  path: string,
  { file }: OpenedCounterexample,
  execution: ShownExecution,
): string => {
  const source = basename(path);
  switch (format) {
    case 'itf':
      return itfOf(execution, source);
    case 'shiviz':
      return shivizOf(execution);
    case 'html':
      return htmlOf(execution, {
        source,
        plant: file.plant ?? undefined,
        seed: file.run.seed,
        traceHash: file.traceHash,
      });
  }
};

const exportTrace = async (path: string, { format, out, json }: ExportFlags): Promise<void> => {
  if (json === true && out === undefined)
    throw new UsageError('trace export --json needs --out FILE: standard output cannot hold both.');
  const parsed = readJson(path);
  if (!isCounterexample(parsed))
    throw new UsageError(`${path} is no counterexample: only what \`ironkeel simulate --out\` saved can be exported.`);
  const opened = await openCounterexample(path, parsed);
  if (opened === undefined) return;
  const shown = await opened.of.show(opened.file);
  if (E.isLeft(shown)) throw new UsageError(`${path}: ${shown.left}.`);
  const text = exported(format, path, opened, shown.right);
  if (out === undefined) process.stdout.write(text);
  else writeText(out, text);
  const same = shown.right.found?.code === opened.file.violation.code;
  if (!same)
    process.stderr.write(`ironkeel: the violation of ${path} is not found any more: the export shows today's code.\n`);
  const fields = { system: shown.right.system, format, out: out ?? null, steps: shown.right.steps.length };
  conclude({
    command: 'trace export',
    exitCode: same ? exitCodes.ok : exitCodes.inconclusive,
    json: json === true,
    fields,
  });
};

/** Adds `trace` to the command line. */
export const registerTrace = (program: Command): void => {
  program
    .command('trace')
    .description('work with counterexamples')
    .command('export <file>')
    .description('write a counterexample for other tools, or as a page with a space-time diagram')
    .addOption(
      new Option('--format <name>', 'itf (Apalache, Quint), shiviz, or html').choices(formats).makeOptionMandatory(),
    )
    .option('--out <file>', 'where to; standard output unless given')
    .option('--json', 'print one JSON object as the last line')
    .action(exportTrace);
};
