/** Somebody was faster, or the event has moved on: nothing was done. */
export class TooLateError extends Error {
  override name = 'TooLateError';
}
