/** Reads the YAML file that describes a cluster. Every mistake is told in one sentence that says where it is and what to mend. */
import { readFileSync } from 'node:fs';
import * as t from 'io-ts';
import { isMap, isPair, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import type { ClusterDescription } from '../refinement/system.js';
import { addressOf, type EndPoint } from '../spec/endpoint.js';
import { E } from '../spec/prelude.js';
import { clusterFileOf, oneOf, type SystemShape } from './config/schema.js';

export type { ParameterRange, SystemShape } from './config/schema.js';

/** Sizes of a node's network side. */
export interface NetworkLimits {
  /** Bytes of the largest datagram that is sent; larger messages travel in chunks. */
  readonly datagramBytesMax: number;
  /** Messages that wait for a step before further ones are dropped. */
  readonly inboxMessagesMax: number;
}

/** A cluster as its file describes it; every field is checked. */
export interface ClusterConfig extends ClusterDescription {
  readonly cluster: string;
  readonly system: string;
  readonly network: NetworkLimits;
}

/** A loopback interface carries large datagrams whole; across networks 1200 bytes pass without fragments. */
const datagramBytesMaxOf = (nodes: ClusterDescription['nodes']): number =>
  nodes.every((n) => addressOf(n.address).startsWith('127.')) ? 8192 : 1200;

/** Where a client of the cluster on this machine listens for answers. */
export const clientAddressFor = ({ nodes }: ClusterDescription): string =>
  nodes.every((n) => addressOf(n.address).startsWith('127.')) ? '127.0.0.1' : '0.0.0.0';

const inboxMessagesMaxDefault = 65_536;

type Path = readonly (string | number)[];

/** Finds the lines of a file's values. */
class Places {
  readonly #root: unknown;
  readonly #lines: LineCounter;

  constructor(root: unknown, lines: LineCounter) {
    this.#root = root;
    this.#lines = lines;
  }

  /** The line of the value at `path`, or of the deepest part of it that exists; from 1. */
  lineOf(path: Path): number {
    let at: unknown = this.#root;
    let offset = offsetOf(at) ?? 0;
    for (const key of path) {
      if (isMap(at)) {
        const pair = at.items.find((p) => isScalar(p.key) && p.key.value === key);
        if (!isPair(pair)) break;
        offset = offsetOf(pair.key) ?? offset;
        at = pair.value;
      } else if (isSeq(at)) {
        at = at.items[Number(key)];
        offset = offsetOf(at) ?? offset;
      } else break;
    }
    return this.#lines.linePos(offset).line;
  }
}

const offsetOf = (node: unknown): number | undefined => (node as Node | null | undefined)?.range?.[0];

const pathText = (path: Path): string =>
  path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    return text === '' ? key : `${text}.${key}`;
  }, '');

const pathOf = (context: t.Context): Path =>
  context.map((c) => (/^\d+$/.test(c.key) ? Number(c.key) : c.key)).filter((key) => key !== '');

/** Distinct sentences: io-ts reports a value once for each type that refuses it. */
const sentencesOf = (errors: t.Errors, where: (path: Path) => string): readonly string[] => {
  const sentences = errors.map((error) => {
    const path = pathOf(error.context);
    const message = error.message ?? 'is not valid';
    // Messages about keys name them; messages about values follow the name of the value.
    const whole = message.startsWith('unknown key') || message.includes('is missing:') || message.startsWith('"');
    const at = pathText(message.startsWith('unknown key') ? path.slice(0, -1) : path);
    const prefix = at === '' ? '' : `${at}: `;
    return `${where(path)}${whole ? `${prefix}${message}` : `${at === '' ? 'the file' : at} ${message}`}`;
  });
  return [...new Set(sentences)];
};

const duplicates = (config: ClusterDescription, where: (path: Path) => string): readonly string[] => {
  const sentences: string[] = [];
  for (const key of ['id', 'address'] as const) {
    const seen = new Map<string, number>();
    for (const [i, node] of config.nodes.entries()) {
      const first = seen.get(node[key]);
      if (first === undefined) seen.set(node[key], i);
      else {
        const mend = key === 'id' ? 'give each node its own id' : 'give each node its own address and port';
        sentences.push(
          `${where(['nodes', i, key])}nodes[${i}].${key} "${node[key]}" is that of nodes[${first}] too; ${mend}`,
        );
      }
    }
  }
  return sentences;
};

/** Reads a file's text. `name` is how the file is called in sentences. */
export const parseConfig = (
  text: string,
  name: string,
  systems: readonly SystemShape[],
): E.Either<readonly string[], ClusterConfig> => {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const wrong = document.errors[0];
  if (wrong !== undefined) {
    const { line } = lines.linePos(wrong.pos[0]);
    return E.left([`${name}:${line}: not YAML: ${wrong.message.split('\n')[0]}`]);
  }
  const places = new Places(document.contents, lines);
  const where = (path: Path): string => `${name}:${places.lineOf(path)}: `;
  const value: unknown = document.toJS();
  const names = systems.map((s) => s.name);
  const system = (value as { readonly system?: unknown } | null | undefined)?.system;
  const shape = systems.find((s) => s.name === system) ?? systems[0];
  if (shape === undefined) throw new Error('the program knows no system');
  // Of a system that is not known nothing else can be judged.
  const systemName =
    typeof system === 'string' ? oneOf(names).validate(system, [{ key: 'system', type: t.unknown }]) : undefined;
  if (systemName !== undefined && E.isLeft(systemName)) return E.left(sentencesOf(systemName.left, where));
  const decoded = clusterFileOf(shape, names).decode(value);
  if (E.isLeft(decoded)) return E.left(sentencesOf(decoded.left, where));
  const file = decoded.right;
  const config: ClusterConfig = {
    cluster: file.cluster,
    system: file.system,
    application: 'application' in file ? (file.application as string) : undefined,
    nodes: file.nodes,
    ...('administrators' in file ? { administrators: file.administrators as readonly EndPoint[] } : {}),
    parameters: (file.parameters ?? {}) as Readonly<Record<string, number>>,
    network: {
      datagramBytesMax: file.network?.datagramBytesMax ?? datagramBytesMaxOf(file.nodes),
      inboxMessagesMax: file.network?.inboxMessagesMax ?? inboxMessagesMaxDefault,
    },
  };
  const twice = duplicates(config, where);
  return twice.length > 0 ? E.left(twice) : E.right(config);
};

/** Reads the file at `path`. */
export const readConfig = (
  path: string,
  systems: readonly SystemShape[],
): E.Either<readonly string[], ClusterConfig> => {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const why = code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${code ?? String(error)})`;
    return E.left([`${path}: ${why}; name the cluster's YAML file with --config`]);
  }
  return parseConfig(text, path, systems);
};
