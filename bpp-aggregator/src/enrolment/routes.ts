/** The API of enrolment, below `/api/v1/enrolment`: everybody needs a token, also on a loopback host. */
import { problem } from '@flexder/runtime/page/security.ts';
import { type Express, type Request, Router } from 'express';
import type { Rooms } from '../context.ts';
import { LIMITS } from '../limits.ts';
import { EnrolmentError, historyOf } from './changes.ts';
import { consentRoutes } from './consent-routes.ts';
import { enrolmentDocument } from './document.ts';
import { type Guard, guardOf } from './guard.ts';
import { answering, body, deciderOf, derOf, failures, parsed, withReason } from './http.ts';
import { importEnrolment } from './import.ts';
import { maintenanceRoutes } from './maintenance-routes.ts';
import { statementRoutes } from './statement-routes.ts';
import { endSubscription } from './subscriptions.ts';

export function mountEnrolment(app: Express, rooms: Rooms): void {
  const guard = guardOf(rooms);
  const router = Router();
  programmeRoutes(router, rooms, guard);
  deviceRoutes(router, rooms, guard);
  consentRoutes(router, rooms, guard);
  maintenanceRoutes(router, rooms, guard);
  statementRoutes(router, rooms, guard);
  router.use((_request, response) => problem(response, 404, 'UNKNOWN', 'nothing is served there'));
  app.use('/api/v1/enrolment', router, failures(rooms));
}

function programmeRoutes(router: Router, rooms: Rooms, guard: Guard): void {
  router.get(
    '/programmes',
    guard.needs('viewer'),
    answering(async () => ({ programmes: rooms.programmes.all() })),
  );
  router.post(
    '/import',
    guard.needs('operator'),
    body(LIMITS.enrolmentBytes),
    answering(async (request, response) => {
      const document = parsed(enrolmentDocument, request);
      return importEnrolment(rooms, document, deciderOf(response, 'imported'));
    }),
  );
  router.get(
    '/consumers',
    guard.needs('operator'),
    answering(async (request) => ({
      consumers: (await consumersAfter(rooms, request)).map(({ consumer_id, kind, name, devices }) => ({
        ...{ consumerId: consumer_id, kind, name },
        devices: devices ?? [],
      })),
    })),
  );
  router.post(
    '/consumers/:consumerId/forget',
    guard.needs('operator'),
    answering(async (request) => {
      await forget(rooms, String(request.params.consumerId));
      return { consumerId: request.params.consumerId, name: null };
    }),
  );
}

/** Erases the name of a consumer; what was decided and earned stays, under the pseudonym. */
async function forget(rooms: Rooms, consumerId: string): Promise<void> {
  await rooms.transact(async (work) => {
    const known = await work.db
      .updateTable('consumer')
      .set({ name: null })
      .where('consumer_id', '=', consumerId)
      .returning('consumer_id')
      .executeTakeFirst();
    if (!known) throw new EnrolmentError('UNKNOWN', 'there is no such consumer');
    await work.audit({ event_type: 'consumer.forgotten', decision: 'the name of a consumer was erased' });
  });
}

/** One page, in the order of their ids; `after` is the last of the page before. */
async function consumersAfter({ database }: Rooms, request: Request) {
  const after = typeof request.query.after === 'string' ? request.query.after.slice(0, 256) : '';
  return database
    .selectFrom('consumer')
    .leftJoin('der', 'der.consumer_id', 'consumer.consumer_id')
    .select(({ fn }) => [
      'consumer.consumer_id',
      'consumer.kind',
      'consumer.name',
      fn.agg<string[] | null>('array_agg', ['der.der_id']).filterWhere('der.der_id', 'is not', null).as('devices'),
    ])
    .where('consumer.consumer_id', '>', after)
    .groupBy('consumer.consumer_id')
    .orderBy('consumer.consumer_id')
    .limit(LIMITS.maxRowsShown)
    .execute();
}

function deviceRoutes(router: Router, rooms: Rooms, guard: Guard): void {
  router.get(
    '/devices/:derId',
    guard.needs('viewer'),
    answering(async (request) => shown(rooms, derOf(rooms, request).derNo)),
  );
  router.post(
    '/devices/:derId/unsubscribe',
    guard.needs('operator'),
    body(LIMITS.decisionBytes),
    answering(async (request, response) => {
      const { derId, derNo } = derOf(rooms, request);
      await endSubscription(rooms, derId, deciderOf(response, parsed(withReason, request).reason));
      return shown(rooms, derNo);
    }),
  );
}

/** What holds of a device, and how that came about. */
async function shown({ database }: Rooms, derNo: number) {
  const row = await database.selectFrom('der').selectAll().where('der_no', '=', derNo).executeTakeFirstOrThrow();
  return {
    derId: row.der_id,
    type: row.device_type,
    feederId: row.feeder_id,
    programmeId: row.programme_id,
    consumerId: row.consumer_id,
    essential: row.essential,
    consent: { from: row.consent_from, until: row.consent_until, mode: row.consent_mode },
    maintenanceSince: row.maintenance_since,
    unansweredInARow: row.unanswered,
    history: await historyOf(database, derNo),
  };
}
