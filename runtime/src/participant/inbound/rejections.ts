import type { AuditEntry } from '@flexder/protocol/audit/record.ts';
import { isAction } from '@flexder/protocol/beckn/actions.ts';
import type { Kysely } from 'kysely';
import type { Context } from '../../context.ts';
import { within } from '../../service.ts';
import { recordable } from '../facts.ts';
import {
  RECORDED_TEXT,
  REJECTIONS_AT_ONCE,
  REJECTIONS_PER_S,
  REJECTIONS_SUMMARY_MS,
  STORE_TIMEOUT_MS,
} from '../limits.ts';
import type { ParticipantTables, WireHeaders } from '../tables.ts';
import { createTokenBucket } from '../token-bucket.ts';
import { type Actor, stamped } from '../unit-of-work.ts';
import { insertNamed, insertRecord, namesOf } from './refused.ts';

export interface Rejection {
  /** From the path: whatever was asked for. */
  readonly action: string;
  readonly code: string;
  readonly reason: string;
  readonly text: string;
  /** What came, where a body was read. */
  readonly exchange?: Exchange | undefined;
}

/** A message as it was on the wire. */
export interface Exchange {
  readonly body: Buffer;
  readonly headers: WireHeaders;
}

/** Writes one audit record a rejection; above the bound, one a second for all of them, with their number. */
export interface RejectionLog {
  record(rejection: Rejection): Promise<void>;
  close(): Promise<void>;
}

/** A participant's, or those of a service that only records. */
export type RejectionTables = Kysely<Pick<ParticipantTables, 'audit_record'>>;

/** `event` is what a record of it is called, a dotted name. */
export function createRejectionLog(
  context: Pick<Context, 'wall' | 'grid' | 'metrics' | 'log'>,
  actor: Actor,
  db: RejectionTables,
  nudgeSealer: () => void,
  event = 'beckn.rejected',
): RejectionLog {
  const bucket = createTokenBucket(REJECTIONS_AT_ONCE, REJECTIONS_PER_S, context.wall.monotonicMs);
  let uncounted = 0;
  let cancelSummary: (() => void) | undefined;

  async function write(entry: Partial<AuditEntry>, exchange?: Exchange): Promise<void> {
    const record = stamped({ ...entry, event_type: event }, actor, context.wall.nowMs(), context.grid.nowMs());
    const named = exchange && namesOf(exchange.body);
    try {
      const insert = named ? insertNamed(db, record, exchange, named) : insertRecord(db, record);
      await within(context.wall, STORE_TIMEOUT_MS, insert);
      nudgeSealer();
    } catch (error) {
      context.metrics.count('audit_writes_failed');
      context.log.error({ code: entry.code, error: String(error) }, 'a rejection could not be recorded');
    }
  }

  async function summarise(): Promise<void> {
    cancelSummary = undefined;
    const count = uncounted;
    uncounted = 0;
    if (count > 0)
      await write({ code: 'AGGREGATED', decision: `${count} further rejections without a record of their own` });
  }

  return {
    async record({ action, code, reason, text, exchange }) {
      if (bucket.take()) {
        const decision = recordable(`${reason}: ${text}`, RECORDED_TEXT);
        return write({ code, decision, ...(isAction(action) ? { beckn_action: action } : {}) }, exchange);
      }
      uncounted++;
      cancelSummary ??= context.wall.after(REJECTIONS_SUMMARY_MS, () => void summarise());
    },
    async close() {
      cancelSummary?.();
      await summarise();
    },
  };
}
