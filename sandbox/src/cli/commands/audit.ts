import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { archiveWitness } from '@flexder/bap-dso/audit-settlement/archive.ts';
import { auditBundle, BundleError } from '@flexder/bap-dso/audit-settlement/audit/bundle.ts';
import { bundleKey } from '@flexder/bap-dso/audit-settlement/audit/bundle-keys.ts';
import { auditTrail } from '@flexder/bap-dso/audit-settlement/audit/export.ts';
import { type AuditVerdict, verifyAudit } from '@flexder/bap-dso/audit-settlement/audit/verify.ts';
import { checkBundle } from '@flexder/protocol/audit/bundle-check.ts';
import { BUNDLE_BYTES } from '@flexder/protocol/audit/limits.ts';
import { readPublicKey } from '@flexder/protocol/beckn/keys.ts';
import { systemWallClock } from '@flexder/runtime/clock.ts';
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

async function exportBundle(values: Values, obpId: string, to: string): Promise<number> {
  const scope = text(values, 'scope') ?? 'order';
  if (scope !== 'order' && scope !== 'event')
    throw new UsageError(`--scope must be order or event, not ${JSON.stringify(scope)}`);
  await using stored = await openStored(values);
  const { dsoId: subscriberId, database: db, archive } = stored;
  const ownKey = await trustedKeys(stored, values);
  const asked = await stored.registryAnswer(subscriberId);
  const keyOf = async (keyId: string) => bundleKey(keyId, ownKey(keyId), asked);
  const nowMs = systemWallClock().nowMs();
  const bundle = await auditBundle({ db, archive, subscriberId, nowMs, keyOf }, obpId, scope).catch((error) => {
    if (error instanceof BundleError) throw new UsageError(error.message);
    throw error;
  });
  if (!bundle) {
    say(`No sealed record names the OBP id ${JSON.stringify(obpId)}.`);
    return 1;
  }
  writeNew(to, `${JSON.stringify(bundle)}\n`);
  const open = bundle.records.filter(({ state }) => state === 'not yet checkpointed').length;
  say(`${bundle.records.length} records and ${bundle.checkpoints.length} checkpoints are in ${to}.`);
  if (open > 0) say(`${open} of them are not yet checkpointed: only their own hashes vouch for them so far.`);
  if (bundle.unsealed > 0) say(`${bundle.unsealed} more have no place in the chain yet and are not in it.`);
  return 0;
}

/** Evidence is not written over. */
function writeNew(path: string, content: string): void {
  try {
    writeFileSync(path, content, { flag: 'wx' });
  } catch (error) {
    const taken = (error as NodeJS.ErrnoException).code === 'EEXIST';
    throw new UsageError(`--to: ${taken ? `${path} is there already; name another file` : String(error)}`);
  }
}

async function check(values: Values, path: string | undefined): Promise<number> {
  if (path === undefined) throw new UsageError('name the bundle: `flexder audit check FILE`');
  const publicKey = text(values, 'public-key');
  if (publicKey !== undefined && !readPublicKey(publicKey, 'ed25519'))
    throw new UsageError('--public-key must be an Ed25519 public key in base64');
  const verdict = checkBundle(readBundle(path), { publicKey: publicKey && rawKey(publicKey) });
  print(JSON.stringify(verdict));
  if (!verdict.valid) {
    say(`The bundle does NOT hold: ${verdict.at || 'the file'} (${verdict.reason}): ${verdict.detail}.`);
    return 1;
  }
  say(`The bundle holds: ${verdict.checkpointed} of ${verdict.records} records lie under signed checkpoints.`);
  if (verdict.notYetCheckpointed > 0)
    say(`${verdict.notYetCheckpointed} are not yet checkpointed: only their own hashes vouch for them.`);
  for (const { keyId, publicKey: key, tie } of verdict.keys) if (tie !== 'given') say(ADVICE[tie](keyId, key));
  return 0;
}

const ADVICE = {
  registry: (keyId: string, key: string) =>
    `It rests on the key ${keyId} (${key}), as the registry's entry in the bundle has it: ask the registry yourself.`,
  none: (keyId: string, key: string) =>
    `It rests on the key ${keyId} (${key}), for which nothing but the bundle speaks: compare it with the registry.`,
};

const rawKey = (key: string) => Buffer.from(readPublicKey(key, 'ed25519') ?? []).toString('base64');

function readBundle(path: string): Uint8Array {
  try {
    const { size } = statSync(path);
    if (size > BUNDLE_BYTES) throw new UsageError(`${path} has ${size} bytes; a bundle has at most ${BUNDLE_BYTES}`);
    return readFileSync(path);
  } catch (error) {
    throw error instanceof UsageError ? error : new UsageError(`${path} cannot be read: ${String(error)}`);
  }
}

async function exportTrail(values: Values): Promise<number> {
  const obpId = required(values, 'obp-id');
  const to = text(values, 'to');
  if (to !== undefined) return exportBundle(values, obpId, to);
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
  summary: 'Verifies the sealed record, exports the evidence of one order, checks such a bundle offline',
  arguments: 'verify|export --data DIR, check FILE',
  options: {
    data: { type: 'string', value: 'DIR', help: 'the folder a run was kept in' },
    ...DATABASE_OPTION,
    archive: { type: 'string', value: 'URL', help: 'verify: file:DIR or s3://BUCKET/PREFIX?… (the one in DIR)' },
    'public-key': { type: 'string', value: 'B64', help: 'signs the checkpoints (the key in DIR; check: in FILE)' },
    'obp-id': { type: 'string', value: 'ID', help: 'export: the order, by its OBP id' },
    to: { type: 'string', value: 'FILE', help: 'export: a bundle with proofs; without, its records as JSON lines' },
    scope: { type: 'string', value: 'S', help: 'export --to: order, or event for all orders of its event (order)' },
  },
  async run(values, [verb, file]) {
    if (verb === 'check') return check(values, file);
    if (verb === 'verify') return verify(values);
    if (verb === 'export') return exportTrail(values);
    throw new UsageError('say what to do with the record: `flexder audit verify`, `export` or `check`');
  },
};
export default command;
