import { RUN_TYPES } from '@flexder/bap-dso/audit-settlement/config.ts';
import { settlementCsv } from '@flexder/bap-dso/audit-settlement/csv.ts';
import { P0282Error, p0282, p0282Flow, pairsWithoutUnit } from '@flexder/bap-dso/audit-settlement/p0282.ts';
import { loadSettlementRows, ReportTooLargeError, settlementReport } from '@flexder/bap-dso/audit-settlement/report.ts';
import { revisionsOf } from '@flexder/bap-dso/audit-settlement/revisions.ts';
import { statementOf } from '@flexder/bap-dso/audit-settlement/statement.ts';
import { statementCsv, statementText } from '@flexder/bap-dso/audit-settlement/statement-text.ts';
import { usageCsv, usageReport } from '@flexder/bap-dso/audit-settlement/usage-report.ts';
import type { BapTables } from '@flexder/bap-dso/tables.ts';
import { systemWallClock } from '@flexder/runtime/clock.ts';
import type { Kysely } from 'kysely';
import { type Command, print, required, say, text, UsageError, type Values } from '../command.ts';
import { DATABASE_OPTION } from '../database-option.ts';
import { openStored } from '../stored.ts';

interface Asked {
  readonly values: Values;
  readonly db: Kysely<BapTables>;
  readonly dsoId: string;
}

/** Each resolves with the exit code; 1 is: there was nothing. */
const VERBS: Record<string, (asked: Asked) => Promise<number>> = {
  async export({ values, db }) {
    const format = oneOf(values, 'format', ['csv', 'json']);
    const filter = { obpId: text(values, 'obp-id'), runType: runType(values) };
    const rows = await loadSettlementRows(db, filter);
    if (format === 'csv') process.stdout.write(settlementCsv(rows));
    else print(JSON.stringify(settlementReport(rows, filter)));
    return rows.length > 0 ? 0 : 1;
  },
  async p0282({ values, db, dsoId }) {
    const date = matching(values, 'date', /^\d{4}-\d{2}-\d{2}$/, 'YYYY-MM-DD');
    const format = oneOf(values, 'format', ['text', 'json']);
    const rows = await loadSettlementRows(db, { from: date, to: date, runType: runType(values) });
    const tree = p0282(date, rows);
    const without = pairsWithoutUnit(tree);
    if (without > 0)
      say(`${without} pairs of MSIDs stand under no BM unit: name the units in the settlement's parties.`);
    if (format === 'json') print(JSON.stringify(tree));
    else process.stdout.write(p0282Flow(tree, dsoId, new Date(systemWallClock().nowMs()).toISOString()));
    return rows.length > 0 ? 0 : 1;
  },
  async statement({ values, db, dsoId }) {
    const format = oneOf(values, 'format', ['text', 'csv', 'json']);
    const statement = await statementOf(db, dsoId, required(values, 'aggregator'), month(values));
    if (format === 'json') print(JSON.stringify(statement));
    else process.stdout.write(format === 'csv' ? statementCsv(statement) : statementText(statement));
    return statement.body.orders.length > 0 ? 0 : 1;
  },
  async usage({ values, db }) {
    const format = oneOf(values, 'format', ['json', 'csv']);
    const report = await usageReport(db, month(values));
    if (format === 'json') print(JSON.stringify(report));
    else process.stdout.write(usageCsv(report));
    return report.activations.length > 0 ? 0 : 1;
  },
  async revisions({ values, db }) {
    const revisions = await revisionsOf(db, required(values, 'obp-id'));
    for (const revision of revisions) print(JSON.stringify(revision));
    return revisions.length > 0 ? 0 : 1;
  },
};

function oneOf<const Value extends string>(values: Values, name: string, allowed: readonly [Value, ...Value[]]): Value {
  const given = text(values, name) ?? allowed[0];
  const found = allowed.find((value) => value === given);
  if (found === undefined)
    throw new UsageError(`--${name} must be ${allowed.join(' or ')} here, not ${JSON.stringify(given)}`);
  return found;
}

function matching(values: Values, name: string, pattern: RegExp, form: string): string {
  const given = required(values, name);
  if (!pattern.test(given)) throw new UsageError(`--${name} must be ${form}, not ${JSON.stringify(given)}`);
  return given;
}

const month = (values: Values) => matching(values, 'month', /^\d{4}-(0[1-9]|1[0-2])$/, 'YYYY-MM');

function runType(values: Values): string | undefined {
  return values['run-type'] === undefined ? undefined : oneOf(values, 'run-type', RUN_TYPES);
}

const command: Command = {
  summary: 'Exports settlement rows, the flow of a day, statements, usage and revisions',
  arguments: `${Object.keys(VERBS).join('|')} --data DIR`,
  options: {
    data: { type: 'string', value: 'DIR', help: 'the folder a run was kept in' },
    ...DATABASE_OPTION,
    format: { type: 'string', value: 'F', help: 'csv, json or text; which of them, and the default, differ by verb' },
    'obp-id': { type: 'string', value: 'ID', help: 'export: one order only; revisions: the order' },
    'run-type': { type: 'string', value: 'RUN', help: `export, p0282: ${RUN_TYPES.join(', ')} (the newest)` },
    date: { type: 'string', value: 'DATE', help: 'p0282: the settlement date, YYYY-MM-DD' },
    month: { type: 'string', value: 'MONTH', help: 'statement, usage: YYYY-MM' },
    aggregator: { type: 'string', value: 'ID', help: 'statement: BPP subscriber id, or id of its lead party' },
  },
  async run(values, [verb = '']) {
    const run = Object.hasOwn(VERBS, verb) ? VERBS[verb] : undefined;
    if (!run)
      throw new UsageError(
        `say what to do with the settlement: \`flexder settlement ${Object.keys(VERBS).join('|')}\``,
      );
    await using stored = await openStored(values);
    const db = stored.database as unknown as Kysely<BapTables>;
    return await run({ values, db, dsoId: stored.dsoId }).catch((error: unknown) => {
      if (error instanceof P0282Error || error instanceof ReportTooLargeError) throw new UsageError(error.message);
      throw error;
    });
  },
};
export default command;
