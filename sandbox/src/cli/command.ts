import type { ParseArgsConfig } from 'node:util';

type Options = NonNullable<ParseArgsConfig['options']>;
/** One option: as node:util has it, with what it is for. */
export type CommandOptions = Record<string, Options[string] & { readonly help: string; readonly value?: string }>;
export type Values = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;

/** A verb of the `flexder` command. Machine output goes to standard output, everything else to standard error. */
export interface Command {
  readonly summary: string;
  /** What may follow the verb, for the help text. */
  readonly arguments?: string;
  readonly options?: CommandOptions;
  /** What its answer means, below the options in its help. */
  readonly notes?: readonly string[];
  /** Returns the exit code: 0 done, 1 the answer is no, 2 it was asked wrongly. */
  run(values: Values, positionals: readonly string[]): Promise<number>;
}

/** It was asked wrongly: shown without a stack, exit code 2. */
export class UsageError extends Error {
  override name = 'UsageError';
}

export function text(values: Values, name: string): string | undefined {
  const value = values[name];
  return typeof value === 'string' ? value : undefined;
}

export function required(values: Values, name: string): string {
  const value = text(values, name);
  if (value === undefined || value === '') throw new UsageError(`--${name} is required`);
  return value;
}

/** A whole number within bounds, or the default. */
export function integer(values: Values, name: string, fallback: number, low: number, high: number): number {
  const value = text(values, name);
  if (value === undefined) return fallback;
  const number = Number(value);
  if (!Number.isInteger(number) || number < low || number > high) {
    throw new UsageError(`--${name} must be a whole number from ${low} to ${high}, not ${JSON.stringify(value)}`);
  }
  return number;
}

export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
