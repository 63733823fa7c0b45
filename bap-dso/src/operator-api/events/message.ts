/** One message of the record: the bytes as they were on the wire, and its signature checked once more. */
import type { AuditRecord } from '@flexder/protocol/audit/record.ts';
import { directionOf, findKept, type KeptMessage } from '@flexder/runtime/participant/kept/find.ts';
import { type Check, signerOf, verifyKept } from '@flexder/runtime/participant/kept/verify.ts';
import type { Request, Response } from 'express';
import type { OperatorApiDeps } from '../deps.ts';
import { problem } from '../http.ts';
import { BadRequestError, parameters } from '../parameters.ts';
import { auditTables } from '../stream/snapshot.ts';
import { type MessageView, messageOf } from './steps.ts';

export interface RawMessage {
  readonly message: MessageView;
  /** Null when it is not kept any more: the digest of the record, in `message`, is what is left. */
  readonly raw: {
    /** Bytes that are no UTF-8 are shown as hex. */
    readonly encoding: 'utf-8' | 'hex';
    readonly body: string;
    readonly bytes: number;
    readonly headers: readonly (readonly [string, string])[];
    /** When it came, or when its last attempt began; wall time. Null: not sent yet. */
    readonly atMs: number | null;
  } | null;
}

export interface VerifiedMessage {
  readonly message: MessageView;
  /** `gone`: its bytes are not kept any more. */
  readonly verdict: 'verified' | 'not-verified' | 'gone';
  readonly checks: readonly Check[];
  readonly key: {
    readonly subscriberId: string;
    readonly keyId: string;
    readonly algorithm: 'ed25519';
    /** Where the key was taken from that it was checked with. */
    readonly from: 'stored with the message' | 'own' | 'registry' | 'nowhere';
    /** What the registry says of it now, in words. */
    readonly registryNow: string;
  } | null;
  readonly checkedAt: string;
}

/** Answers 404 for a record that is not there, or is of no message. */
export async function rawMessage(deps: OperatorApiDeps, request: Request, response: Response): Promise<void> {
  const record = await recordOf(deps, request, response);
  if (!record) return;
  const kept = await findKept(auditTables(deps), record);
  response.json({ message: viewOf(record, kept), raw: kept ? rawOf(kept) : null } satisfies RawMessage);
}

function viewOf(record: AuditRecord, kept: KeptMessage | undefined): MessageView {
  const { atMs = null, headers } = kept ?? {};
  return messageOf(record, atMs === null ? undefined : { atMs, authorization: headers?.authorization ?? '' })!;
}

function rawOf({ body, headers, atMs }: KeptMessage): RawMessage['raw'] {
  const text = utf8(body);
  const [encoding, shown] = text === undefined ? (['hex', body.toString('hex')] as const) : (['utf-8', text] as const);
  return { encoding, body: shown, bytes: body.length, headers: Object.entries(headers), atMs };
}

function utf8(body: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    return undefined;
  }
}

export async function verifyMessage(deps: OperatorApiDeps, request: Request, response: Response): Promise<void> {
  const record = await recordOf(deps, request, response);
  if (!record) return;
  const checkedAt = new Date(deps.context.wall.nowMs()).toISOString();
  const kept = await findKept(auditTables(deps), record);
  const message = viewOf(record, kept);
  if (!kept) return void response.json({ message, verdict: 'gone', checks: [], key: null, checkedAt });
  const { publicKey, key } = await keyOf(deps, kept);
  const { verified, checks } = verifyKept(kept, record, publicKey);
  const verdict = verified ? 'verified' : 'not-verified';
  response.json({ message, verdict, checks, key, checkedAt } satisfies VerifiedMessage);
}

type KeyFound = { readonly publicKey: string | undefined; readonly key: VerifiedMessage['key'] };

/** The key that the registry gave when the message came; of one that was sent, the own one; else what the registry has. */
async function keyOf({ participant, context }: OperatorApiDeps, kept: KeptMessage): Promise<KeyFound> {
  const signer = signerOf(kept);
  if (!signer) return { publicKey: undefined, key: null };
  const { subscriberId, keyId } = signer;
  const own = subscriberId === participant.subscriberId ? participant.publicKeyOf(keyId) : undefined;
  const names = { subscriberId, keyId, algorithm: 'ed25519' as const };
  const known = kept.publicKey ?? own;
  const source = kept.publicKey ? 'stored with the message' : own ? 'own' : 'nowhere';
  try {
    const records = await participant.registry.records(subscriberId, { keyId });
    const entry = records.find((one) => one.keyId === keyId);
    if (!entry) return { publicKey: known, key: { ...names, from: source, registryNow: 'it does not have this key' } };
    const { signingPublicKey, validFromMs, validUntilMs, status } = entry;
    const nowMs = context.wall.nowMs();
    const inForce = status === 'SUBSCRIBED' && nowMs >= validFromMs && nowMs < validUntilMs;
    const same = known === undefined || known === signingPublicKey ? 'the same key' : 'another key under this id';
    const until = new Date(validUntilMs).toISOString();
    const registryNow = `${same}, ${inForce ? `in force until ${until}` : `${status}, valid until ${until}`}`;
    return {
      publicKey: known ?? signingPublicKey,
      key: { ...names, from: known ? source : 'registry', registryNow },
    };
  } catch {
    return { publicKey: known, key: { ...names, from: source, registryNow: 'it could not be asked' } };
  }
}

async function recordOf(deps: OperatorApiDeps, request: Request, response: Response): Promise<AuditRecord | undefined> {
  parameters(request, {});
  const seq = String(request.params.seq);
  if (!/^\d{1,15}$/.test(seq)) throw new BadRequestError('seq', 'expected the number of an audit record');
  const row = await auditTables(deps)
    .selectFrom('audit_record')
    .select('record')
    .where('seq', '=', seq)
    .executeTakeFirst();
  const record = row?.record as AuditRecord | undefined;
  if (record && directionOf(record) !== undefined) return record;
  problem(response, 404, 'NOT_FOUND', `record ${seq} is of no message`);
  return undefined;
}
