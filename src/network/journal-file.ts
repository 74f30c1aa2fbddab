/** The journal of a node on disk, written while it runs and read by an audit (docs/audit.md). */
export {
  configurationDigest,
  type HeaderFault,
  type JournalHeader,
  type JournalIdentity,
  journalFileName,
} from './journal-file/format.js';
export { type JournalItem, JournalReader, readJournalHeader } from './journal-file/reader.js';
export { JournalWriteError, JournalWriter, type JournalWriterOptions } from './journal-file/writer.js';
