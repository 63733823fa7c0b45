/** The life of a service process: start, say so, serve until told to stop, drain, end. */
import { openInOrder } from '@flexder/runtime/service.ts';
import type { ProcessConfig } from '../settings/config.ts';
import { baseParts, openContext, reachable } from './base.ts';
import type { Base, Running, Start } from './kind.ts';
import { notReady, openOperations } from './operations.ts';

/** What a process hears from outside. */
export interface Signals {
  /** Resolves when the process shall end. */
  readonly stop: Promise<void>;
  onReload(reload: () => void): void;
}

export interface Ready {
  readonly service: string;
  readonly url: string;
  /** Where `/health/live`, `/health/ready` and `/metrics` are. */
  readonly health: string;
}

/**
 * Runs `start` until `signals.stop`. Before the doors close `/health/ready` answers 503 for `config.drainMs`; a stop
 * during the start takes effect after it. `ready` is called once. Throws what start or end threw.
 */
export async function runService(
  service: string,
  config: ProcessConfig,
  start: Start,
  signals: Signals,
  ready: (ready: Ready) => void,
): Promise<void> {
  const parts = baseParts(service, config);
  const { wall, log, metrics } = parts;
  const operations = await openOperations({ host: config.healthHost, port: config.healthPort, wall }, metrics);
  try {
    const { result: running, close } = await openInOrder<Running>((keep) => {
      const base: Base = {
        ...parts,
        config,
        keep,
        context: async () => {
          const context = await openContext(parts, config, keep);
          operations.showQueues(() => context.engines.queue.opened());
          return context;
        },
        reachable: (what, url) => reachable(parts, what, url),
        onReload: (reload) => signals.onReload(reload),
      };
      return start(base);
    });
    operations.show(running);
    ready({ service, url: running.url, health: operations.url });
    await signals.stop;
    operations.show(notReady('stopping'));
    log.info({}, 'stopping');
    await wall.sleep(config.drainMs);
    await close();
    log.info({}, 'stopped');
  } finally {
    await operations.close();
  }
}
