/**
 * Fills the tables of docs/plants.md from the JSON that `ironkeel plants --seeds 20 --json` prints: `node scripts/plants-table.mjs
 * FILE...`, where each file's last line is such an object. What stands between the two marks of the document is replaced.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { plants } from '../dist/src/cli/plants.js';

const document = fileURLToPath(new URL('../docs/plants.md', import.meta.url));
const marks = ['<!-- plants: begin -->', '<!-- plants: end -->'];

const rows = process.argv.slice(2).flatMap((file) => {
  const last = readFileSync(file, 'utf8').trim().split('\n').at(-1);
  return JSON.parse(last).rows;
});

const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

/** What the searches for one plant showed. */
const measured = (system, plant) => {
  const own = rows.filter((row) => row.system === system && row.id === plant.id);
  if (own.length === 0) return ['not run', '', '', ''];
  const good = own.filter((row) => row.asExpected).length;
  const by = [...new Set(own.map((row) => row.caughtBy))].join(', ');
  return [by, `${good} of ${own.length}`, median(own.map((r) => r.runs)), median(own.map((r) => r.seconds)).toFixed(1)];
};

const kindOf = (plant) =>
  plant.breaks !== undefined ? 'fault of a check' : plant.checks.length === 0 ? 'control' : 'bug';

const line = (cells) => `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`;

const table = (head, body) => [line(head), line(head.map(() => '---')), ...body.map(line)].join('\n');

const results = ['as expected', 'runs', 's'];

const bugs = (system, list) =>
  table(
    ['id', 'bug', 'seen in', 'check', 'planted in', 'caught by', ...results],
    list.map((p) => [p.id, p.title, p.seenIn, p.checks.join(' or '), p.planted, ...measured(system, p)]),
  );

const controls = (system, list) =>
  table(
    ['id', 'control', 'planted in', 'reported', ...results],
    list.map((p) => [p.id, p.title, p.planted, ...measured(system, p)]),
  );

const faults = (system, list) =>
  table(
    ['id', 'fault of a check', 'planted in', 'must no longer report', 'noticed by', ...results],
    list.map((p) => [p.id, p.title, p.planted, `${p.checks.join(' or ')} of ${p.breaks}`, ...measured(system, p)]),
  );

const sections = [
  ['bug', 'Bugs', bugs],
  ['control', 'Controls', controls],
  ['fault of a check', 'Faults of the checks', faults],
];

const body = Object.entries(plants).flatMap(([system, list]) =>
  sections.flatMap(([kind, title, write]) => {
    const some = list.filter((plant) => kindOf(plant) === kind);
    return some.length === 0 ? [] : [`### ${system}: ${title.toLowerCase()}`, write(system, some)];
  }),
);

const text = readFileSync(document, 'utf8');
const [begin, end] = marks.map((mark) => text.indexOf(mark));
if (begin < 0 || end < begin) throw new Error(`${document} lacks the marks ${marks.join(' and ')}`);
writeFileSync(document, `${text.slice(0, begin + marks[0].length)}\n\n${body.join('\n\n')}\n\n${text.slice(end)}`);
