import { isIdentifier } from '@flexder/protocol/beckn/identifiers.ts';
import type { Router } from 'express';
import type { Rooms } from '../context.ts';
import { EnrolmentError } from './changes.ts';
import type { Guard } from './guard.ts';
import { statementCsv, statementFrom, statementLines } from './statement.ts';

const MONTH = /^(20\d\d-(?:0[1-9]|1[0-2]))(\.csv)?$/;

/** `/statements/2026-01` sums up by consumer and programme, `/statements/2026-01.csv` lists devices and orders. */
export function statementRoutes(router: Router, rooms: Rooms, guard: Guard): void {
  router.get('/statements/:month', guard.needs('viewer'), (request, response, next) => {
    const answer = async () => {
      const [, month, csv] = MONTH.exec(String(request.params.month)) ?? [];
      if (month === undefined) throw new EnrolmentError('INVALID', 'expected a month as YYYY-MM, or YYYY-MM.csv');
      const { consumer } = request.query;
      if (consumer !== undefined && !isIdentifier(consumer))
        throw new EnrolmentError('INVALID', 'consumer: expected the id of one consumer');
      const lines = await statementLines(rooms, month, consumer);
      response.set('cache-control', 'no-store');
      if (csv === undefined) return response.json(statementFrom(rooms.config.subscriberId, month, lines));
      return response.attachment(`consumers-${month}.csv`).type('text/csv').send(statementCsv(lines));
    };
    answer().catch(next);
  });
}
