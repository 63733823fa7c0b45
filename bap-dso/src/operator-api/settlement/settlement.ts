/** Settlement over HTTP: the report and its rows, the flow of a day, statements, usage, revisions. */
import { type Request, type RequestHandler, type Response, Router } from 'express';
import { sha256 } from '../../audit-settlement/digest.ts';
import { settlementCsv } from '../../audit-settlement/reports/csv.ts';
import { P0282Error, p0282, p0282Flow } from '../../audit-settlement/reports/p0282.ts';
import { loadSettlementRows, type ReportFilter, settlementReport } from '../../audit-settlement/reports/report.ts';
import { statementOf } from '../../audit-settlement/reports/statement.ts';
import { statementCsv, statementText } from '../../audit-settlement/reports/statement-text.ts';
import { usageCsv, usageReport } from '../../audit-settlement/reports/usage-report.ts';
import { RUN_TYPES } from '../../audit-settlement/settlement/config.ts';
import { revisionsOf } from '../../audit-settlement/settlement/revisions.ts';
import type { OperatorApiDeps } from '../deps.ts';
import { answering, problem } from '../http.ts';
import { BadRequestError, date, identifier, month, oneOf, parameters } from '../parameters.ts';
import { bapTables } from '../stream/snapshot.ts';

const FORMATS = { csv: 'text/csv; charset=utf-8', text: 'text/plain; charset=utf-8' } as const;

export function settlementRoutes(deps: OperatorApiDeps): Router {
  const router = Router();
  router.get(
    '/v1/settlement.json',
    answering(async (request) => {
      const filter = filterOf(request);
      return settlementReport(await loadSettlementRows(bapTables(deps), filter), filter);
    }),
  );
  router.get(
    '/v1/settlement.csv',
    serving(async (request, response) => {
      const csv = settlementCsv(await loadSettlementRows(bapTables(deps), filterOf(request)));
      response.set('x-content-sha256', sha256(csv));
      file(response, 'settlement.csv', 'csv', csv);
    }),
  );
  router.get(
    '/v1/settlement/p0282',
    serving((request, response) => flow(deps, request, response)),
  );
  router.get(
    '/v1/settlement/statement',
    serving((request, response) => statement(deps, request, response)),
  );
  router.get(
    '/v1/settlement/usage',
    serving((request, response) => usage(deps, request, response)),
  );
  router.get(
    '/v1/settlement/revisions',
    answering(async (request) => {
      const { obp_id } = parameters(request, { obp_id: identifier });
      return { revisions: await revisionsOf(bapTables(deps), needed('obp_id', obp_id)) };
    }),
  );
  return router;
}

async function flow(deps: OperatorApiDeps, request: Request, response: Response): Promise<void> {
  const query = parameters(request, { date, run_type: oneOf(RUN_TYPES), format: oneOf(['json', 'text']) });
  const day = needed('date', query.date);
  const rows = await loadSettlementRows(bapTables(deps), { from: day, to: day, runType: query.run_type });
  try {
    const tree = p0282(day, rows);
    if (query.format !== 'text') return void response.json(tree);
    const writtenAt = new Date(deps.context.wall.nowMs()).toISOString();
    file(response, `P0282001-${day}.txt`, 'text', p0282Flow(tree, deps.config.settlement.dsoId, writtenAt));
  } catch (error) {
    if (!(error instanceof P0282Error)) throw error;
    problem(response, 409, 'NO_FLOW', error.message);
  }
}

async function statement(deps: OperatorApiDeps, request: Request, response: Response): Promise<void> {
  const query = parameters(request, { aggregator: identifier, month, format: oneOf(['json', 'csv', 'text']) });
  const aggregator = needed('aggregator', query.aggregator);
  const inMonth = needed('month', query.month);
  const made = await statementOf(bapTables(deps), deps.config.settlement.dsoId, aggregator, inMonth);
  const { format = 'json' } = query;
  if (format === 'json') return void response.json(made);
  const name = `statement-${aggregator}-${inMonth}.${format === 'csv' ? 'csv' : 'txt'}`;
  file(response, name, format, format === 'csv' ? statementCsv(made) : statementText(made));
}

async function usage(deps: OperatorApiDeps, request: Request, response: Response): Promise<void> {
  const query = parameters(request, { month, format: oneOf(['json', 'csv']) });
  const watched = deps.feeders().map(({ feederId }) => feederId);
  const report = await usageReport(bapTables(deps), needed('month', query.month), watched);
  if (query.format === 'csv') return file(response, `usage-${report.month}.csv`, 'csv', usageCsv(report));
  response.json(report);
}

function file(response: Response, name: string, format: keyof typeof FORMATS, content: string): void {
  response.type(FORMATS[format]).attachment(name);
  // What the name of an attachment says of the type gives way to ours.
  response.type(FORMATS[format]).send(content);
}

function serving(serve: (request: Request, response: Response) => Promise<void>): RequestHandler {
  return (request, response, next) => {
    Promise.resolve()
      .then(() => serve(request, response))
      .catch(next);
  };
}

function needed(name: string, value: string | undefined): string {
  if (value === undefined) throw new BadRequestError(name, 'is required');
  return value;
}

function filterOf(request: Request): ReportFilter {
  const query = parameters(request, {
    from: date,
    to: date,
    obp_id: identifier,
    feeder_id: identifier,
    run_type: oneOf(RUN_TYPES),
  });
  return { from: query.from, to: query.to, obpId: query.obp_id, feederId: query.feeder_id, runType: query.run_type };
}
