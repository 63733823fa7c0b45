/** The error catalogue of schemas/errors.json: what a code means and what to do about it. */
import { ERRORS as catalogue } from './generated/error-catalogue.ts';

export type ErrorCode = keyof typeof catalogue;

export interface ErrorEntry {
  readonly code: ErrorCode;
  /** Status of a synchronous NACK with this code. */
  readonly http: number;
  readonly meaning: string;
  /** What the receiver of the error should do. */
  readonly action: string;
}

export const ERRORS: Readonly<Record<ErrorCode, ErrorEntry>> = catalogue;

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code);
}
