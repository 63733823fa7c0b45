/** Bounds of a simulation, each with its reason. Times are virtual. */
export const SIM = {
  /** Turns of the event loop at one instant: a fan-out takes some hundred, a loop that never ends all of them. */
  turns: 100_000,
  /** Waiting for a service to start or to stop. */
  waitMs: 120_000,
  /** Pause between the sweeps of a participant, and by how much they may be late, as on a machine with more to do. */
  sweepMs: 10_000,
  sweepLateMs: 240_000,
  /** A service that did not come to the step it was to die at dies anyway. */
  doomMs: 5_000,
  /** Pause before a service that could not start is started again. */
  restartMs: 5_000,
  /** Lines of the trace that a failure shows. */
  shownLines: 40,
} as const;
