import { readFileSync } from 'node:fs';
import { settlementCsv } from '@flexder/bap-dso/audit-settlement/reports/csv.ts';
import { P0282Error, p0282, p0282Flow, pairsWithoutUnit } from '@flexder/bap-dso/audit-settlement/reports/p0282.ts';
import {
  loadSettlementRows,
  ReportTooLargeError,
  settlementReport,
} from '@flexder/bap-dso/audit-settlement/reports/report.ts';
import { statementOf } from '@flexder/bap-dso/audit-settlement/reports/statement.ts';
import { statementCsv, statementText } from '@flexder/bap-dso/audit-settlement/reports/statement-text.ts';
import { usageCsv, usageReport } from '@flexder/bap-dso/audit-settlement/reports/usage-report.ts';
import {
  RUN_TYPES,
  type SettlementConfig,
  settlementConfig,
} from '@flexder/bap-dso/audit-settlement/settlement/config.ts';
import { settlementInput } from '@flexder/bap-dso/audit-settlement/settlement/config-input.ts';
import { revisionsOf } from '@flexder/bap-dso/audit-settlement/settlement/revisions.ts';
import type { BapTables } from '@flexder/bap-dso/tables.ts';
import { systemWallClock } from '@flexder/runtime/clock.ts';
import type { Kysely } from 'kysely';
import { type Command, print, required, say, text, UsageError, type Values } from '../command.ts';
import { DATABASE_OPTION } from '../database-option.ts';
import { openAggregatorFolder, openStored, type Stored } from '../stored.ts';

interface Asked {
  readonly values: Values;
  readonly stored: Stored;
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
  async reconcile({ values, db, dsoId, stored }) {
    const { reconcile } = await import('../../reconcile/reconcile.ts');
    const aggregator = required(values, 'aggregator');
    const config = settlementConfig(dsoId, termsOf(values));
    const folder = text(values, 'aggregator-data');
    await using other = folder === undefined ? undefined : await openAggregatorFolder(folder, aggregator);
    const theirs = other?.database ?? (await stored.aggregator(aggregator));
    const result = await reconcile(db, theirs, aggregator, config);
    print(JSON.stringify(result));
    const { dso, difference } = result.payment_gbp;
    if (result.agreed) say(`Both have the same figures of ${result.orders} orders: £${dso}.`);
    else {
      const apart = result.orders - result.agreed_orders;
      const alone = result.only_dso.length + result.only_aggregator.length;
      say(
        `They differ in ${apart} of ${result.orders} orders, ${alone} more one side alone has; in all by £${difference}.`,
      );
    }
    return result.agreed ? 0 : 1;
  },
};

/** What the parties agreed on, as the DSO's configuration has it. */
function termsOf(values: Values): Partial<SettlementConfig> {
  const path = text(values, 'settings');
  if (path === undefined) return {};
  let given: unknown;
  try {
    given = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new UsageError(`--settings: ${path} cannot be read as JSON: ${String(error)}`);
  }
  const parsed = settlementInput.safeParse(given);
  if (parsed.success) return parsed.data as Partial<SettlementConfig>;
  const problems = parsed.error.issues.map(({ path: at, message }) => `${at.join('.') || 'it'} ${message}`);
  throw new UsageError(`--settings: ${path}: ${problems.join('; ')}`);
}

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
  summary: 'Settlement rows, the flow of a day, statements, usage, revisions; compares with the aggregator',
  arguments: `${Object.keys(VERBS).join('|')} --data DIR`,
  options: {
    data: { type: 'string', value: 'DIR', help: 'the folder a run was kept in' },
    ...DATABASE_OPTION,
    format: { type: 'string', value: 'F', help: 'csv, json or text; which of them, and the default, differ by verb' },
    'obp-id': { type: 'string', value: 'ID', help: 'export: one order only; revisions: the order' },
    'run-type': { type: 'string', value: 'RUN', help: `export, p0282: ${RUN_TYPES.join(', ')} (the newest)` },
    date: { type: 'string', value: 'DATE', help: 'p0282: the settlement date, YYYY-MM-DD' },
    month: { type: 'string', value: 'MONTH', help: 'statement, usage: YYYY-MM' },
    aggregator: {
      type: 'string',
      value: 'ID',
      help: 'statement, reconcile: BPP subscriber id (statement: or lead party)',
    },
    'aggregator-data': {
      type: 'string',
      value: 'DIR',
      help: "reconcile: the aggregator's own folder (the same as DIR)",
    },
    settings: {
      type: 'string',
      value: 'FILE',
      help: 'reconcile: the agreed terms, as FLEXDER_BAP_SETTLEMENT (defaults)',
    },
  },
  async run(values, [verb = '']) {
    const run = Object.hasOwn(VERBS, verb) ? VERBS[verb] : undefined;
    if (!run)
      throw new UsageError(
        `say what to do with the settlement: \`flexder settlement ${Object.keys(VERBS).join('|')}\``,
      );
    await using stored = await openStored(values);
    const db = stored.database as unknown as Kysely<BapTables>;
    return await run({ values, stored, db, dsoId: stored.dsoId }).catch((error: unknown) => {
      if (error instanceof P0282Error || error instanceof ReportTooLargeError) throw new UsageError(error.message);
      throw error;
    });
  },
};
export default command;
