import type { Kysely } from 'kysely';
import { sql } from 'kysely';
import type { Context } from '../context.ts';
import type { Dispatcher } from './inbound/dispatcher.ts';
import {
  INBOUND_KEPT_MS,
  OUTBOX_KEPT_MS,
  PRUNE_ROWS,
  SHARED_SWEEP_MS,
  STORE_TIMEOUT_MS,
  SWEEP_EVERY_MS,
  TAKE_OVER_AFTER_MS,
} from './limits.ts';
import type { Relay } from './outbox/relay.ts';
import type { ParticipantTables } from './tables.ts';
import type { ParticipantConfig } from './types.ts';

interface Household {
  readonly context: Context;
  readonly config: ParticipantConfig;
  readonly db: Kysely<ParticipantTables>;
  readonly relay: Relay;
  readonly dispatcher: Dispatcher;
  /** Other processes write into the same tables, and may die. */
  readonly shared: boolean;
  /** Records that a dead process left unsealed. */
  seal(): void;
}

/**
 * Takes up what is unfinished, now and every few seconds, watches its age, and removes what is long done. Resolves when
 * the first look is through; the returned function ends it.
 */
export async function keepHouse(household: Household): Promise<() => Promise<void>> {
  const { context, config, db, relay, dispatcher, shared } = household;
  const { wall, metrics } = context;
  const log = context.log.child({ subscriber: config.subscriberId });
  let stopped = false;
  let cancel = () => {};
  let running: Promise<void> = Promise.resolve();
  const everyMs = shared ? SHARED_SWEEP_MS : SWEEP_EVERY_MS;
  let prunedMs = wall.monotonicMs();

  async function look(ageMs: number): Promise<void> {
    const [outbox, inbound] = [await relay.sweep(), await dispatcher.recover(new Date(wall.nowMs() - ageMs))];
    if (outbox + inbound > 0) log.info({ outbox, inbound }, 'unfinished work taken up');
    const outboxAgeMs = relay.oldestAgeMs();
    metrics.gauge('outbox_oldest_age', outboxAgeMs / 1000);
    metrics.gauge('outbox_oldest_event_age', relay.oldestEventAgeMs() / 1000);
    metrics.gauge('inbound_backlog', dispatcher.size);
    if (outboxAgeMs > SWEEP_EVERY_MS) log.error({ outboxAgeMs }, 'effects wait too long for their delivery');
  }

  async function round(): Promise<void> {
    try {
      await context.activity.track('housekeeping', async () => {
        // Younger rows are on their way into memory.
        await look(shared ? TAKE_OVER_AFTER_MS : 2 * STORE_TIMEOUT_MS);
        if (wall.monotonicMs() - prunedMs < SWEEP_EVERY_MS - everyMs / 2) return;
        prunedMs = wall.monotonicMs();
        await prune(db, wall.nowMs());
        if (shared) household.seal();
      });
    } catch (error) {
      metrics.count('housekeeping_failures');
      log.error({ error: String(error) }, 'housekeeping failed');
    }
    if (!stopped) arm();
  }

  function arm(): void {
    cancel = wall.after(everyMs, () => {
      running = round();
    });
  }

  // At its start one process alone finds only what it left itself; among several, others are at work.
  await look(shared ? TAKE_OVER_AFTER_MS : 0);
  arm();
  return () => {
    stopped = true;
    cancel();
    return running;
  };
}

export async function prune(db: Kysely<ParticipantTables>, nowMs: number): Promise<void> {
  await sql`
    with o as (
      delete from outbox where id in (
        select id from outbox where done_at < ${new Date(nowMs - OUTBOX_KEPT_MS)}::timestamptz limit ${sql.lit(PRUNE_ROWS)}
        for update skip locked)
    ), r as (
      delete from refused_message where received_at < ${new Date(nowMs - INBOUND_KEPT_MS)}::timestamptz
    )
    delete from inbound_message where (signer, action, message_id) in (
      select signer, action, message_id from inbound_message
      where received_at < ${new Date(nowMs - INBOUND_KEPT_MS)}::timestamptz and state <> 'stored' limit ${sql.lit(PRUNE_ROWS)}
      for update skip locked)`.execute(db);
}
