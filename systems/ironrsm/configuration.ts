/** The constants of an IronRSM cluster, known to every replica and never changed while it runs. */
import type { EndPoint } from '../../src/spec/endpoint.js';
import type { AnyApplication } from './application.js';

/** Tunable numbers; every replica of a cluster uses the same. */
export interface Parameters {
  /** Operations that the log may hold above the truncation point. */
  readonly logLengthMax: number;
  /** Bytes of batches voted for above the truncation point, beyond which a leader proposes no further requests. */
  readonly voteBytesMax: number;
  /** Requests in one batch. */
  readonly batchRequestsMax: number;
  /** Bytes of one batch; a single request may exceed it. */
  readonly batchBytesMax: number;
  /** Bytes of one request's value. */
  readonly requestBytesMax: number;
  /** Requests that a replica holds for execution; more are ignored, and their clients ask again. */
  readonly requestsHeldMax: number;
  /** Sessions that live at once; beyond, the one that was idle longest expires. */
  readonly sessionsMax: number;
  /** Seqnos above its floor that a session may use. */
  readonly sessionWindow: number;
  /** Bytes of replies kept for retries; beyond, idle sessions expire. */
  readonly replyBytesMax: number;
  /** Operations proposed and not yet executed, above which the host lets batches fill. */
  readonly pipelineMax: number;
  /** Packets that a host takes in one step. */
  readonly receiveMax: number;
  /** 2a's sent again in one progress check. */
  readonly resendOpsMax: number;
  /** Executed batches, and their bytes, that are kept for replicas that lag; one that lags more gets a state. */
  readonly retainOpsMax: number;
  readonly retainBytesMax: number;
  /** Batches, and their bytes, in one supply to a replica that lags. */
  readonly catchUpOpsMax: number;
  readonly catchUpBytesMax: number;
  /** Bytes of one piece of a state that is transferred. */
  readonly pieceBytesMax: number;
  /** How often a piece is asked for again before the transfer is begun anew. */
  readonly transferTriesMax: number;
  readonly heartbeatPeriodMs: number;
  /** The period where nothing is outstanding: an idle replica sleeps between. */
  readonly quietHeartbeatPeriodMs: number;
  /** Length of an epoch without trouble: a request still unexecuted after the epoch that follows its arrival makes a replica suspect the view. */
  readonly viewTimeoutMs: number;
  readonly viewTimeoutMsMax: number;
  /** Between two progress checks; doubled, up to the maximum, while what is sent again brings nothing forward. */
  readonly retransmitPeriodMs: number;
  readonly retransmitPeriodMsMax: number;
}

/** The defaults; docs/operations.md says how they were chosen. */
export const defaultParameters: Parameters = {
  logLengthMax: 4096,
  voteBytesMax: 1 << 26,
  batchRequestsMax: 256,
  batchBytesMax: 1 << 18,
  requestBytesMax: 1_114_112,
  requestsHeldMax: 65_536,
  sessionsMax: 10_000,
  sessionWindow: 1024,
  replyBytesMax: 1 << 26,
  pipelineMax: 4,
  receiveMax: 256,
  resendOpsMax: 16,
  retainOpsMax: 65_536,
  retainBytesMax: 1 << 24,
  catchUpOpsMax: 1024,
  catchUpBytesMax: 1 << 18,
  pieceBytesMax: 1 << 17,
  transferTriesMax: 8,
  heartbeatPeriodMs: 50,
  quietHeartbeatPeriodMs: 500,
  viewTimeoutMs: 500,
  viewTimeoutMsMax: 10_000,
  retransmitPeriodMs: 100,
  retransmitPeriodMsMax: 1000,
};

/** The cluster as its replicas know it. A replica's index is its place in `replicas`. */
export interface Configuration {
  readonly replicas: readonly EndPoint[];
  readonly app: AnyApplication;
  readonly parameters: Parameters;
}
