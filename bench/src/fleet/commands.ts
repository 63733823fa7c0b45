/** When each command was with the broker, from the tables of the aggregators. */
import type { OrderView } from '@flexder/bap-dso/operator-api/orders/orders.ts';
import { AGGREGATOR_MIGRATIONS } from '@flexder/bpp-aggregator/migrations.ts';
import type { AggregatorTables } from '@flexder/bpp-aggregator/tables.ts';
import { subscriberId } from '@flexder/protocol/beckn/identifiers.ts';
import type { WallClock } from '@flexder/runtime/clock.ts';
import { openPostgres } from '@flexder/runtime/engines/database/postgres.ts';
import { createLogger } from '@flexder/runtime/logging.ts';
import { participantMigrations } from '@flexder/runtime/participant/tables.ts';
import { sql } from 'kysely';

/** Milliseconds from the receipt of the sample that crossed the limit to the broker's acknowledgement, one a command. */
export async function commandTimes(url: string, orders: readonly OrderView[], wall: WallClock): Promise<number[]> {
  const engine = await openPostgres({ url, wall, log: createLogger('bench', 'error') });
  const times: number[] = [];
  try {
    for (const bppId of new Set(orders.map((order) => order.bppId))) {
      const triggers = new Map(
        orders.flatMap(({ orderId, ...order }) =>
          orderId !== null && order.bppId === bppId ? [[orderId, order.triggerMs] as const] : [],
        ),
      );
      const tables = { ...participantMigrations, ...AGGREGATOR_MIGRATIONS };
      const database = await engine.open<AggregatorTables>(subscriberId(bppId), tables);
      const { rows } = await sql<{ order_id: string; sent_wall_at: Date }>`
        select o.order_id, c.sent_wall_at from command c join flex_order o on o.order_no = c.order_no
        where o.order_id = any(${[...triggers.keys()]}::text[]) and c.command_type <> 'RELEASE'
          and c.sent_wall_at is not null`.execute(database);
      times.push(...rows.map((row) => row.sent_wall_at.getTime() - triggers.get(row.order_id)!));
    }
    return times;
  } finally {
    await engine.close();
  }
}
