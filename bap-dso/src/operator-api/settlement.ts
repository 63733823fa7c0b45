/** Settlement over HTTP: the report as JSON, its rows as CSV. */
import { type Request, Router } from 'express';
import { settlementCsv } from '../audit-settlement/csv.ts';
import { sha256 } from '../audit-settlement/digest.ts';
import { loadSettlementRows, type ReportFilter, settlementReport } from '../audit-settlement/report.ts';
import type { OperatorApiDeps } from './deps.ts';
import { answering } from './http.ts';
import { date, identifier, parameters } from './parameters.ts';
import { bapTables } from './snapshot.ts';

export function settlementRoutes(deps: OperatorApiDeps): Router {
  const router = Router();
  router.get(
    '/v1/settlement.json',
    answering(async (request) => {
      const filter = filterOf(request);
      return settlementReport(await loadSettlementRows(bapTables(deps), filter), filter);
    }),
  );
  router.get('/v1/settlement.csv', (request, response, next) => {
    Promise.resolve()
      .then(async () => {
        const csv = settlementCsv(await loadSettlementRows(bapTables(deps), filterOf(request)));
        response.type('text/csv; charset=utf-8').attachment('settlement.csv');
        response.set('x-content-sha256', sha256(csv)).send(csv);
      })
      .catch(next);
  });
  return router;
}

function filterOf(request: Request): ReportFilter {
  const query = parameters(request, { from: date, to: date, obp_id: identifier, feeder_id: identifier });
  return { from: query.from, to: query.to, obpId: query.obp_id, feederId: query.feeder_id };
}
