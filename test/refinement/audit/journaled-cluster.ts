/** Real host code in one process whose steps are written to journals, and journals rewritten with their chain made anew. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Host } from '../../../src/host/host.js';
import { Inbox } from '../../../src/network/inbox.js';
import { type JournalIdentity, JournalReader, JournalWriter } from '../../../src/network/journal-file.js';
import { PhasedStepIo } from '../../../src/network/phased-step-io.js';
import type { StepRecord } from '../../../src/network/step-io.js';
import {
  type AuditOptions,
  type AuditReport,
  type Audits,
  auditsOf,
  findJournals,
} from '../../../src/refinement/audit.js';
import type { ClusterDescription, SystemDefinition } from '../../../src/refinement/system.js';
import { fromPlain, toPlain } from '../../../src/refinement/values.js';
import type { EndPoint } from '../../../src/spec/endpoint.js';
import { endPoint } from '../../../src/spec/endpoint.js';
import { E } from '../../../src/spec/prelude.js';
import { ironkvAudit } from '../../../systems/ironkv/audit.js';
import { ironkv, type KvMessage } from '../../../systems/ironkv/index.js';
import { ironrsmAudit } from '../../../systems/ironrsm/audit.js';
import type { RsmMessage } from '../../../systems/ironrsm/index.js';
import { encodeCommand, ironrsm } from '../../../systems/ironrsm/index.js';
import { joined } from '../../../systems/ironrsm/messages.js';
import { lockAudit } from '../../../systems/lock/audit.js';
import { lockSystem } from '../../../systems/lock/index.js';

const folders: string[] = [];

/** A folder that `removeFolders` removes. */
export const newFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'ironkeel-audit-'));
  folders.push(folder);
  return folder;
};

/** Removes every folder that was made. */
export const removeFolders = (): void => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
};

/** Where a client listens. */
export const client = endPoint('10.1.1.1:9000');

const described = (count: number): ClusterDescription['nodes'] =>
  ['a', 'b', 'c', 'd'].slice(0, count).map((id, i) => ({ id, address: endPoint(`10.0.0.${i + 1}:7000`) }));

type Identity = Omit<JournalIdentity, 'incarnation'>;

const identityOf = (system: string, cluster: ClusterDescription, node: string): Identity => ({
  system,
  cluster: 'test',
  application: cluster.application ?? null,
  nodes: cluster.nodes,
  parameters: cluster.parameters,
  node,
  ...(cluster.administrators && { administrators: cluster.administrators }),
});

/** A writer of journals into `directory`, as `ironkeel serve` has one. */
export const journalWriter = <W>(directory: string, identity: Identity, fileBytesMax = 1 << 24): JournalWriter<W> =>
  new JournalWriter({ directory, identity, fileBytesMax, actionText: (action) => JSON.stringify(toPlain(action)) });

/** A packet that someone outside the cluster sends in a round. */
export interface FromOutside<M> {
  readonly round: number;
  readonly source: EndPoint;
  readonly target: EndPoint;
  readonly message: M;
}

interface RunOptions<M> {
  readonly rounds: number;
  readonly outside?: readonly FromOutside<M>[];
  /** The round after which a node takes no further step, and its journal gets no end. */
  readonly killed?: Readonly<Record<string, number>>;
  readonly fileBytesMax?: number;
}

/** Runs every node once a round of ten milliseconds; what is sent in a round arrives in the next. The folder of the journals. */
export const runJournaled = <C, H extends Host<M, W>, S, M, Step, W>(
  definition: SystemDefinition<C, H, S, M, Step, W>,
  cluster: ClusterDescription,
  { rounds, outside = [], killed = {}, fileBytesMax }: RunOptions<M>,
): string => {
  const directory = newFolder();
  const constants = definition.constants(cluster);
  if (E.isLeft(constants)) throw new Error(constants.left.join());
  const { codec } = definition.refinement;
  let nowMs = 0;
  const nodes = cluster.nodes.map(({ id, address: me }) => {
    const inbox = new Inbox<M>(1000);
    const io = new PhasedStepIo<M, W>({ me, inbox, codec, nowMs: () => nowMs, ghost: true });
    const writer = journalWriter<W>(directory, identityOf(definition.name, cluster, id), fileBytesMax);
    return { id, me, inbox, io, writer, host: definition.createHost(constants.right, me) };
  });
  const deliver = (source: EndPoint, target: EndPoint, bytes: Uint8Array): void => {
    const message = codec.decode(bytes);
    if (E.isLeft(message)) throw new Error(message.left);
    nodes.find((n) => n.me === target)?.inbox.push({ packet: { source, target, message: message.right }, bytes });
  };
  for (let round = 1; round <= rounds; round++) {
    nowMs += 10;
    const sent: (() => void)[] = [];
    for (const { source, target, message } of outside.filter((o) => o.round === round))
      deliver(source, target, codec.encode(message));
    for (const { id, me, io, writer, host } of nodes) {
      if (round > (killed[id] ?? rounds)) continue;
      host.next(io.begin(round));
      const record = io.finish();
      writer.append(record);
      for (const event of record.events)
        if (event.tag === 'send') sent.push(() => deliver(me, event.target, event.bytes));
    }
    for (const arrive of sent) arrive();
  }
  for (const { id, writer } of nodes) {
    if (killed[id] === undefined) writer.end('the run is over');
    else writer.flush();
  }
  return directory;
};

/** Three nodes of the lock, handing it round. */
export const lockJournals = (options: Partial<RunOptions<never>> = {}): string =>
  runJournaled(
    lockSystem,
    { nodes: described(3), application: undefined, parameters: { holdMs: 20 } },
    { rounds: 60, ...options },
  );

/** Of the session that is opened first. Each operation is a request of its own, or they are halves of one. */
const set = (seqno: number, operations: number): RsmMessage => {
  const command = encodeCommand({ tag: 'set', key: Buffer.from('k'), value: Buffer.from(String(seqno)) });
  const value = joined(Array.from({ length: operations }, () => command));
  return { tag: 'request', session: 0, seqno, floor: seqno, value };
};

/** Three replicas that execute 12 requests of one client. */
export const rsmJournals = (options: Partial<RunOptions<RsmMessage>> = {}, operations = 1, parameters = {}): string => {
  const cluster: ClusterDescription = { nodes: described(3), application: 'kv', parameters };
  const target = cluster.nodes[0]?.address as EndPoint;
  const open: RsmMessage = { tag: 'open', nonce: 7, ordered: false };
  const requests = Array.from({ length: 12 }, (_, i) => set(i + 1, operations));
  const outside = [open, ...requests].map((message, i) => ({ round: 14 + 8 * i, source: client, target, message }));
  return runJournaled(ironrsm, cluster, { rounds: 130, outside, ...options });
};

/** Who may move ranges of IronKV. */
export const administrator = endPoint('10.1.1.2:9000');

/** The addresses of the hosts of IronKV, in order. */
export const kvHosts = described(3).map(({ address }) => address);

/** A packet to host `to` in a round. */
export const toKvHost = (
  round: number,
  to: number,
  message: KvMessage,
  source: EndPoint = message.tag === 'shard' ? administrator : client,
): FromOutside<KvMessage> => ({ round, source, target: kvHosts[to] as EndPoint, message });

/** Write `seqno` of the session that is opened first: of the keys a to h in turn. All before it are settled. */
export const kvWrite = (seqno: number, floor = seqno): KvMessage => {
  const key = Buffer.from('abcdefgh'[seqno % 8] as string);
  const session = { number: 0, nonce: 7 };
  return { tag: 'request', session, seqno, floor, ordered: false, command: { tag: 'increment', key, by: 1 } };
};

/** An order to move [lo, hi) to a host. */
export const kvShard = (seqno: number, lo: string, hi: string | null, recipient: number): KvMessage => {
  const bound = hi === null ? null : Buffer.from(hi);
  return { tag: 'shard', seqno, lo: Buffer.from(lo), hi: bound, recipient: kvHosts[recipient] as EndPoint };
};

/**
 * Three hosts of IronKV; 40 increments of eight keys, each sent to every host, twice, while the keys from c on move to the second host
 * in pieces of one key, and those from f on to the third and back.
 */
export const kvJournals = (
  more: readonly FromOutside<KvMessage>[] = [],
  options: Partial<RunOptions<KvMessage>> = {},
): string => {
  const parameters = { delegateKeysMax: 1, deliveriesMax: 1, sessionWindowMax: 4 };
  const cluster: ClusterDescription = {
    ...{ nodes: described(3), application: undefined, parameters, administrators: [administrator] },
  };
  const writes = Array.from({ length: 40 }, (_, i) =>
    [4, 5].flatMap((round) => [0, 1, 2].map((to) => toKvHost(round + 2 * i, to, kvWrite(i)))),
  ).flat();
  const outside = [
    toKvHost(2, 0, { tag: 'open', nonce: 7 }),
    toKvHost(20, 0, kvShard(1, 'c', null, 1)),
    toKvHost(50, 1, kvShard(2, 'f', null, 2)),
    toKvHost(70, 2, kvShard(3, 'f', null, 1)),
    ...writes,
    ...more,
  ];
  return runJournaled(ironkv, cluster, { rounds: 110, outside, ...options });
};

/** The file of node `id`. */
export const fileOf = (folder: string, id: string, file = 1): string =>
  join(folder, `${id}.1.${String(file).padStart(6, '0')}.journal`);

const actionOf = (text: string): E.Either<string, unknown> => fromPlain(JSON.parse(text));

/** The steps in a journal of one file. */
export const stepsOf = (folder: string, id: string): StepRecord<unknown>[] => {
  const reader = new JournalReader(Array.of(fileOf(folder, id)), actionOf);
  const steps: StepRecord<unknown>[] = [];
  for (let item = reader.next(); item.tag === 'step'; item = reader.next()) steps.push(item.record);
  reader.close();
  return steps;
};

/** Writes the journal of `id` again, with a chain of its own: what somebody could do who knows the form. */
export const rewrite = (
  folder: string,
  id: string,
  edit: (steps: StepRecord<unknown>[]) => readonly StepRecord<unknown>[],
  ended = true,
  header: Partial<Identity> = {},
): void => {
  const path = fileOf(folder, id);
  const reader = new JournalReader(Array.of(path), actionOf);
  const { incarnation: _, ...identity } = reader.header;
  reader.close();
  const steps = edit(stepsOf(folder, id));
  rmSync(path);
  const writer = journalWriter(folder, { ...identity, ...header });
  for (const step of steps) writer.append(step);
  if (ended) writer.end('rewritten');
  else writer.flush();
};

/** The audit of all that is in a folder; `Left` is why there is none, in sentences or a code. */
export const auditFolder = (
  folder: string,
  options: Partial<AuditOptions> = {},
  audits: Audits = auditsIn(folder),
): E.Either<readonly string[], AuditReport> => {
  const journals = findJournals([folder]);
  if (E.isLeft(journals))
    return E.left(journals.left.tag === 'mistakes' ? journals.left.sentences : [journals.left.violation.code]);
  const audit = audits.open(journals.right, { every: 7, follow: false, ...options });
  if (E.isLeft(audit)) return audit;
  while (audit.right.advance(5) === 'more');
  return E.right(audit.right.conclude());
};

const auditsIn = (folder: string): Audits => {
  const journals = findJournals([folder]);
  const system = E.isRight(journals) ? journals.right.cluster.system : 'lock';
  if (system === 'ironkv') return auditsOf(ironkvAudit());
  return system === 'lock' ? auditsOf(lockAudit) : auditsOf(ironrsmAudit());
};

/** As `auditFolder`, where there is one. */
export const reportOn = (folder: string, options: Partial<AuditOptions> = {}): AuditReport => {
  const report = auditFolder(folder, options);
  if (E.isLeft(report)) throw new Error(report.left.join());
  return report.right;
};
