import type { DerId } from '@flexder/protocol/beckn/identifiers.ts';
import type { DeviceType } from '@flexder/protocol/flexibility/model.ts';
import { unlessVictim } from '@flexder/runtime/participant/unit-of-work.ts';
import { type Kysely, type Selectable, sql } from 'kysely';
import { chunked } from '../dispatch/plan.ts';
import { LIMITS } from '../limits.ts';
import type { AggregatorTables, DerTable } from '../tables.ts';
import type { PortfolioDer } from './der.ts';
import type { DerRecord, Fleet } from './fleet.ts';

/** Stores contracts (new or changed) and puts the devices into the fleet with the record the database has of them. */
export async function enterPortfolio(
  db: Kysely<AggregatorTables>,
  fleet: Fleet,
  ders: readonly PortfolioDer[],
): Promise<void> {
  const of = <T>(batch: readonly PortfolioDer[], pick: (der: PortfolioDer) => T) => batch.map(pick);
  for (const batch of chunked(ders, LIMITS.readingsPerInsert)) {
    const store = sql<{
      der_no: number;
      der_id: string;
      asked: number;
      accepted: number;
      opted_out_until: Date | null;
    }>`
      insert into der (der_id, device_type, feeder_id, rated_kw, import_msid, export_msid, consent_from, consent_until, essential)
      select * from unnest(
        ${of(batch, (der) => der.derId)}::text[], ${of(batch, (der) => der.type)}::text[],
        ${of(batch, (der) => der.feederId)}::text[], ${of(batch, (der) => der.ratedKw)}::float8[],
        ${of(batch, (der) => der.importMsid)}::text[], ${of(batch, (der) => der.exportMsid)}::text[],
        ${of(batch, (der) => new Date(der.consent.fromMs))}::timestamptz[],
        ${of(batch, (der) => new Date(der.consent.untilMs))}::timestamptz[], ${of(batch, (der) => der.essential)}::boolean[])
      on conflict (der_id) do update set device_type = excluded.device_type, feeder_id = excluded.feeder_id,
        rated_kw = excluded.rated_kw, import_msid = excluded.import_msid, export_msid = excluded.export_msid,
        consent_from = excluded.consent_from, consent_until = excluded.consent_until, essential = excluded.essential
      returning der_no, der_id, asked, accepted, opted_out_until`;
    // Another process of this aggregator may be committing the same devices, in another order.
    const { rows } = await unlessVictim(() => store.execute(db));
    const contracts = new Map<string, PortfolioDer>(batch.map((der) => [der.derId, der]));
    for (const row of rows) {
      const contract = contracts.get(row.der_id);
      if (!contract) continue;
      fleet.put(contract, recordOf(row));
    }
  }
}

/** Devices enrolled before this start that the configuration no longer lists stay in the portfolio. */
export async function loadPortfolio(db: Kysely<AggregatorTables>, fleet: Fleet): Promise<void> {
  const rows = await db.selectFrom('der').selectAll().orderBy('der_no').limit(LIMITS.maxDers).execute();
  for (const row of rows) fleet.put(contractOf(row), recordOf(row));
}

export type DerRow = Selectable<DerTable>;

export function contractOf(row: DerRow): PortfolioDer {
  return {
    derId: row.der_id as DerId,
    type: row.device_type as DeviceType,
    feederId: row.feeder_id as PortfolioDer['feederId'],
    ratedKw: row.rated_kw,
    importMsid: row.import_msid,
    exportMsid: row.export_msid,
    consent: { fromMs: row.consent_from.getTime(), untilMs: row.consent_until.getTime() },
    essential: row.essential,
  };
}

export function recordOf(row: Pick<DerRow, 'der_no' | 'asked' | 'accepted' | 'opted_out_until'>): DerRecord {
  return {
    derNo: row.der_no,
    asked: row.asked,
    accepted: row.accepted,
    optedOutUntilMs: row.opted_out_until?.getTime() ?? 0,
  };
}

/** The samples of the last five minutes, so that a restart keeps the operational baseline and the offers. */
export async function loadRecentReadings(db: Kysely<AggregatorTables>, fleet: Fleet, nowMs: number): Promise<void> {
  const rows = await db
    .selectFrom('der_reading')
    .innerJoin('der', 'der.der_no', 'der_reading.der_no')
    .select(['der.der_id', 'der_reading.read_at', 'der_reading.power_kw', 'der_reading.available_down_kw'])
    .where('der_reading.read_at', '>', new Date(nowMs - LIMITS.baselineMs))
    .orderBy('der_reading.read_at')
    .execute();
  for (const row of rows)
    fleet.read(row.der_id as DerId, {
      atMs: row.read_at.getTime(),
      powerKw: row.power_kw,
      availableDownKw: row.available_down_kw,
    });
}
