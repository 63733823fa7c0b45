import type { Command } from './command.ts';

/** Each verb loads its own code only: `validate` and `verify` start without any engine. */
export const COMMANDS: Record<string, () => Promise<{ default: Command }>> = {
  demo: () => import('./commands/demo.ts'),
  up: () => import('./commands/up.ts'),
  serve: () => import('./commands/serve.ts'),
  queue: () => import('./commands/queue.ts'),
  broker: () => import('./commands/broker.ts'),
  validate: () => import('./commands/validate.ts'),
  sign: () => import('./commands/sign.ts'),
  verify: () => import('./commands/verify.ts'),
  keys: () => import('./commands/keys.ts'),
  audit: () => import('./commands/audit.ts'),
  settlement: () => import('./commands/settlement.ts'),
  impact: () => import('./commands/impact.ts'),
  backup: () => import('./commands/backup.ts'),
  restore: () => import('./commands/restore.ts'),
  data: () => import('./commands/data.ts'),
  network: () => import('./commands/network.ts'),
  forecast: () => import('./commands/forecast.ts'),
  bench: () => import('./commands/bench.ts'),
};
