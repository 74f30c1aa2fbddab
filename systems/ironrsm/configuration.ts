/** The constants of an IronRSM cluster, known to every replica and never changed while it runs. */
import type { EndPoint } from '../../src/spec/endpoint.js';
import type { AnyApplication } from './application.js';

/** Tunable numbers; every replica of a cluster uses the same. */
export interface Parameters {
  /** Operations that the log may hold above the truncation point. */
  readonly logLengthMax: number;
  /** Requests in one batch. */
  readonly batchRequestsMax: number;
  /** Bytes of one request's value. */
  readonly requestBytesMax: number;
  /** Operations proposed and not yet executed, above which the host lets batches fill. */
  readonly pipelineMax: number;
  /** Packets that a host takes in one step. */
  readonly receiveMax: number;
  /** 2a's sent again in one progress check. */
  readonly resendOpsMax: number;
  readonly heartbeatPeriodMs: number;
  /** The period where nothing is outstanding: an idle replica sleeps between. */
  readonly quietHeartbeatPeriodMs: number;
  /** Length of an epoch without trouble: a request still unexecuted after the epoch that follows its arrival makes a replica suspect the view. */
  readonly viewTimeoutMs: number;
  readonly viewTimeoutMsMax: number;
  readonly retransmitPeriodMs: number;
}

/** The defaults; docs/operations.md says how they were chosen. */
export const defaultParameters: Parameters = {
  logLengthMax: 4096,
  batchRequestsMax: 64,
  requestBytesMax: 65_536,
  pipelineMax: 4,
  receiveMax: 256,
  resendOpsMax: 16,
  heartbeatPeriodMs: 50,
  quietHeartbeatPeriodMs: 500,
  viewTimeoutMs: 500,
  viewTimeoutMsMax: 10_000,
  retransmitPeriodMs: 100,
};

/** The cluster as its replicas know it. A replica's index is its place in `replicas`. */
export interface Configuration {
  readonly replicas: readonly EndPoint[];
  readonly app: AnyApplication;
  readonly parameters: Parameters;
}
