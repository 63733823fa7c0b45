import { Activity } from '../activity.ts';
import { systemWallClock } from '../clock.ts';
import type { Logger } from '../logging.ts';

/** A logger that keeps what it is told, for tests. */
export function recordingLogger(): Logger & {
  readonly lines: { level: string; text: string; fields: Record<string, unknown> }[];
} {
  const lines: { level: string; text: string; fields: Record<string, unknown> }[] = [];
  const at = (level: string) => (fields: Record<string, unknown>, text: string) =>
    void lines.push({ level, text, fields });
  const logger = {
    lines,
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => logger,
  };
  return logger;
}

/** What an adapter needs, for tests. */
export const testDeps = () => ({ wall: systemWallClock(), log: recordingLogger(), activity: new Activity() });
