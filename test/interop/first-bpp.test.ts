import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { thorough } from '@flexder/runtime/testing/thorough.ts';
import { expect } from 'chai';
import { openDoor } from '../harness/door.ts';
import { TestNetwork } from '../harness/network.ts';
import { openTables } from '../harness/tables.ts';

const MINUTE_MS = 60_000;
/** On a machine with other work a slow turn must not be taken for silence. */
const PATIENT = { gatherBoundMs: 2_000, gatherOverallMs: 2_000 };

interface Told {
  readonly event: string;
  readonly kw?: number;
}

/** The example as a process of its own; what it prints, line by line. */
function startExample(registryUrl: string): {
  child: ChildProcess;
  waitFor(event: string): Promise<Told>;
  /** What it wrote to standard error. */
  complaints(): string;
} {
  const args = ['--registry', registryUrl, '--feeder', 'feeder-1', '--finish-after', '1'];
  const child = spawn(process.execPath, [join(import.meta.dirname, 'first-bpp.mjs'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said: Told[] = [];
  let complaints = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    complaints = `${complaints}${text}`.slice(-4_000);
  });
  const lines = createInterface({ input: child.stdout! });
  lines.on('line', (line) => said.push(JSON.parse(line) as Told));
  const waitFor = async (event: string): Promise<Told> => {
    for (;;) {
      const found = said.find((told) => told.event === event);
      if (found) return found;
      if (child.exitCode !== null)
        throw new Error(`the example ended with ${child.exitCode} before ${event}: ${complaints}`);
      await Promise.race([once(lines, 'line'), once(child, 'exit')]);
    }
  };
  return { child, waitFor, complaints: () => complaints };
}

describe('interop: a BPP of plain Node', function () {
  this.timeout(60_000);

  it('registers, sells, completes an order, and the DSO settles it from its meter document', async () => {
    await using net = await TestNetwork.create({ ders: 0, bpps: 0, bap: PATIENT });
    const example = startExample(net.registry.url);
    try {
      await example.waitFor('subscribed');
      await net.advance(MINUTE_MS);
      net.feeder.push();
      await net.advance(MINUTE_MS);
      const sold = await example.waitFor('switch');
      net.feeder.relax();

      const orders = async () => (await net.api<{ orders: Record<string, unknown>[] }>('/api/v1/orders')).orders;
      // It completes a second after confirm, in wall time, and the DSO then fetches its meter document.
      for (let i = 0; i < 100 && (await orders())[0]?.state !== 'COMPLETED'; i++) await net.context.wall.sleep(100);
      await net.settle();

      const [order, ...more] = await orders();
      expect(more).to.deep.equal([]);
      expect(order).to.include({ bppId: 'first-bpp.example.com', state: 'COMPLETED', promisedKw: sold.kw });
      const summary = await net.api<{ settlement: { rows: number; paymentGbp: string }; commands: number }>(
        '/api/v1/summary',
      );
      expect(summary.commands).to.equal(1);
      // An hour of the sold kW at the price of the example, in three half hours of which two are cut by the window.
      expect(summary.settlement.rows).to.equal(3);
      expect(summary.settlement.paymentGbp).to.equal((sold.kw! * 0.3).toFixed(2));
      const audit = await net.api<{ records: { event_type: string }[] }>('/api/v1/audit?limit=200');
      const kinds = audit.records.map(({ event_type }) => event_type);
      expect(kinds).to.include.members(['overload.detected', 'plan.chosen', 'meter.received', 'settlement.computed']);
      expect(kinds).not.to.include('beckn.rejected');
      const db = await openTables.dso(net);
      const [meter] = await db
        .selectFrom('meter_document')
        .innerJoin('flex_order', 'flex_order.obp_id', 'meter_document.obp_id')
        .select(['meter_document.sha256', 'flex_order.meter_reference'])
        .execute();
      expect(meter!.sha256).to.equal(meter!.meter_reference!.sha256);
      expect(example.complaints()).to.equal('');
    } finally {
      example.child.kill();
    }
  });

  it('is not believed when its quote was altered on the way: nothing is bought from it', async function () {
    thorough.call(this);
    const priced = /"value":"0.30"/;
    await using door = await openDoor(({ action }, body) =>
      action === 'on_select' ? Buffer.from(body.toString('utf8').replace(priced, '"value":"0.90"')) : 'pass',
    );
    await using net = await TestNetwork.create({
      ders: 0,
      bpps: 0,
      port: door.port,
      bap: { publicUrl: door.url, ...PATIENT },
    });
    const example = startExample(net.registry.url);
    try {
      await example.waitFor('subscribed');
      await net.advance(MINUTE_MS);
      net.feeder.push();
      await net.advance(MINUTE_MS);
      expect(door.meddled.map(({ action }) => action)).to.include('on_select');
      expect(new Set(door.answers)).to.deep.equal(new Set([401]));
      expect(example.complaints()).to.contain('AUT_SIGNATURE_INVALID');
      const { orders } = await net.api<{ orders: { state: string; promisedKw: number }[] }>('/api/v1/orders');
      expect(orders).to.have.length.above(0);
      for (const order of orders) expect(order).to.deep.include({ state: 'EXPIRED', promisedKw: 0 });
      const { records } = await net.api<{ records: { event_type: string; code?: string }[] }>(
        '/api/v1/audit?limit=200',
      );
      const refused = records.filter(({ event_type }) => event_type === 'beckn.rejected');
      expect(refused.map(({ code }) => code)).to.include('AUT_SIGNATURE_INVALID');
    } finally {
      example.child.kill();
    }
  });
});
