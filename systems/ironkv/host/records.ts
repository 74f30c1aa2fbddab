/** The records of one session: its executed writes, ascending by seqno. The lists are changed in place. */
import type { WriteOutcome } from '../commands.js';
import type { WriteRecord } from '../messages.js';

/** The first position whose seqno is not below `seqno`. */
const positionOf = (records: readonly WriteRecord[], seqno: number): number => {
  let low = 0;
  let high = records.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((records[middle] as WriteRecord).seqno < seqno) low = middle + 1;
    else high = middle;
  }
  return low;
};

/** The outcome of the write with `seqno`, `undefined` where there is no record of it. */
export const outcomeOf = (records: readonly WriteRecord[], seqno: number): WriteOutcome | undefined => {
  const record = records[positionOf(records, seqno)];
  return record?.seqno === seqno ? record.outcome : undefined;
};

/** Adds a record in its place; `false`, and nothing changes, where there is one with its seqno. */
export const addRecord = (records: WriteRecord[], record: WriteRecord): boolean => {
  const at = positionOf(records, record.seqno);
  if (at === records.length) records.push(record);
  else if (records[at]?.seqno === record.seqno) return false;
  else records.splice(at, 0, record);
  return true;
};

/** Drops the records below `floor`. */
export const dropBelow = (records: WriteRecord[], floor: number): void => {
  const count = positionOf(records, floor);
  if (count === 0) return;
  records.copyWithin(0, count);
  records.length -= count;
};
