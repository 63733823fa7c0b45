import type { DerId } from '@flexder/protocol/beckn/identifiers.ts';
import type { DeviceType } from '@flexder/protocol/flexibility/model.ts';
import { unlessVictim } from '@flexder/runtime/participant/unit-of-work.ts';
import { type Kysely, type Selectable, sql, type Transaction } from 'kysely';
import { chunked } from '../dispatch/plan.ts';
import { LIMITS } from '../limits.ts';
import type { AggregatorTables, DerTable } from '../tables.ts';
import type { DerRecord, PortfolioDer } from './der.ts';
import type { Fleet } from './fleet.ts';

/** Grid and wall time of an entry. */
export interface EntryTime {
  readonly at: Date;
  readonly wallAt: Date;
}

/**
 * Stores contracts (new or changed) and puts the devices into the fleet with the record the database has of them. A
 * consent counts when the contract gives another than it gave before: entering the same portfolio again, as each start
 * does, takes back nothing that a consumer has decided since.
 */
export async function enterPortfolio(
  db: Kysely<AggregatorTables>,
  fleet: Fleet,
  ders: readonly PortfolioDer[],
  { at, wallAt }: EntryTime,
): Promise<void> {
  const of = <T>(batch: readonly PortfolioDer[], pick: (der: PortfolioDer) => T) => batch.map(pick);
  for (const batch of chunked(ders, LIMITS.readingsPerInsert)) {
    const store = sql<DerRow>`
      with given as (
        select * from unnest(
          ${of(batch, (der) => der.derId)}::text[], ${of(batch, (der) => der.type)}::text[],
          ${of(batch, (der) => der.feederId)}::text[], ${of(batch, (der) => der.ratedKw)}::float8[],
          ${of(batch, (der) => der.importMsid)}::text[], ${of(batch, (der) => der.exportMsid)}::text[],
          ${of(batch, (der) => new Date(der.consent.fromMs))}::timestamptz[],
          ${of(batch, (der) => new Date(der.consent.untilMs))}::timestamptz[],
          ${of(batch, (der) => der.consent.mode ?? 'automatic')}::text[], ${of(batch, (der) => der.essential)}::boolean[])
        as g(der_id, device_type, feeder_id, rated_kw, import_msid, export_msid, given_from, given_until, given_mode, essential)),
      before as (
        select der_id, given_from, given_until, given_mode from der where der_id = any(${of(batch, (der) => der.derId)}::text[])),
      stored as (
        insert into der (der_id, device_type, feeder_id, rated_kw, import_msid, export_msid, consent_from, consent_until,
          consent_mode, given_from, given_until, given_mode, essential)
        select der_id, device_type, feeder_id, rated_kw, import_msid, export_msid, given_from, given_until, given_mode,
          given_from, given_until, given_mode, essential from given
        on conflict (der_id) do update set device_type = excluded.device_type, feeder_id = excluded.feeder_id,
          rated_kw = excluded.rated_kw, import_msid = excluded.import_msid, export_msid = excluded.export_msid,
          essential = excluded.essential,
          consent_from = ${given(sql`excluded.consent_from`, sql`der.consent_from`)},
          consent_until = ${given(sql`excluded.consent_until`, sql`der.consent_until`)},
          consent_mode = ${given(sql`excluded.consent_mode`, sql`der.consent_mode`)},
          given_from = excluded.given_from, given_until = excluded.given_until, given_mode = excluded.given_mode
        returning *),
      noted as (
        insert into enrolment_change (der_no, subject, value, actor, reason, changed_at, changed_wall_at)
        select s.der_no, 'consent', jsonb_build_object('from', s.given_from, 'until', s.given_until, 'mode', s.given_mode),
          'portfolio', 'as the contract says', ${at}::timestamptz, ${wallAt}::timestamptz
        from stored s left join before b on b.der_id = s.der_id
        where (b.given_from, b.given_until, b.given_mode) is distinct from (s.given_from, s.given_until, s.given_mode))
      select * from stored`;
    // Another process of this aggregator may be committing the same devices, in another order.
    const { rows } = await unlessVictim(() =>
      db.transaction().execute(async (trx) => {
        await enrolmentLock(trx);
        return store.execute(trx);
      }),
    );
    const contracts = new Map<string, PortfolioDer>(batch.map((der) => [der.derId, der]));
    for (const row of rows) {
      const contract = contracts.get(row.der_id);
      if (!contract) continue;
      fleet.put(contract, recordOf(row));
    }
  }
}

/** Processes that start together enter the same files one after the other: each decision is in the history once. */
export async function enrolmentLock(db: Transaction<AggregatorTables>): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtext(current_schema()), hashtext('enrolment'))`.execute(db);
}

/** What the contract gives, where it gives another consent than it gave before. */
function given<T>(other: T, same: T) {
  return sql`case when (der.given_from, der.given_until, der.given_mode)
    is distinct from (excluded.given_from, excluded.given_until, excluded.given_mode) then ${other} else ${same} end`;
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
    consent: consentOf(row),
    essential: row.essential,
  };
}

function consentOf(row: DerRow) {
  return { fromMs: row.consent_from.getTime(), untilMs: row.consent_until.getTime(), mode: row.consent_mode };
}

export function recordOf(row: DerRow): DerRecord {
  return {
    derNo: row.der_no,
    asked: row.asked,
    accepted: row.accepted,
    optedOutUntilMs: row.opted_out_until?.getTime() ?? 0,
    consent: consentOf(row),
    programmeId: row.programme_id,
    maintenanceSinceMs: row.maintenance_since?.getTime() ?? null,
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
