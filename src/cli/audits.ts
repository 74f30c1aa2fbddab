/** The audits of every system, loaded when asked for: part of the table of systems. */
import { type Audits, auditsOf } from '../refinement/audit.js';

/** By system. */
export const audits: Readonly<Record<string, () => Promise<Audits>>> = {
  lock: async () => auditsOf((await import('../../systems/lock/audit.js')).lockAudit),
  ironrsm: async () => auditsOf((await import('../../systems/ironrsm/audit.js')).ironrsmAudit()),
  ironkv: async () => auditsOf((await import('../../systems/ironkv/audit.js')).ironkvAudit()),
};
