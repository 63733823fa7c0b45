import { type FeederImpact, impactOf } from '@flexder/bap-dso/audit-settlement/reports/impact.ts';
import type { BapTables } from '@flexder/bap-dso/tables.ts';
import type { Kysely } from 'kysely';
import { type Command, print, text, UsageError, type Values } from '../command.ts';
import { DATABASE_OPTION } from '../database-option.ts';
import { openStored } from '../stored.ts';

const command: Command = {
  summary: 'What flexibility did for each feeder and season: peaks with and without, energy, cost, capacity deferred',
  arguments: '--data DIR [--from DATE] [--to DATE] [--json]',
  options: {
    data: { type: 'string', value: 'DIR', help: 'the folder a run was kept in' },
    ...DATABASE_OPTION,
    from: { type: 'string', value: 'DATE', help: 'first London settlement date, YYYY-MM-DD' },
    to: { type: 'string', value: 'DATE', help: 'last one' },
    'gbp-per-kw-year': { type: 'string', value: 'N', help: 'what a kW of new capacity costs a year; no money without' },
    'export-limits': {
      type: 'string',
      value: 'FEEDER=KW,…',
      help: 'flow back beyond which generation would be curtailed; without it nothing is said of renewables',
    },
    json: { type: 'boolean', help: 'one line of JSON' },
  },
  async run(values) {
    const [from, to, price] = [date(values, 'from'), date(values, 'to'), priceOf(values)];
    const exportLimits = exportLimitsOf(values);
    await using stored = await openStored(values);
    const db = stored.database as unknown as Kysely<BapTables>;
    const limits = await limitsOf(db);
    const impact = await impactOf(db, { from, to, limits, exportLimits, reinforcementGbpPerKwYear: price });
    if (values.json === true) print(JSON.stringify(impact));
    else
      print(
        [
          ...impact.feeders.flatMap(lines),
          '',
          impact.method,
          ...impact.notComputed.map((one) => `Not computed: ${one}.`),
        ].join('\n'),
      );
    return impact.feeders.length > 0 ? 0 : 1;
  },
};
export default command;

function lines(of: FeederImpact): string[] {
  const limit = of.limitKw === null ? 'no limit known' : `limit ${of.limitKw} kW`;
  const money = of.gbpPerMwh === null ? '' : ` for £${of.paidGbp.toFixed(2)}, £${of.gbpPerMwh.toFixed(2)}/MWh`;
  const deferred =
    of.deferredKw === null
      ? ''
      : `; ${of.deferredKw} kW of capacity deferred${of.deferredGbpPerYear === null ? '' : `, £${of.deferredGbpPerYear.toFixed(2)} a year`}`;
  return [
    `${of.feederId}, ${of.season}: peak ${of.peakWithKw} kW, without flexibility ${of.peakWithoutKw} kW, ${limit}`,
    `  ${of.activatedHalfHours} of ${of.halfHours} half hours activated, ${of.deliveredMwh} MWh${money}${deferred}`,
    ...(of.renewablesKeptMwh === null
      ? []
      : [`  ${of.renewablesKeptMwh} MWh of renewables kept on, export limit ${of.exportLimitKw} kW`]),
  ];
}

/** The last limit of each feeder that ever had an event; a feeder without one has none here. */
async function limitsOf(db: Kysely<BapTables>): Promise<ReadonlyMap<string, number>> {
  const rows = await db
    .selectFrom('overload')
    .distinctOn('feeder_id')
    .select(['feeder_id', 'limit_kw'])
    .orderBy('feeder_id')
    .orderBy('detected_at', 'desc')
    .execute();
  return new Map(rows.map(({ feeder_id, limit_kw }) => [feeder_id, Number(limit_kw)]));
}

function date(values: Values, name: string): string | undefined {
  const value = text(values, name);
  if (value === undefined || /^\d{4}-\d{2}-\d{2}$/.test(value)) return value;
  throw new UsageError(`--${name} must be a date as YYYY-MM-DD`);
}

function exportLimitsOf(values: Values): ReadonlyMap<string, number> {
  const pairs = (text(values, 'export-limits') ?? '').split(',').filter((pair) => pair !== '');
  return new Map(
    pairs.map((pair) => {
      const [feederId = '', kw = '', ...more] = pair.split('=');
      if (feederId !== '' && more.length === 0 && Number(kw) > 0) return [feederId.trim(), Number(kw)] as const;
      throw new UsageError(`--export-limits takes FEEDER=KW, separated by commas, not ${pair}`);
    }),
  );
}

function priceOf(values: Values): number | undefined {
  const value = text(values, 'gbp-per-kw-year');
  if (value === undefined) return undefined;
  const price = Number(value);
  if (value.trim() !== '' && price >= 0 && price <= 1_000_000) return price;
  throw new UsageError('--gbp-per-kw-year must be a number of pounds from 0 to 1000000');
}
