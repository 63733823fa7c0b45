/** What one shift tells the next: notes under a name, and a draft of one from what there is. */
import { type Request, type Response, Router } from 'express';
import { type Kysely, type Selectable, sql } from 'kysely';
import type { BapTables } from '../../tables.ts';
import type { Guard } from '../access/guard.ts';
import { alarmViews } from '../alarms/alarms.ts';
import { body, text } from '../body.ts';
import type { OperatorApiDeps } from '../deps.ts';
import { decisionViews, restrictionViews } from '../events/decisions.ts';
import { overloadViews } from '../events/overloads.ts';
import { answering } from '../http.ts';
import { NOTE_LENGTH, PAGE_ROWS } from '../limits.ts';
import { orderViews } from '../orders/orders.ts';
import { BadRequestError, PAGE, page, parameters } from '../parameters.ts';
import { bapTables } from '../stream/snapshot.ts';
import { draftOf } from './handover-draft.ts';
import type { ShiftNoteTable } from './handover-table.ts';

export interface ShiftNoteView {
  readonly noteId: number;
  readonly by: string;
  readonly text: string;
  /** Wall time. */
  readonly at: string;
}

/** Where nobody has written yet, a draft looks back over the longest of a person's sessions. */
const SHIFT_MS = 12 * 3_600_000;
/** What records cannot hold: control characters other than tab and line break. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what it looks for.
const UNPRINTABLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/;

/** A note changes nothing in the field, so it takes one step; it is its own reason. */
export function handoverRoutes(deps: OperatorApiDeps, guard: Guard): Router {
  const router = Router();
  router.get(
    '/v1/handover',
    guard.needs('viewer'),
    answering(async (request) => ({ notes: await noteViews(bapTables(deps), page(parameters(request, PAGE))) })),
  );
  router.get(
    '/v1/handover/draft',
    guard.needs('viewer'),
    answering(async (request) => {
      parameters(request, {});
      return { text: await draft(deps) };
    }),
  );
  router.post(
    '/v1/handover',
    guard.needs('operator'),
    body,
    answering((request, response) => write(deps, guard, request, response)),
  );
  return router;
}

/** Newest first. */
export async function noteViews(
  db: Kysely<BapTables>,
  { limit, offset }: { readonly limit: number; readonly offset: number },
): Promise<ShiftNoteView[]> {
  const query = db.selectFrom('shift_note').selectAll().orderBy('note_id', 'desc');
  const rows = await query.limit(limit).offset(offset).execute();
  return rows.map(viewOf);
}

function viewOf(row: Selectable<ShiftNoteTable>): ShiftNoteView {
  return { noteId: row.note_id, by: row.written_by, text: row.text, at: row.written_wall_at.toISOString() };
}

/** Throws BadRequestError. */
async function write(deps: OperatorApiDeps, guard: Guard, request: Request, response: Response) {
  const { text: note } = text(request, { text: NOTE_LENGTH });
  if (UNPRINTABLE.test(note)) throw new BadRequestError('text', 'expected letters, tabs and line breaks alone');
  const by = guard.askerOf(request).person!.name;
  const written = await deps.participant.transact(async (work) => {
    const row = await work.db
      .insertInto('shift_note')
      .values({ written_by: by, text: note, written_wall_at: new Date(deps.context.wall.nowMs()) })
      .returningAll()
      .executeTakeFirstOrThrow();
    await work.audit({ event_type: 'handover.noted', actor_id: by, actor_role: 'OPERATOR', decision: note });
    return viewOf(row);
  });
  response.status(201);
  return written;
}

async function draft(deps: OperatorApiDeps): Promise<string> {
  const db = bapTables(deps);
  const nowMs = deps.context.wall.nowMs();
  const [last] = await noteViews(db, { limit: 1, offset: 0 });
  const sinceMs = last ? Date.parse(last.at) : nowMs - SHIFT_MS;
  const all = { limit: PAGE_ROWS, offset: 0 };
  return draftOf({
    ...{ nowMs, sinceMs, last },
    names: new Map(deps.feeders().map(({ feederId, name }) => [feederId, name])),
    ...(await countsSince(db, sinceMs)),
    events: await overloadViews(db, { ...all, open: true }),
    decisions: await decisionViews(db, { ...all, open: true }),
    orders: await orderViews(db, all),
    restrictions: await restrictionViews(db),
    alarms: await alarmViews(db, nowMs, all),
  });
}

/** Events and alarms since an instant of wall time. */
async function countsSince(db: Kysely<BapTables>, sinceMs: number): Promise<{ opened: number; raised: number }> {
  const since = new Date(sinceMs);
  const counts = sql<{ opened: number; raised: number }>`select
    (select count(*)::int from overload where detected_wall_at > ${since}) as opened,
    (select count(*)::int from alarm where raised_wall_at > ${since}) as raised`;
  return (await counts.execute(db)).rows[0]!;
}
