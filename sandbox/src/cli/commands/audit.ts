import { archiveWitness } from '@flexder/bap-dso/audit-settlement/archive.ts';
import { auditTrail } from '@flexder/bap-dso/audit-settlement/export.ts';
import { type AuditVerdict, verifyAudit } from '@flexder/bap-dso/audit-settlement/verify.ts';
import { readPublicKey } from '@flexder/protocol/beckn/keys.ts';
import type { ParticipantTables } from '@flexder/runtime/participant/open.ts';
import type { Kysely } from 'kysely';
import { type Command, print, required, say, text, UsageError, type Values } from '../command.ts';
import { DATABASE_OPTION } from '../database-option.ts';
import { openStored, type Stored } from '../stored.ts';

async function verify(values: Values): Promise<number> {
  await using stored = await openStored(values);
  const own = stored.database as unknown as Kysely<ParticipantTables>;
  const trust = { subscriberId: stored.dsoId, keyOf: await trustedKeys(stored, values) };
  const verdict = await verifyAudit(own, archiveWitness(own, stored.archive, trust));
  print(JSON.stringify(verdict));
  tell(verdict);
  return verdict.valid ? 0 : 1;
}

/** The key of `--public-key`, whatever its id; otherwise those that the participant made for itself. */
async function trustedKeys({ database }: Stored, values: Values): Promise<(keyId: string) => string | undefined> {
  const given = text(values, 'public-key');
  if (given !== undefined) {
    if (!readPublicKey(given, 'ed25519')) throw new UsageError('--public-key must be an Ed25519 public key in base64');
    return () => given;
  }
  const own = database as unknown as Kysely<ParticipantTables>;
  const rows = await own.selectFrom('own_key').select(['key_id', 'signing_public_key']).execute();
  const keys = new Map(rows.map((row) => [row.key_id, row.signing_public_key]));
  return (keyId) => keys.get(keyId);
}

function tell(verdict: AuditVerdict): void {
  const { checkpoints = { verified: 0, toSeq: 0 }, checkpointFaults = [] } = verdict;
  if (verdict.valid) {
    say(`The record is whole: ${verdict.records} records, head ${verdict.headHash}.`);
    say(
      checkpoints.verified > 0
        ? `The checkpoints in the archive agree, up to record ${checkpoints.toSeq}: ${checkpoints.verified} of them.`
        : 'There is no checkpoint in the archive to compare with.',
    );
    return;
  }
  const { seq, reason, detail } = verdict;
  if (!reason.startsWith('checkpoint-'))
    say(`The record is NOT whole: the first broken record is ${seq} (${reason}). ${detail}`);
  for (const { key, problem, detail } of checkpointFaults)
    say(`The checkpoint ${key ?? 'of some records'} is ${problem}: ${detail}.`);
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
    archive: { type: 'string', value: 'URL', help: 'verify: file:DIR or s3://BUCKET/PREFIX?… (the one in DIR)' },
    'public-key': { type: 'string', value: 'B64', help: 'verify: signs the checkpoints (the key in DIR)' },
    'obp-id': { type: 'string', value: 'ID', help: 'export: the order, by its OBP id' },
  },
  async run(values, [verb]) {
    if (verb === 'verify') return verify(values);
    if (verb === 'export') return exportTrail(values);
    throw new UsageError('say what to do with the record: `flexder audit verify` or `flexder audit export`');
  },
};
export default command;
