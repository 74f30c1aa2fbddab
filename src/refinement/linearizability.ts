/**
 * Linearizability (Herlihy and Wing, 1990): whether every operation of a history seems to take effect at one moment between its
 * call and its return. How to use it: docs/linearizability.md.
 */
export { type CheckLimits, type Limit, memoryBytesMaxDefault } from './linearizability/budget.js';
export {
  type CheckCost,
  checkLinearizability,
  type Linearizability,
  type Linearization,
} from './linearizability/check.js';
export type { Explanation, PartialLinearization } from './linearizability/explain.js';
export {
  type JudgedHistory,
  judgeByName,
  judgeHistory,
  type ModelName,
  modelNames,
  type RecordedHistory,
  type RecordedOperation,
  type UnreadableOperation,
} from './linearizability/history.js';
export type { Model, Operation } from './linearizability/model.js';
export {
  type CallModel,
  type CallShape,
  type ReadCall,
  type ResultShape,
  readerOf,
} from './linearizability/models/call-model.js';
export { type CounterCall, counterModel } from './linearizability/models/counter.js';
export { type KvCall, type KvValue, kvModel, kvModelOf } from './linearizability/models/kv.js';
export { type LockCall, type LockState, lockModel } from './linearizability/models/lock.js';
export { type QueueCall, type QueueState, queueModel } from './linearizability/models/queue.js';
export {
  type CasRegisterCall,
  casRegisterModel,
  type RegisterCall,
  registerModel,
} from './linearizability/models/register.js';
export { type TableCall, type TableValue, tableModelOf } from './linearizability/models/table.js';
export { explanationLines, type ShownOperation } from './linearizability/picture.js';
export { readHistory, type UnreadableHistory } from './linearizability/read.js';
export { type CallId, HistoryRecorder, jsonHistory, recordedHistory } from './linearizability/recorder.js';
export { type HistoryVerdict, judgeRecorded, judgeRecordedBy } from './linearizability/run-history.js';
export { type Call, callKey, callText, isError, type Result, type Value } from './linearizability/value.js';
