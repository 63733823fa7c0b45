/** What goes to the write-once archive: heads of the audit chain and the settlement files of an order. */

import type { Context, Engines } from '@flexder/runtime/context.ts';
import type { ParticipantTables } from '@flexder/runtime/participant/tables.ts';
import type { Kysely } from 'kysely';
import type { BapTables } from '../tables.ts';
import { settlementCsv } from './csv.ts';
import { loadSettlementRows, settlementReport } from './report.ts';

export interface Checkpoint {
  readonly dso_id: string;
  /** Sealed records of the chain, and the place of its head: the chain counts from 1. */
  readonly count: number;
  readonly head_hash: string;
  /** Of the head record: whoever writes this checkpoint writes the same bytes. */
  readonly ts_utc: string;
}

/**
 * Writes the head of the audit chain once; the same head again is no second object. Undefined for an empty chain.
 * Throws ArchiveConflictError when the archive holds another hash for this place: the chain was rewritten.
 */
export async function archiveCheckpoint(
  { engines }: Pick<Context, 'engines'>,
  db: Kysely<ParticipantTables>,
  dsoId: string,
): Promise<Checkpoint | undefined> {
  const head = await db
    .selectFrom('audit_record')
    .select(['seq', 'hash', 'record'])
    .where('seq', 'is not', null)
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (!head?.hash) return undefined;
  const count = Number(head.seq);
  const key = `${checkpointPrefix(dsoId)}${String(count).padStart(15, '0')}.json`;
  const checkpoint: Checkpoint = { dso_id: dsoId, count, head_hash: head.hash, ts_utc: head.record.ts_utc };
  await engines.archive.put(key, Buffer.from(JSON.stringify(checkpoint)));
  return checkpoint;
}

/** The newest checkpoint of a DSO: what `verifyAudit` compares the chain with. */
export async function latestCheckpoint(
  { engines }: { readonly engines: Pick<Engines, 'archive'> },
  dsoId: string,
): Promise<Checkpoint | undefined> {
  const key = (await engines.archive.list(checkpointPrefix(dsoId))).at(-1);
  return key === undefined ? undefined : parseCheckpoint(await engines.archive.get(key));
}

/** The settlement of one order as JSON and CSV, one pair of files a revision. Nothing when it has no rows. */
export async function archiveSettlement(
  { engines }: Pick<Context, 'engines'>,
  db: Kysely<BapTables>,
  dsoId: string,
  obpId: string,
): Promise<readonly string[]> {
  const rows = await loadSettlementRows(db, { obpId });
  const revision = rows[0]?.report_version;
  if (revision === undefined) return [];
  const base = `${dsoId}/settlement/${obpId}/revision-${String(revision).padStart(4, '0')}`;
  const report = settlementReport(rows, { obpId });
  await engines.archive.put(`${base}.json`, Buffer.from(JSON.stringify(report)));
  await engines.archive.put(`${base}.csv`, Buffer.from(settlementCsv(rows)));
  return [`${base}.json`, `${base}.csv`];
}

function checkpointPrefix(dsoId: string): string {
  return `${dsoId}/audit/checkpoint-`;
}

function parseCheckpoint(bytes: Uint8Array | undefined): Checkpoint | undefined {
  return bytes && (JSON.parse(Buffer.from(bytes).toString('utf8')) as Checkpoint);
}
