/** I4: what is reported as delivered is the sum of readings that devices gave, within their ratings, the same in every ledger. */
import { DSO_ID } from '@flexder/sandbox/network/ids.ts';
import type { World } from '../world.ts';

const HOUR_MS = 3_600_000;
/** Powers of a report are rounded to a watt, energies of a device to a tenth of a watt hour over a slice of minutes. */
const TOLERANCE_KW = 0.05;

interface Reading {
  readonly der_id: string;
  readonly read_at: Date;
  readonly power_kw: number;
  readonly import_kwh: number;
  readonly export_kwh: number;
}

interface Interval {
  readonly startMs: number;
  readonly baselineKw: number;
  readonly actualKw: number;
  readonly reductionKw: number;
}

interface Completed {
  readonly order_id: string;
  readonly order_no: number;
  /** Changes since it was confirmed: then not every device served all of the window. */
  readonly revision: number;
  readonly window_end_at: Date;
  readonly performance: { readonly deliveredKwh: number; readonly intervals: readonly Interval[] };
  readonly meter_document: string;
  readonly devices: readonly string[] | null;
  readonly baseline_kw: number | null;
}

export async function ledger(world: World): Promise<string[]> {
  const broken: string[] = [];
  for (const { subscriberId } of world.scenario.aggregators) {
    const readings = await world.database.rows<Reading>(
      subscriberId,
      'select d.der_id, r.read_at, r.power_kw, r.import_kwh, r.export_kwh from der_reading r join der d using (der_no) order by read_at',
    );
    broken.push(...onlyGiven(world, readings));
    const orders = await world.database.rows<Completed>(
      subscriberId,
      `select o.order_id, o.order_no, o.revision, o.window_end_at, o.performance, o.meter_document,
         (select array_agg(distinct c.der_id order by c.der_id) from command c
          where c.order_no = o.order_no and c.answer = 'ACCEPTED' and c.command_type <> 'RELEASE') as devices,
         (select sum(c.baseline_kw) from command c
          where c.order_no = o.order_no and c.answer = 'ACCEPTED' and c.command_type <> 'RELEASE') as baseline_kw
       from flex_order o where o.state = 'COMPLETED'`,
    );
    for (const order of orders) broken.push(...delivered(world, order, readings), ...(await sameAtDso(world, order)));
  }
  return broken;
}

/** Every reading in the tables is one that its device published, to the last digit. */
function onlyGiven({ bus }: World, readings: readonly Reading[]): string[] {
  const given = new Set<string>();
  for (const { topic, payload } of bus.published) {
    if (!topic.startsWith('flex/') || !topic.endsWith('/telemetry')) continue;
    const told = JSON.parse(payload) as {
      der_id: string;
      ts: string;
      power_kw: number;
      import_kwh: number;
      export_kwh: number;
    };
    given.add(`${told.der_id} ${Date.parse(told.ts)} ${told.power_kw} ${told.import_kwh} ${told.export_kwh}`);
  }
  return readings
    .map((r) => `${r.der_id} ${r.read_at.getTime()} ${r.power_kw} ${r.import_kwh} ${r.export_kwh}`)
    .filter((reading) => !given.has(reading))
    .map((reading) => `the reading ${reading} was never given`);
}

function delivered({ scenario }: World, order: Completed, readings: readonly Reading[]): string[] {
  const broken: string[] = [];
  const devices = order.devices ?? [];
  const { intervals, deliveredKwh } = order.performance;
  const ratedKw = scenario.ders
    .filter((der) => devices.includes(der.derId))
    .reduce((sum, der) => sum + der.ratedKw + (der.params.kind === 'battery' ? der.params.maxExportKw : 0), 0);
  let sumKwh = 0;
  for (const [index, { startMs, reductionKw }] of intervals.entries()) {
    const endMs = intervals[index + 1]?.startMs ?? order.window_end_at.getTime();
    const hours = (endMs - startMs) / HOUR_MS;
    sumKwh += reductionKw * hours;
    const at = `order ${order.order_id} from ${new Date(startMs).toISOString()}`;
    if (reductionKw > ratedKw + TOLERANCE_KW) broken.push(`${at}: ${reductionKw} kW of devices rated ${ratedKw} kW`);
    const parts = devices.map((der) =>
      energyKwh(
        readings.filter((reading) => reading.der_id === der),
        startMs,
        endMs,
      ),
    );
    // Where a register is not known at both ends nothing can be said from outside.
    if (order.revision > 0 || parts.some((part) => part === undefined)) continue;
    const actualKw = parts.reduce((sum: number, part) => sum + (part ?? 0), 0) / hours;
    const expectedKw = (order.baseline_kw ?? 0) - actualKw;
    if (Math.abs(expectedKw - reductionKw) > TOLERANCE_KW * Math.max(1, devices.length))
      broken.push(`${at}: reported ${reductionKw} kW, the readings say ${expectedKw.toFixed(3)} kW`);
  }
  if (Math.abs(sumKwh - deliveredKwh) > 0.002)
    broken.push(`order ${order.order_id}: ${deliveredKwh} kWh is not the sum ${sumKwh}`);
  return broken;
}

/** Net energy of one device, by straight lines between its readings. */
function energyKwh(readings: readonly Reading[], fromMs: number, untilMs: number): number | undefined {
  const at = (ms: number): number | undefined => {
    const before = readings.filter((reading) => reading.read_at.getTime() <= ms).at(-1);
    const after = readings.find((reading) => reading.read_at.getTime() >= ms);
    if (!before || !after) return undefined;
    const [fromKwh, toKwh] = [before.import_kwh - before.export_kwh, after.import_kwh - after.export_kwh];
    const spanMs = after.read_at.getTime() - before.read_at.getTime();
    return spanMs === 0 ? fromKwh : fromKwh + ((ms - before.read_at.getTime()) / spanMs) * (toKwh - fromKwh);
  };
  const [from, until] = [at(fromMs), at(untilMs)];
  return from === undefined || until === undefined ? undefined : until - from;
}

/** The DSO has what the aggregator reported, and settles from the document that it signed for. */
async function sameAtDso({ database }: World, order: Completed): Promise<string[]> {
  const [mine] = await database.rows<{ performance: Completed['performance'] | null; document: unknown }>(
    DSO_ID,
    `select o.performance, m.document from flex_order o left join meter_document m using (obp_id) where o.order_id = $1`,
    [order.order_id],
  );
  const broken: string[] = [];
  if (mine?.performance && mine.performance.deliveredKwh !== order.performance.deliveredKwh)
    broken.push(
      `order ${order.order_id}: ${mine.performance.deliveredKwh} kWh at the DSO, ${order.performance.deliveredKwh} kWh at the aggregator`,
    );
  if (mine?.document && canonical(mine.document) !== canonical(JSON.parse(order.meter_document)))
    broken.push(`order ${order.order_id}: the DSO settles from another meter document`);
  return broken;
}

/** Members in order, so that equal values are equal texts. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  members.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(',')}}`;
}
