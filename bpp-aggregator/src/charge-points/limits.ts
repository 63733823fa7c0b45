/** Bounds of the charge points' door, each with its reason. Wall-clock milliseconds unless the name says otherwise. */
export const OCPP_LIMITS = {
  /** Sockets of one process; a portfolio with more runs more processes. */
  connections: 5_000,
  /** One OCPP message. A MeterValues of three phases, all measurands and an hour of backlog has some 20 KB. */
  messageBytes: 65_536,
  /** Frames a second and at once, of one charge point: after an outage it empties its backlog of transactions. */
  messagesPerSecond: 20,
  messagesAtOnce: 200,
  /** Messages in a row that are no OCPP: then the other side is not a charge point, or a broken one. */
  badMessages: 10,
  /** Handshakes a second and at once, of all: a fleet that reconnects together comes back over some seconds. */
  handshakesPerSecond: 200,
  handshakesAtOnce: 1_000,
  /** A silent connection is pinged this often, and given up when the next ping finds no answer. */
  pingMs: 30_000,
  /** Commands that wait at one charge point for the call under way: an activation, its release, and those of the next. */
  pendingCommands: 8,
  /** A question about its configuration: commands wait behind it. */
  configureMs: 4_000,
  /** An answer to a command is waited for at least this long, even where devices have less to be counted in. */
  answerMs: 15_000,
  /** Between two looks at what other processes left for the charge points connected here. */
  lookMs: 500,
  /** Connectors of one charge point whose meters are kept. */
  connectors: 16,
  /** Samples of one message that are looked at; the newest are the last. */
  samplesPerMessage: 120,
  /** Seconds between heartbeats, and between readings, that a charge point is asked for. */
  heartbeatS: 60,
  sampleS: 60,
} as const;
