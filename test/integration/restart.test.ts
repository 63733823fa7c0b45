import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Summary } from '@flexder/bap-dso/operator-api/summary.ts';
import { thorough } from '@flexder/runtime/testing/thorough.ts';
import { layField } from '@flexder/sandbox/network/field.ts';
import { activationBench } from '@flexder/sandbox/scenario/activation-bench.ts';
import { expect } from 'chai';
import { TestNetwork } from '../harness/network.ts';
import { openTables } from '../harness/tables.ts';

const MINUTE_MS = 60_000;
const START_MS = activationBench({ bpps: 0 }).scenario.startMs;

interface Order {
  readonly obpId: string;
  readonly orderId: string;
  readonly state: string;
  readonly promisedKw: number;
  readonly devices: { readonly commands: number; readonly accepted: number };
}

const ordersOf = async (net: TestNetwork) => (await net.api<{ orders: Order[] }>('/api/v1/orders')).orders;

async function commandsOf(net: TestNetwork) {
  const all = [];
  for (const { subscriberId } of net.scenario.aggregators) {
    const db = await openTables.aggregator(net, subscriberId);
    all.push(
      ...(await db
        .selectFrom('command')
        .select(['command_id', 'der_id', 'command_type', 'state', 'answer'])
        .orderBy('der_id')
        .orderBy('sequence')
        .execute()),
    );
  }
  return all;
}

/** Both aggregators sell, every device has answered, and the relief is being delivered. */
async function orderedAndRunning(net: TestNetwork): Promise<void> {
  for (let minute = 0; minute < 2; minute++) await net.advance(MINUTE_MS);
  net.feeder.push(1.4);
  await net.advance(MINUTE_MS);
  net.feeder.relax();
  await net.advance(5 * MINUTE_MS);
  const orders = await ordersOf(net);
  expect(orders.map(({ state }) => state)).to.deep.equal(['IN_PROGRESS', 'IN_PROGRESS']);
}

const promised = (orders: readonly Order[]) =>
  orders.map(({ obpId, orderId, promisedKw, devices }) => [obpId, orderId, promisedKw, devices.commands]);

describe('DSO, aggregators and registry stop in the middle of an activation and start again on their data', function () {
  this.timeout(120_000);
  before(thorough);

  /** The devices stay where they are and go on; what the services knew is on the disk. */
  async function story(stopped: boolean) {
    const dataDir = mkdtempSync(join(tmpdir(), 'flexder-test-'));
    await using field = await layField({ logLevel: 'silent', time: 'stepped', startMs: START_MS });
    const place = { ders: 20, dataDir, databaseUrl: 'pglite:database', field };
    let net = await TestNetwork.create(place);
    try {
      await orderedAndRunning(net);
      const before = { orders: promised(await ordersOf(net)), commands: await commandsOf(net) };
      if (stopped) {
        await net.close();
        net = await TestNetwork.create(place);
      }
      for (let i = 0; i < 24; i++) await net.advance(5 * MINUTE_MS);
      const orders = await ordersOf(net);
      expect(promised(orders)).to.deep.equal(before.orders);
      expect(await commandsOf(net)).to.deep.equal(before.commands);
      expect(net.fleet.counts).to.include({ commandsReceived: before.commands.length, repeated: 0 });
      const { overloads, commands, acks, audit, settlement } = await net.api<Summary>('/api/v1/summary');
      return {
        states: orders.map(({ state }) => state),
        overloads: overloads.map(({ eventId: _, ...overload }) => overload),
        ...{ commands, acks, settlement },
        verified: audit.verified,
      };
    } finally {
      await net.close();
      rmSync(dataDir, { recursive: true, force: true });
    }
  }

  it('and nothing else is different: same commands, same relief, same settlement', async () => {
    const undisturbed = await story(false);
    const restarted = await story(true);
    expect(undisturbed.states).to.deep.equal(['COMPLETED', 'COMPLETED']);
    expect(undisturbed.overloads.map(({ state }) => state)).to.deep.equal(['RELEASED']);
    expect(undisturbed.verified).to.equal(true);
    expect(Number(undisturbed.settlement.paymentGbp)).to.be.above(0);
    expect(restarted).to.deep.equal(undisturbed);
  });
});
