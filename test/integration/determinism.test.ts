import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { thorough } from '@flexder/runtime/testing/thorough.ts';
import { type DemoSummary, runScenario } from '@flexder/sandbox/demo/run.ts';
import { type Network, startNetwork } from '@flexder/sandbox/network/network.ts';
import { eveningPeak } from '@flexder/sandbox/scenario/evening-peak.ts';
import type { Scenario } from '@flexder/sandbox/scenario/types.ts';
import { expect } from 'chai';
import { openTables } from '../harness/tables.ts';

/** Both overloads begin and are bought here; the rest of the evening adds nothing to the question. */
const FROM_MS = Date.parse('2026-01-15T17:10:00Z');
const UNTIL_MS = Date.parse('2026-01-15T17:40:00Z');

/** With devices of every temper: some refuse, opt out or stay silent. */
function shortEvening(seed: number): Scenario {
  return { ...eveningPeak({ seed, ders: 30, historyDays: 10 }), startMs: FROM_MS, endMs: UNTIL_MS };
}

/** The summary without what may differ: durations, memory, ids, and hashes over them. */
function told(summary: DemoSummary) {
  const { overloads, audit, ...rest } = summary;
  const measuredOnTheWall = ['wallSeconds', 'memoryMb', 'detectionToDispatchMs', 'detectionToAckMs', 'checks', 'ok'];
  return {
    ...Object.fromEntries(Object.entries(rest).filter(([name]) => !measuredOnTheWall.includes(name))),
    overloads: overloads.map(({ eventId: _, ...overload }) => overload),
    records: audit.records,
    verified: audit.verified,
  };
}

/** Every device command as it was given and answered. */
async function commandsOf(network: Network) {
  const all = [];
  for (const { subscriberId } of network.scenario.aggregators) {
    const db = await openTables.aggregator(network, subscriberId);
    all.push(
      ...(await db
        .selectFrom('command')
        .select(['der_id', 'sequence', 'command_type', 'target_kw', 'start_at', 'stop_at', 'issued_at'])
        .select(['release_delay_s', 'answer', 'answered_at', 'life_cycle'])
        .orderBy('der_id')
        .orderBy('sequence')
        .execute()),
    );
  }
  return all;
}

async function run(seed: number) {
  const dataDir = mkdtempSync(join(tmpdir(), 'flexder-test-'));
  try {
    await using network = await startNetwork({
      scenario: shortEvening(seed),
      dataDir,
      port: 0,
      logLevel: 'silent',
      time: 'stepped',
      // Waits on the wall clock, and the machine may be busy: a slow turn must not be taken for a silent BPP.
      bap: { gatherBoundMs: 10_000, gatherOverallMs: 10_000, answerTimeoutMs: 10_000 },
    });
    const summary = await runScenario(network, () => {});
    return { story: told(summary), commands: await commandsOf(network) };
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

describe('the same seed tells the same story', function () {
  this.timeout(120_000);

  before(thorough);
  let first: Awaited<ReturnType<typeof run>>;

  it('to every order, kW, device command and settled penny', async () => {
    first = await run(7);
    const second = await run(7);
    expect(first.story.overloads).to.have.length(2);
    expect(new Set(first.commands.map(({ answer }) => answer)).size).to.be.above(1);
    expect(second.story).to.deep.equal(first.story);
    expect(second.commands).to.deep.equal(first.commands);
  });

  it('and another seed tells another', async () => {
    const other = await run(8);
    expect(other.story).not.to.deep.equal(first.story);
    expect(other.commands).not.to.deep.equal(first.commands);
  });
});
