import { createSealer } from '@flexder/runtime/audit/sealer.ts';
import type { Context } from '@flexder/runtime/context.ts';
import { recordable } from '@flexder/runtime/participant/facts.ts';
import { createRejectionLog } from '@flexder/runtime/participant/inbound/rejections.ts';
import type { ParticipantTables } from '@flexder/runtime/participant/open.ts';
import { type Actor, stamped } from '@flexder/runtime/participant/unit-of-work.ts';
import type { Kysely } from 'kysely';
import { RECORDED_TEXT } from '../limits.ts';
import type { Application, RefusedError } from './application.ts';
import type { RegistryTables } from './tables.ts';

/** What the registry did and what it refused, in a hash chain like that of every participant. */
export interface RegistryAudit {
  /** One record a refusal; of a flood one a second with their number. */
  refused(path: string, error: RefusedError): Promise<void>;
  /** `event` is a dotted name below `registry`. A record that cannot be written is an alarm, no refusal. */
  note(event: string, application: Application, decision: string): Promise<void>;
  close(): Promise<void>;
}

export function openRegistryAudit(context: Context, actor: Actor, db: Kysely<RegistryTables>): RegistryAudit {
  const { wall, grid, log, metrics } = context;
  const sealer = createSealer({ ...context, db: db as unknown as Kysely<ParticipantTables>, sealed: () => {} });
  const records = db as unknown as Kysely<Pick<ParticipantTables, 'audit_record'>>;
  const refusals = createRejectionLog(context, actor, records, () => sealer.nudge(), 'registry.refused');
  return {
    refused: (path, { code, message }) =>
      refusals.record({ action: path, code, reason: path.replace(/^\//, ''), text: message }),
    async note(event, { subscriber_id, key_id }, decision) {
      const text = recordable(`${key_id}: ${decision}`, RECORDED_TEXT);
      const entry = { event_type: `registry.${event}`, counterparty_id: subscriber_id, decision: text };
      const record = JSON.stringify(stamped(entry, actor, wall.nowMs(), grid.nowMs()));
      try {
        await db.insertInto('audit_record').values({ record, seq: null, prev_hash: null, hash: null }).execute();
        sealer.nudge();
      } catch (error) {
        metrics.count('audit_writes_failed');
        log.error({ event, error: String(error) }, 'what the registry did could not be recorded');
      }
    },
    async close() {
      await refusals.close();
      await sealer.sealNow().catch(() => {});
      await sealer.close();
    },
  };
}
