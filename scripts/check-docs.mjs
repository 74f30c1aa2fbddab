/**
 * Checks the documents under a folder (the checkout unless told otherwise): their TypeScript blocks type-check as modules
 * beside the document, their relative links lead somewhere, and so do the documents that comments of the code name.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import ts from 'typescript';

const root = resolve(process.argv[2] ?? '.');
const skipped = ['node_modules', 'dist', '.git', '.ironkeel', 'coverage'];
const problems = [];

const filesUnder = (dir, suffix, not = skipped) =>
  readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) return not.includes(entry.name) ? [] : filesUnder(path, suffix, not);
    return entry.name.endsWith(suffix) ? [path] : [];
  });

const report = (file, line, message) => problems.push(`${relative(root, file)}:${line}: ${message}`);

/** The fenced blocks of a document; `line` is that of the fence, from 1. */
const blocksOf = (lines) => {
  const blocks = [];
  let open;
  for (const [i, line] of lines.entries()) {
    if (!line.trimStart().startsWith('```')) open?.text.push(line);
    else if (open === undefined) open = { language: line.trim().slice(3), line: i + 1, text: [] };
    else {
      blocks.push({ ...open, end: i + 1 });
      open = undefined;
    }
  }
  return blocks;
};

/** A heading's anchor, as GitHub makes it. */
const anchorOf = (heading) =>
  heading
    .replace(/^#+\s*/, '')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(' ', '-');

const anchorsOf = (file) =>
  new Set(
    readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('#'))
      .map(anchorOf),
  );

const checkLinks = (file, lines, blocks) => {
  for (const [i, line] of lines.entries()) {
    if (blocks.some((block) => i + 1 >= block.line && i + 1 <= block.end)) continue;
    for (const [, link] of line.replace(/`[^`]*`/g, '').matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(link)) continue;
      const [path, anchor] = link.split('#');
      const target = path === '' ? file : resolve(dirname(file), path);
      if (!existsSync(target)) report(file, i + 1, `the link ${link} leads nowhere`);
      else if (anchor !== undefined && !anchorsOf(target).has(anchor)) report(file, i + 1, `${link}: no such heading`);
    }
  }
};

/** Type-checks all blocks in one program; each stands in memory, beside its document. */
const checkBlocks = (modules) => {
  const configFile = join(root, 'tsconfig.json');
  const config = ts.parseJsonConfigFileContent(ts.readConfigFile(configFile, ts.sys.readFile).config, ts.sys, root);
  // What an example declares, its reader uses.
  const options = { ...config.options, noEmit: true, noUnusedLocals: false, noUnusedParameters: false };
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (path) => modules.has(path) || fileExists(path);
  host.readFile = (path) => modules.get(path)?.text ?? readFile(path);
  host.getSourceFile = (path, ...rest) =>
    modules.has(path) ? ts.createSourceFile(path, modules.get(path).text, ...rest) : getSourceFile(path, ...rest);
  const program = ts.createProgram([...modules.keys()], options, host);
  for (const [path, { file, line }] of modules) {
    const source = program.getSourceFile(path);
    for (const d of [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)]) {
      const at = source.getLineAndCharacterOfPosition(d.start ?? 0).line;
      report(file, line + 1 + at, ts.flattenDiagnosticMessageText(d.messageText, ' '));
    }
  }
};

const modules = new Map();
for (const file of filesUnder(root, '.md')) {
  const lines = readFileSync(file, 'utf8').split('\n');
  const blocks = blocksOf(lines);
  checkLinks(file, lines, blocks);
  for (const { language, line, text } of blocks) {
    if (language !== 'ts') continue;
    modules.set(`${file}.${line}.ts`, { file, line, text: `${text.join('\n')}\nexport {};\n` });
  }
}
if (modules.size > 0) checkBlocks(modules);

// Tests name documents that are made up.
for (const file of filesUnder(root, '.ts', [...skipped, 'test'])) {
  for (const [i, line] of readFileSync(file, 'utf8').split('\n').entries()) {
    for (const [path] of line.matchAll(/\bdocs\/[\w/-]+\.md/g)) {
      if (!existsSync(join(root, path))) report(file, i + 1, `${path} is not there`);
    }
  }
}

for (const problem of problems) console.error(problem);
console.log(`docs: ${modules.size} code blocks, ${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;
