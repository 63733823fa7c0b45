/** Bounds of service processes, each with its reason. Times are wall-clock milliseconds. */

/** A peer that starts beside us (registry, broker) is waited for this long: a cold database takes some seconds. */
export const PEER_WAIT_MS = 60_000;
export const PEER_POLL_MS = 250;
export const PEER_CONNECT_MS = 2_000;
/** From the signal to the end, whatever hangs: supervisors commonly kill after this. */
export const STOP_MS = 10_000;
/** Not ready is shown this long before the doors close, so that who routes to us can look elsewhere. */
export const DRAIN_MS = 500;
/** Longer, and too little of STOP_MS is left to end what is in flight. */
export const DRAIN_MOST_MS = 4_000;
/** Accounts of one broker: above its connections, so that a fleet may be replaced while the old one is still listed. */
export const ACCOUNTS = 25_000;
/** Largest file that a configuration names: a year of meter history of some hundred devices. */
export const FILE_BYTES = 268_435_456;
/** Of one row of it, rounded up. */
export const METER_ROW_BYTES = 160;
/** Problems told of one file; the rest is counted. */
export const PROBLEMS_TOLD = 20;
/** Readings of a fleet: at most once a second, at least as often as an aggregator needs to offer a device. */
export const TELEMETRY_LEAST_S = 1;
export const TELEMETRY_MOST_S = 120;
/** Dead jobs shown or tried again at once: what an operator reads, and a queue takes without a pause. */
export const DEAD_JOBS_MOST = 1_000;
/** `flexder queue` waits this long for its answer. */
export const QUEUE_ANSWER_MS = 10_000;
/** Services of one plan each take a port here and one 100 above for health and metrics. */
export const HEALTH_PORT_OFFSET = 100;
/** Processes of one aggregator in a plan: each has up to 17 connections of the database's 200. */
export const REPLICAS_MOST = 9;
/** Connections of the database server: ten for tables and one for the lock of each of some fifteen services. */
export const DATABASE_CONNECTIONS = 200;
/** The shortest retention there is: nobody can take a sandbox's objects away before, whoever wants to. */
export const SANDBOX_RETENTION_DAYS = 1;
/** The balancer before one aggregator: four times the connections that a gateway and a BAP keep. */
export const BALANCER_CONNECTIONS = 1_024;
/** A process on the same machine answers at once or is not there. */
export const BALANCER_CONNECT_MS = 2_000;
/** A signed message is small: who takes longer to send one holds a place. */
export const BALANCER_REQUEST_MS = 5_000;
/** Longer than any answer of a BPP may take. */
export const BALANCER_SILENCE_MS = 35_000;
/** Twice in a second: a process that dies is left out within two checks, and one that starts is found by the first. */
export const BALANCER_CHECK_MS = 500;
