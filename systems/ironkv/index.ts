/** IronKV's public doors. */
export * from './client.js';
export * from './commands.js';
export {
  type Configuration,
  defaultParameters,
  kvConfiguration,
  type Parameters,
  parameterRanges,
} from './configuration.js';
export { type KvAction, KvHost } from './host.js';
export { ironkv, ironkvConstants } from './main.js';
export {
  type Body,
  clientKinds,
  hostsMax,
  type KvMessage,
  kvCodec,
  kvSchema,
  type Load,
  type Message,
  type MoveStatus,
  type RangeStatus,
  type Refusal,
  type Session,
  type ShardRefusal,
  type ShardVerdict,
  textOfSession,
} from './messages.js';
export { type HostState, ironkvProtocol, type KvStep } from './protocol.js';
export { callOf, RecordedKvStore, resultOf } from './recorded.js';
export { ironkvCluster, ironkvRefinement } from './refinement.js';
export { kvService } from './spec.js';
