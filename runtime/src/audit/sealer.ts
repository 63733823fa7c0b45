import { GENESIS_HASH, seal } from '@flexder/protocol/audit/chain.ts';
import type { AuditEntry, AuditRecord } from '@flexder/protocol/audit/record.ts';
import { type Kysely, sql, type Transaction } from 'kysely';
import type { Activity } from '../activity.ts';
import type { WallClock } from '../clock.ts';
import type { Ids } from '../context.ts';
import { lockForTransaction } from '../engines/database/locks.ts';
import type { Logger } from '../logging.ts';
import type { Metrics } from '../metrics.ts';
import type { ParticipantTables, SealedBatch } from '../participant/tables.ts';
import type { OutboxRow } from '../participant/unit-of-work.ts';
import { SEAL_AFTER_MS, SEAL_BATCH, SEAL_BATCHES, SEAL_RETRY_MS, UNSEALED_ALARM_MS } from './limits.ts';

/** Gives unsealed records their place in the chain, which has one end: sealers of one participant take turns. */
export interface Sealer {
  /** Tells that records were written; they are sealed soon after. */
  nudge(): void;
  sealNow(): Promise<void>;
  oldestUnsealedAgeMs(): number;
  close(): Promise<void>;
}

interface SealerDeps {
  readonly db: Kysely<ParticipantTables>;
  readonly wall: WallClock;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly activity: Activity;
  /** Called after each batch with the number of its records. */
  readonly sealed: (records: number) => void;
  /** Where sealed records go next, if anywhere: an outbox row a batch, written with their seals. */
  readonly publish?: { readonly ids: Ids; take(rows: readonly OutboxRow[]): void } | undefined;
}

export function createSealer({ db, wall, log, metrics, activity, sealed: tell, publish }: SealerDeps): Sealer {
  let waitingSinceMs: number | undefined;
  let sealingSinceMs: number | undefined;
  let cancelTimer: (() => void) | undefined;
  let running: Promise<void> = Promise.resolve();
  let closed = false;

  const age = () => {
    const sinceMs = sealingSinceMs ?? waitingSinceMs;
    return sinceMs === undefined ? 0 : Math.max(0, wall.monotonicMs() - sinceMs);
  };

  /** Under a lock: another process of this participant, as during a rolling start, has the same chain. */
  async function sealBatch(): Promise<number> {
    const { records, row } = await db.transaction().execute(async (trx) => {
      await lockForTransaction(trx, 'audit chain');
      let end = await readHead(trx);
      const rows = await trx
        .selectFrom('audit_record')
        .select(['id', 'record'])
        .where('seq', 'is', null)
        .orderBy('id')
        .limit(SEAL_BATCH)
        .execute();
      const sealed: { id: string; record: AuditRecord }[] = [];
      for (const row of rows) {
        const record = seal(row.record as AuditEntry, end.seq + 1, end.hash);
        sealed.push({ id: String(row.id), record });
        end = { seq: record.seq, hash: record.hash };
      }
      if (sealed.length > 0) await writeSealed(trx, sealed);
      return { records: sealed.length, row: await leaveForStream(trx, sealed) };
    });
    if (row) publish?.take([row]);
    tell(records);
    return records;
  }

  /** Which records the event stream is told of, in the transaction that sealed them. */
  async function leaveForStream(
    trx: Transaction<ParticipantTables>,
    sealed: readonly { record: AuditRecord }[],
  ): Promise<OutboxRow | undefined> {
    const [first, last] = [sealed[0], sealed.at(-1)];
    if (!publish || !first || !last) return undefined;
    const payload: SealedBatch = { sealed: { fromSeq: first.record.seq, toSeq: last.record.seq } };
    const row = { id: publish.ids.uuid(), kind: 'event' as const, payload, createdMs: wall.nowMs() };
    const values = { id: row.id, kind: row.kind, payload: JSON.stringify(payload), created: new Date(row.createdMs) };
    const { seq } = await trx.insertInto('outbox').values(values).returning('seq').executeTakeFirstOrThrow();
    return { ...row, seq: Number(seq), deliverBeforeMs: null, attempts: 0 };
  }

  async function run(): Promise<void> {
    // Whoever writes while this runs nudges again and starts a new waiting time.
    sealingSinceMs ??= waitingSinceMs;
    waitingSinceMs = undefined;
    for (let batch = 0; batch < SEAL_BATCHES; batch++) {
      if ((await sealBatch()) < SEAL_BATCH) {
        sealingSinceMs = undefined;
        return;
      }
    }
    arm(0);
  }

  function enqueueRun(): Promise<void> {
    const next = running.then(() => activity.track('audit.seal', run));
    running = next.catch((error: unknown) => {
      metrics.count('audit_seal_failures');
      log.error(
        { error: String(error), ageMs: Math.round(age()) },
        'sealing audit records failed; will be tried again',
      );
      if (!closed) arm(SEAL_RETRY_MS);
    });
    return next;
  }

  function arm(delayMs: number): void {
    if (cancelTimer || closed) return;
    cancelTimer = wall.after(delayMs, () => {
      cancelTimer = undefined;
      metrics.gauge('audit_oldest_unsealed_age', age() / 1000);
      if (age() > UNSEALED_ALARM_MS)
        log.error({ ageMs: Math.round(age()) }, 'audit records wait too long for their seal');
      void enqueueRun().catch(() => {});
    });
  }

  return {
    nudge() {
      waitingSinceMs ??= wall.monotonicMs();
      arm(SEAL_AFTER_MS);
    },
    async sealNow() {
      cancelTimer?.();
      cancelTimer = undefined;
      await enqueueRun();
    },
    oldestUnsealedAgeMs: age,
    async close() {
      closed = true;
      cancelTimer?.();
      cancelTimer = undefined;
      await running;
    },
  };
}

async function readHead(db: Kysely<ParticipantTables>): Promise<{ seq: number; hash: string }> {
  const row = await db
    .selectFrom('audit_record')
    .select(['seq', 'hash'])
    .where('seq', 'is not', null)
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row?.hash ? { seq: Number(row.seq), hash: row.hash } : { seq: 0, hash: GENESIS_HASH };
}

async function writeSealed(db: Kysely<ParticipantTables>, sealed: { id: string; record: AuditRecord }[]) {
  await sql`
    update audit_record set record = s.record, seq = (s.record->>'seq')::bigint,
      prev_hash = s.record->>'prev_hash', hash = s.record->>'hash'
    from jsonb_to_recordset(${JSON.stringify(sealed)}::jsonb) as s(id bigint, record jsonb)
    where audit_record.id = s.id`.execute(db);
}
