import { openSync, readFileSync } from 'node:fs';
import { UsageError } from './command.ts';

/** A message fits in a megabyte many times over; a stream of them (`--jsonl`) is bounded by memory alone. */
export const LARGEST_MESSAGE_BYTES = 1_048_576;

/** All of standard input, or of a file. */
export function readAll(file?: string): Uint8Array {
  try {
    return readFileSync(file === undefined || file === '-' ? 0 : openSync(file, 'r'));
  } catch (error) {
    const where = file ?? 'standard input';
    throw new UsageError(`cannot read ${where}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
