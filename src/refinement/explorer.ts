/**
 * The explorer: every reachable state of a model within its bounds, breadth first, so that a counterexample is a shortest
 * one (docs/exploration.md).
 */
export {
  type ActionCoverage,
  type Exploration,
  type ExploreOptions,
  ExploreRefusal,
  type FoundViolation,
  type Progress,
  type ShownStep,
  type StopReason,
} from './explorer/exploration.js';
export type { FaultKind } from './explorer/fault.js';
export {
  type CounterexampleToInduction,
  type InductionParts,
  type InductionResult,
  judgeInduction,
} from './explorer/induction.js';
export {
  type ActionModel,
  type ActionValue,
  always,
  alwaysStep,
  leadsTo,
  noDeadlock,
  type Property,
  type StateModel,
  type StateProperty,
  type StepProperty,
  type SuccessorModel,
  sometimes,
  type Verdict,
} from './explorer/model.js';
export { exploreInParallel } from './explorer/parallel.js';
export {
  type ExploredCluster,
  type HostStep,
  type ProtocolModelParts,
  protocolModel,
} from './explorer/protocol-model.js';
export { explore } from './explorer/search.js';
export type { ModelSource } from './explorer/worker-protocol.js';
