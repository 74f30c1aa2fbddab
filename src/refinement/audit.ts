/** Audit: the journals of real nodes, reduced to one behavior of atomic steps and judged (docs/audit.md). */
export {
  type AuditedNode,
  type AuditFound,
  type AuditOptions,
  type AuditReport,
  type Audits,
  auditsOf,
  type RunningAudit,
} from './audit/audit.js';
export type { AuditedSystem, Retained } from './audit/audited-system.js';
export { type ClusterJournals, findJournals, type NodeJournal, type Unauditable } from './audit/journals.js';
