import { thorough } from '@flexder/runtime/testing/thorough.ts';
import { expect } from 'chai';
import { SimDatabase } from './database.ts';
import { runSeed } from './run.ts';
import type { World } from './world.ts';

const ORDERS = 2;

describe('seeded simulation', function () {
  this.timeout(120_000);
  let database: SimDatabase;
  before(async () => {
    database = await SimDatabase.open();
  });
  after(() => database.close());
  afterEach(() => {
    database.tamper = (_sql, values) => values;
  });

  const run = (seed: number, sabotage?: (world: World) => void, faultShare?: number) =>
    runSeed({
      seed,
      orders: ORDERS,
      database,
      ...(sabotage && { sabotage }),
      ...(faultShare !== undefined && { faultShare }),
    });

  async function story(seed: number): Promise<string> {
    const { broken, hash, trace } = await run(seed);
    expect(broken, `npm run sim -- --seed ${seed} --orders ${ORDERS}\n${trace.join('\n')}`).to.deep.equal([]);
    return hash;
  }

  it('the invariants hold under faults', () => story(1));

  it('a seed tells one story, and another seed another', async function () {
    thorough.call(this);
    const [two, three] = [await story(2), await story(3)];
    expect(await story(2)).to.equal(two);
    expect(three).to.not.equal(two);
  });

  const calm = 0;

  it('without faults every order that is bought is completed', async function () {
    thorough.call(this);
    const { broken, ends } = await run(8, undefined, calm);
    expect(broken).to.deep.equal([]);
    expect(ends.COMPLETED).to.be.above(0);
    expect(Object.keys(ends).filter((state) => state === 'EXPIRED' || state === 'CANCELLED')).to.deep.equal([]);
  });

  /** A command comes twice to its device, the second time as another one. */
  function executeTwice({ bus }: World): void {
    bus.tamper = (topic, payload) => {
      if (!topic.endsWith('/cmd')) return [payload];
      const command = JSON.parse(payload) as { command_id: string; sequence: number };
      const again = {
        ...command,
        command_id: `${command.command_id.slice(0, -4)}0000`,
        sequence: command.sequence + 1,
      };
      return [payload, JSON.stringify(again)];
    };
  }

  /** A record of an order that changed does not reach its table. */
  function forgetRecords(world: World): void {
    let forgotten = false;
    world.database.tamper = (sql, values) =>
      sql.includes('insert into audit_record')
        ? values.map((value) => {
            if (forgotten || typeof value !== 'string' || !value.includes('"event_type":"order.changed"')) return value;
            forgotten = true;
            const entries = JSON.parse(value) as { event_type: string }[];
            return JSON.stringify(entries.filter((entry) => entry.event_type !== 'order.changed'));
          })
        : values;
  }

  /** What an aggregator reports as delivered is more than its devices measured. */
  function exaggerate(world: World): void {
    world.database.tamper = (sql, values) =>
      sql.startsWith('update "flex_order"') && sql.includes('"meter_document"')
        ? values.map((value) =>
            typeof value === 'string' ? value.replace(/"reductionKw":[-\d.]+/, '"reductionKw":900') : value,
          )
        : values;
  }

  /** The DSO notes another end of an order than the one it is told. */
  function noteAnotherEnd(world: World): void {
    world.database.tamper = (sql, values) =>
      sql.startsWith('update "flex_order"') && sql.includes('"meter_reference"')
        ? values.map((value) => (value === 'COMPLETED' ? 'CANCELLED' : value))
        : values;
  }

  /** A message is acknowledged and kept nowhere. */
  function acknowledgeOnly({ network }: World): void {
    network.acknowledged.push({ by: 'dso-1', action: 'on_status', messageId: 'of nobody' });
  }

  const defects: [defect: string, plant: (world: World) => void, found: RegExp][] = [
    ['a bus that makes a device execute twice', executeTwice, /^I1 .* executed 2 commands/],
    ['a record that is not written', forgetRecords, /^I5 /],
    ['an acknowledgement of what was not kept', acknowledgeOnly, /^I2 .*on_status of nobody: it is lost/],
    ['two sides that disagree', noteAnotherEnd, /^I7 .* CANCELLED at the DSO and COMPLETED at the aggregator/],
    ['a report of more than was measured', exaggerate, /^I4 .*900 kW of devices rated/],
  ];
  for (const [defect, plant, found] of defects) {
    it(`finds ${defect}`, async function () {
      if (plant !== executeTwice) thorough.call(this);
      const { broken } = await run(8, plant, calm);
      expect(
        broken.filter((what) => found.test(what)),
        broken.join('\n'),
      ).not.to.deep.equal([]);
    });
  }
});
