/** Finds the journals of a cluster among files and directories, before anything of them is judged. */
import { readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type JournalHeader, readJournalHeader } from '../../network/journal-file.js';
import type { Violation } from '../../spec/check.js';
import { E } from '../../spec/prelude.js';

/** One node's journal: its files in order. */
export interface NodeJournal {
  readonly header: JournalHeader;
  readonly files: readonly string[];
}

/** The journals of one cluster, and the recorded histories of clients that lie beside them. */
export interface ClusterJournals {
  readonly cluster: JournalHeader;
  readonly nodes: readonly NodeJournal[];
  readonly histories: readonly string[];
}

/** Why there is nothing to audit: what the operator should mend, or a journal that was altered. */
export type Unauditable =
  | { readonly tag: 'mistakes'; readonly sentences: readonly string[] }
  | { readonly tag: 'violation'; readonly violation: Violation };

interface FoundFile {
  readonly path: string;
  readonly header: JournalHeader;
}

const mistake = (sentence: string): E.Either<Unauditable, never> => E.left({ tag: 'mistakes', sentences: [sentence] });

const historyEnding = '.history.json';

const expanded = (path: string): readonly string[] => {
  if (!statSync(path).isDirectory()) return [path];
  const names = readdirSync(path).filter((name) => name.endsWith('.journal') || name.endsWith(historyEnding));
  return names.sort().map((name) => join(path, name));
};

/** Whether `path` is, by its name, a later file of a journal of which another file was found beside it. */
const continues = (path: string, found: readonly FoundFile[]): boolean =>
  found.some(({ path: other, header: { node, incarnation } }) => {
    return dirname(other) === dirname(path) && basename(path).startsWith(`${node}.${incarnation}.`);
  });

const readFiles = (paths: readonly string[]): E.Either<Unauditable, readonly FoundFile[]> => {
  const found: FoundFile[] = [];
  const cut: string[] = [];
  for (const path of paths) {
    const read = readJournalHeader(path);
    if (E.isRight(read)) found.push({ path, header: read.right });
    else if (read.left.kind === 'foreign') return mistake(`${path} cannot be audited: ${read.left.why}.`);
    else if (read.left.kind === 'cut') cut.push(path);
    else {
      const rule = 'each record of a journal is the one that its node wrote';
      const evidence = { why: read.left.why, file: path, offset: 0 };
      return E.left({ tag: 'violation', violation: { code: 'JOURNAL_ALTERED', rule, evidence } });
    }
  }
  const alone = cut.find((path) => !continues(path, found));
  return alone === undefined ? E.right(found) : mistake(`${alone} cannot be audited: its header is cut off.`);
};

const ofOneCluster = ([first, ...others]: readonly FoundFile[]): string | undefined => {
  if (first === undefined) return undefined;
  for (const { path, header } of others) {
    for (const name of ['system', 'cluster'] as const) {
      if (header[name] !== first.header[name])
        return `${path} is of the ${name} "${header[name]}", and ${first.path} of "${first.header[name]}": audit one cluster at a time.`;
    }
    if (header.configuration !== first.header.configuration)
      return `${path} and ${first.path} were written under different configurations: audit one cluster at a time.`;
  }
  return undefined;
};

const nodeJournal = (files: readonly FoundFile[]): E.Either<Unauditable, NodeJournal> => {
  const sorted = [...files].sort((a, b) => a.header.file - b.header.file);
  const [first] = sorted as [FoundFile];
  const { node, nodes, file, firstStep } = first.header;
  const incarnations = [...new Set(files.map((f) => f.header.incarnation))].sort((a, b) => a - b);
  if (incarnations.length > 1)
    return mistake(
      `The journals of node "${node}" are of ${incarnations.length} lives (incarnations ${incarnations.join(', ')}): name the files of one.`,
    );
  if (!nodes.some(({ id }) => id === node))
    return mistake(`${first.path} is of node "${node}", which its cluster does not have.`);
  if (file !== 1)
    return mistake(
      `The journal of node "${node}" begins at step ${firstStep} (file ${file}, ${first.path}): an audit begins at step 1.`,
    );
  const twice = sorted.find((f, i) => i > 0 && f.header.file === sorted[i - 1]?.header.file);
  if (twice !== undefined)
    return mistake(`File ${twice.header.file} of node "${node}" is given twice, once as ${twice.path}.`);
  return E.right({ header: first.header, files: sorted.map((f) => f.path) });
};

/** The journals in `paths`, each a file or a directory. Reads the headers alone. */
export const findJournals = (paths: readonly string[]): E.Either<Unauditable, ClusterJournals> => {
  let all: readonly string[];
  try {
    all = [...new Set(paths.flatMap(expanded))];
  } catch (error) {
    return mistake(
      `${(error as NodeJS.ErrnoException).path} cannot be read (${(error as NodeJS.ErrnoException).code}).`,
    );
  }
  const histories = all.filter((path) => path.endsWith(historyEnding));
  const read = readFiles(all.filter((path) => !path.endsWith(historyEnding)));
  if (E.isLeft(read)) return read;
  const [first] = read.right;
  if (first === undefined) return mistake(`There is no journal in ${paths.join(', ')}.`);
  const mixed = ofOneCluster(read.right);
  if (mixed !== undefined) return mistake(mixed);
  const nodes: NodeJournal[] = [];
  for (const node of new Set(read.right.map((f) => f.header.node))) {
    const journal = nodeJournal(read.right.filter((f) => f.header.node === node));
    if (E.isLeft(journal)) return journal;
    nodes.push(journal.right);
  }
  return E.right({ cluster: first.header, nodes, histories });
};
