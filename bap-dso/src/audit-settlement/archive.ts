/** What settlement leaves for the write-once archive, and what the archive says of the audit chain. */
import type { SeriesTrust } from '@flexder/protocol/audit/series.ts';
import { archivedCheckpoints } from '@flexder/runtime/audit/archived.ts';
import type { Archive } from '@flexder/runtime/engines/archive/port.ts';
import type { ParticipantTables } from '@flexder/runtime/participant/tables.ts';
import type { UnitOfWork } from '@flexder/runtime/participant/types.ts';
import type { Kysely } from 'kysely';
import type { BapTables } from '../tables.ts';
import { type Witness, witness } from './audit/witness.ts';
import { sha256 } from './digest.ts';
import { settlementCsv } from './reports/csv.ts';
import { loadSettlementRows, settlementReport } from './reports/report.ts';

/**
 * The settlement of one order as JSON and CSV, a pair of files a revision, and their hashes in the form that
 * `sha256sum --check` reads. They leave with the transaction that writes the rows.
 */
export async function archiveSettlement(work: UnitOfWork<BapTables>, obpId: string, revision: number): Promise<void> {
  const rows = await loadSettlementRows(work.db, { obpId });
  const name = `revision-${String(revision).padStart(4, '0')}`;
  const files = [
    { name: `${name}.csv`, text: settlementCsv(rows) },
    { name: `${name}.json`, text: JSON.stringify(settlementReport(rows, { obpId })) },
  ];
  const sums = files.map((file) => `${sha256(file.text)}  ${file.name}\n`).join('');
  for (const file of [...files, { name: `${name}.sha256`, text: sums }])
    await work.archive({ key: `settlement/${obpId}/${file.name}`, text: file.text });
}

/** The checkpoints of a subscriber, to verify its chain against. */
export function archiveWitness(
  db: Kysely<ParticipantTables>,
  archive: Pick<Archive, 'get' | 'list'>,
  trust: SeriesTrust,
): Witness {
  return witness(archivedCheckpoints(db, archive, trust.subscriberId), trust);
}
