import { settlementCsv } from '@flexder/bap-dso/audit-settlement/csv.ts';
import { loadSettlementRows, settlementReport } from '@flexder/bap-dso/audit-settlement/report.ts';
import type { BapTables } from '@flexder/bap-dso/tables.ts';
import type { Kysely } from 'kysely';
import { type Command, print, text, UsageError } from '../command.ts';
import { DATABASE_OPTION } from '../database-option.ts';
import { openStored } from '../stored.ts';

const command: Command = {
  summary: 'Exports the settlement rows: one a meter and half hour, with totals',
  arguments: 'export --data DIR [--format csv|json]',
  options: {
    data: { type: 'string', value: 'DIR', help: 'the folder a run was kept in' },
    ...DATABASE_OPTION,
    format: { type: 'string', value: 'F', help: 'csv or json (csv)' },
    'obp-id': { type: 'string', value: 'ID', help: 'one order only' },
  },
  async run(values, [verb]) {
    if (verb !== 'export') throw new UsageError('say what to do with the settlement: `flexder settlement export`');
    const format = text(values, 'format') ?? 'csv';
    if (format !== 'csv' && format !== 'json')
      throw new UsageError(`--format must be csv or json, not ${JSON.stringify(format)}`);
    await using stored = await openStored(values);
    const filter = { obpId: text(values, 'obp-id') };
    const rows = await loadSettlementRows(stored.database as unknown as Kysely<BapTables>, filter);
    if (format === 'csv') process.stdout.write(settlementCsv(rows));
    else print(JSON.stringify(settlementReport(rows, filter)));
    return rows.length > 0 ? 0 : 1;
  },
};
export default command;
