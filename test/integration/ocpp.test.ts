/** The simulated evening with every charger on OCPP: orders, answers and settlement as over MQTT. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { thorough } from '@flexder/runtime/testing/thorough.ts';
import { runScenario } from '@flexder/sandbox/demo/run.ts';
import { startNetwork } from '@flexder/sandbox/network/network.ts';
import { eveningPeak } from '@flexder/sandbox/scenario/evening-peak.ts';
import { expect } from 'chai';
import { sql } from 'kysely';
import { openTables } from '../harness/tables.ts';

const FROM_MS = Date.parse('2026-01-15T17:10:00Z');
const UNTIL_MS = Date.parse('2026-01-15T17:40:00Z');

describe('an evening with chargers on OCPP', function () {
  this.timeout(120_000);
  before(thorough);

  it('is dispatched, counted and settled', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'flexder-test-'));
    try {
      const scenario = { ...eveningPeak({ seed: 7, ders: 60, historyDays: 10 }), startMs: FROM_MS, endMs: UNTIL_MS };
      await using network = await startNetwork({
        ...{ scenario, dataDir, port: 0, logLevel: 'silent', time: 'stepped', ocppEvery: 1 },
        bap: { gatherBoundMs: 10_000, gatherOverallMs: 10_000, answerTimeoutMs: 10_000 },
      });
      const summary = await runScenario(network, () => {});
      expect(summary.audit.verified).to.equal(true);
      expect(summary.settlement.rows).to.be.above(0);
      const answers = new Map<string, number>();
      for (const { subscriberId } of scenario.aggregators) {
        const db = await openTables.aggregator(network, subscriberId);
        const { rows } = await sql<{ answer: string | null; count: number }>`
          select answer, count(*)::int as count from command c join charge_point p on p.der_no = c.der_no
          where command_type <> 'RELEASE' group by answer`.execute(db as never);
        for (const { answer, count } of rows)
          answers.set(answer ?? 'silent', (answers.get(answer ?? 'silent') ?? 0) + count);
      }
      expect(answers.get('ACCEPTED')).to.be.above(0);
      // What opts out over MQTT can only refuse over OCPP.
      expect([...answers.keys()]).to.not.include('OPTED_OUT');
    } finally {
      rmSync(dataDir, { recursive: true, force: true });
    }
  });
});
