/** Bounds of HTTP, each with its reason. Wall-clock milliseconds unless the name says otherwise. */
export const httpLimits = {
  /** Connections to one origin: enough for a fan-out, few enough that a counterparty is not flooded. */
  connectionsPerOrigin: 64,
  connectMs: 3_000,
  /** An idle connection is kept a little shorter than common servers keep theirs (Node: 5 s). */
  keepAliveMs: 4_000,
  /** Bytes of a counterparty's response headers. */
  responseHeaderBytes: 16_384,
  /** A caller's time bound above this is a mistake: nothing in this network waits longer for an answer. */
  longestTimeoutMs: 60_000,
  /** Slowloris: Node's own 60 s and 300 s hold a socket far longer than any honest peer needs. */
  headersMs: 10_000,
  requestMs: 15_000,
  /** Open sockets of one server; above it new ones are closed at once. */
  connections: 2_000,
  /** Bytes of all request headers; signatures and trace ids fit in a quarter. */
  requestHeaderBytes: 16_384,
  /** Requests running when a server closes may end within this. */
  drainMs: 5_000,
} as const;

/** Bounds of the breakers of counterparties, each with its reason. */
export const breakerLimits = {
  /** Failures in a row that open one: two may be chance. */
  failures: 3,
  /** First pause, doubled at each probe that fails up to the longest: a message lives some 30 s, so it still sees several. */
  pauseMs: 1_000,
  longestPauseMs: 4_000,
  /** Counterparties with a state: a large network that is away as a whole. */
  counterparties: 1_000,
  /** What was known of a counterparty that nobody called since: after that it is met without prejudice. */
  idleMs: 600_000,
  /** Counterparties named in one line of health. */
  shown: 5,
} as const;
