/** The audit chain over HTTP: pages of records, the verdict, the trail of one order. */
import type { AuditRecord } from '@flexder/protocol/audit/record.ts';
import { type Request, type Response, Router } from 'express';
import { type SqlBool, sql } from 'kysely';
import { archiveWitness } from '../audit-settlement/archive.ts';
import { auditBundle, BundleError } from '../audit-settlement/audit/bundle.ts';
import { bundleKey, type RegistryAnswer } from '../audit-settlement/audit/bundle-keys.ts';
import { auditTrail } from '../audit-settlement/audit/export.ts';
import { type AuditVerdict, verifyAudit } from '../audit-settlement/audit/verify.ts';
import type { OperatorApiDeps } from './deps.ts';
import { ofEvent } from './events/of-event.ts';
import { answering, problem } from './http.ts';
import { BadRequestError, identifier, integer, oneOf, PAGE, page, parameters } from './parameters.ts';
import { auditTables, bapTables } from './stream/snapshot.ts';

export function auditRoutes(deps: OperatorApiDeps): Router {
  const router = Router();
  let verifying: Promise<AuditVerdict> | undefined;
  router.get(
    '/v1/audit',
    answering((request) => records(deps, request)),
  );
  router.get(
    '/v1/audit/verify',
    answering(async (request) => {
      parameters(request, {});
      // Many who ask at once get one reading of the chain.
      verifying ??= verdict(deps).finally(() => {
        verifying = undefined;
      });
      return verifying;
    }),
  );
  router.get('/v1/audit/export', (request, response, next) => {
    Promise.resolve()
      .then(async () => {
        const { obp_id } = parameters(request, { obp_id: identifier });
        if (obp_id === undefined) throw new BadRequestError('obp_id', 'is required');
        response.type('application/x-ndjson');
        response.attachment(`audit-${obp_id}.jsonl`);
        for await (const lines of auditTrail(deps.participant.database, obp_id)) {
          if (!response.write(lines)) await drained(response);
        }
        response.end();
      })
      .catch(next);
  });
  router.get('/v1/audit/bundle', (request, response, next) => {
    bundle(deps, request, response).catch(next);
  });
  return router;
}

/** The evidence of one order in one file; what was written before the question is sealed first. */
async function bundle(deps: OperatorApiDeps, request: Request, response: Response): Promise<void> {
  const { obp_id: obpId, scope = 'order' } = parameters(request, {
    obp_id: identifier,
    scope: oneOf(['order', 'event']),
  });
  if (obpId === undefined) throw new BadRequestError('obp_id', 'is required');
  const { participant, context } = deps;
  const { subscriberId, database: db } = participant;
  await participant.audit.sealNow();
  const asked = await registryAnswer(deps);
  const keyOf = async (keyId: string) => bundleKey(keyId, participant.publicKeyOf(keyId), asked);
  const source = { db, archive: context.engines.archive, subscriberId, nowMs: context.wall.nowMs(), keyOf };
  try {
    const found = await auditBundle(source, obpId, scope);
    if (!found) return problem(response, 404, 'NOT_FOUND', `no sealed record names ${obpId}`);
    response.attachment(`audit-bundle-${obpId}.json`).json(found);
  } catch (error) {
    if (!(error instanceof BundleError)) throw error;
    problem(response, 409, 'NO_BUNDLE', error.message);
  }
}

/** Of ourselves, as others see us; words when it cannot be asked. */
async function registryAnswer({ participant, config, context }: OperatorApiDeps): Promise<RegistryAnswer | string> {
  try {
    const entries = await participant.registry.records(participant.subscriberId, { fresh: true });
    return { registry: config.registryUrl, retrievedAtMs: context.wall.nowMs(), entries };
  } catch {
    return 'the registry could not be asked when this was exported';
  }
}

async function verdict(deps: OperatorApiDeps): Promise<AuditVerdict> {
  const { participant, context } = deps;
  const { subscriberId } = participant;
  const trust = { subscriberId, keyOf: (keyId: string) => participant.publicKeyOf(keyId) };
  const db = auditTables(deps);
  return verifyAudit(db, archiveWitness(db, context.engines.archive, trust));
}

/**
 * Sealed records after `after`, oldest first, or with `order=newest` before `before`, newest first; `nextAfter` and
 * `nextBefore` are of the page that follows.
 */
async function records(deps: OperatorApiDeps, request: Request) {
  const seq = integer(0, Number.MAX_SAFE_INTEGER);
  const spec = {
    ...{ after: seq, before: seq, order: oneOf(['oldest', 'newest']), limit: PAGE.limit },
    ...{ obp_id: identifier, event_id: identifier, feeder_id: identifier },
  };
  const query = parameters(request, spec);
  const { limit } = page(query);
  const newest = query.order === 'newest';
  let select = auditTables(deps)
    .selectFrom('audit_record')
    .select('record')
    .where('seq', '>', String(query.after ?? 0));
  if (query.before !== undefined) select = select.where('seq', '<', String(query.before));
  if (query.event_id) select = select.where(await ofEvent(bapTables(deps), query.event_id));
  for (const member of ['obp_id', 'feeder_id'] as const) {
    const wanted = query[member];
    if (wanted) select = select.where(sql<SqlBool>`record->>${sql.lit(member)} = ${wanted}`);
  }
  const rows = await select
    .orderBy('seq', newest ? 'desc' : 'asc')
    .limit(limit)
    .execute();
  const found = rows.map(({ record }) => record as AuditRecord);
  const next = found.length === limit ? (found.at(-1)?.seq ?? null) : null;
  return { records: found, ...(newest ? { nextBefore: next } : { nextAfter: next }) };
}

/** Resolves when the client has read, or is gone. */
function drained(response: Response): Promise<void> {
  return new Promise((resolve, reject) => {
    const gone = () => reject(new Error('the client went away'));
    response.once('close', gone);
    response.once('drain', () => {
      response.off('close', gone);
      resolve();
    });
  });
}
