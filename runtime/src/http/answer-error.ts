/** A request that was not granted: as the one who answers throws it, and as the one who asked is told. */
export class AnswerError extends Error {
  override name = 'AnswerError';
  /** Of HTTP; 0 where nobody answered. */
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}
