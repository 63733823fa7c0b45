/** Messages as they reach the DSO in tests. */
import type { Action } from '@flexder/protocol/beckn/actions.ts';
import type { MessageId, TransactionId } from '@flexder/protocol/beckn/identifiers.ts';
import type { WallClock } from '@flexder/runtime/clock.ts';
import { systemIds } from '@flexder/runtime/context.ts';

/** Of a callback of this aggregator, now. */
export function contextOf(wall: Pick<WallClock, 'nowMs'>, bppId: string, action: Action, transactionId: string) {
  return {
    domain: 'deg:demand-flexibility',
    location: { country: { code: 'GBR' }, city: { code: 'std:020' } },
    action,
    version: '1.1.0',
    bap_id: 'dso-1',
    bap_uri: 'http://127.0.0.1:1/beckn',
    bpp_id: bppId,
    bpp_uri: 'http://127.0.0.1:2/beckn',
    transaction_id: transactionId as TransactionId,
    message_id: systemIds().uuid() as MessageId,
    timestamp: new Date(wall.nowMs()).toISOString(),
    ttl: 'PT30S',
  };
}

/** @param atMs grid time */
export function sampleOf(feederId: string, powerKw: number, atMs: number) {
  const body = {
    ...{ v: 1, feeder_id: feederId, ts: new Date(atMs).toISOString(), seq: 1 },
    ...{ power_kw: powerKw, current_a: 1, voltage_kv: 11, quality: 'GOOD' },
  };
  const payload = new TextEncoder().encode(JSON.stringify(body));
  return { topic: `grid/v1/dso-1/${feederId}/telemetry`, payload };
}
