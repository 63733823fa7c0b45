import { pino } from 'pino';

/** One JSON line an event on standard error; no bodies, no secrets. */
export interface Logger {
  child(fields: Record<string, unknown>): Logger;
  debug(fields: Record<string, unknown>, text: string): void;
  info(fields: Record<string, unknown>, text: string): void;
  warn(fields: Record<string, unknown>, text: string): void;
  error(fields: Record<string, unknown>, text: string): void;
}

export type LogLevel = 'silent' | 'error' | 'warn' | 'info' | 'debug';

const REDACTED = [
  'password',
  'seed',
  'signingSeed',
  'encryptionPrivateKey',
  'authorization',
  '*.password',
  '*.seed',
  '*.signingSeed',
  '*.encryptionPrivateKey',
  '*.authorization',
];

/** Standard output stays free for what a program reads. */
export function createLogger(service: string, level: LogLevel): Logger {
  return pino(
    {
      level,
      base: { service },
      redact: { paths: REDACTED, censor: '[redacted]' },
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    pino.destination({ dest: 2, sync: true }),
  );
}
