import { latestCheckpoint } from '@flexder/bap-dso/audit-settlement/archive.ts';
import { auditTrail } from '@flexder/bap-dso/audit-settlement/export.ts';
import { verifyAudit } from '@flexder/bap-dso/audit-settlement/verify.ts';
import { type Command, print, required, say, UsageError, type Values } from '../command.ts';
import { DATABASE_OPTION } from '../database-option.ts';
import { openStored } from '../stored.ts';

async function verify(values: Values): Promise<number> {
  await using stored = await openStored(values);
  const checkpoint = await latestCheckpoint({ engines: { archive: stored.archive } }, stored.dsoId);
  const known = checkpoint && { seq: checkpoint.count, hash: checkpoint.head_hash };
  const verdict = await verifyAudit(stored.database, known);
  print(JSON.stringify({ ...verdict, checkpoint: known ?? null }));
  if (verdict.valid) {
    say(`The record is whole: ${verdict.records} records, head ${verdict.headHash}.`);
    say(
      known
        ? `The archive's checkpoint at record ${known.seq} agrees.`
        : 'There is no checkpoint in the archive to compare with.',
    );
    return 0;
  }
  say(`The record is NOT whole: the first broken record is ${verdict.seq} (${verdict.reason}). ${verdict.detail}`);
  return 1;
}

async function exportTrail(values: Values): Promise<number> {
  const obpId = required(values, 'obp-id');
  await using stored = await openStored(values);
  let found = false;
  for await (const lines of auditTrail(stored.database, obpId)) {
    found = true;
    process.stdout.write(lines);
  }
  if (!found) say(`No record names the OBP id ${JSON.stringify(obpId)}.`);
  return found ? 0 : 1;
}

const command: Command = {
  summary: 'Verifies the sealed record and names the first altered entry, or exports the trail of one order',
  arguments: 'verify|export --data DIR',
  options: {
    data: { type: 'string', value: 'DIR', help: 'the folder a run was kept in' },
    ...DATABASE_OPTION,
    'obp-id': { type: 'string', value: 'ID', help: 'export: the order, by its OBP id' },
  },
  async run(values, [verb]) {
    if (verb === 'verify') return verify(values);
    if (verb === 'export') return exportTrail(values);
    throw new UsageError('say what to do with the record: `flexder audit verify` or `flexder audit export`');
  },
};
export default command;
