/** What a device of the attacked aggregator reports, and whether it was heard. */
import { expect } from 'chai';
import type { DeviceNetwork } from './devices.ts';
import type { openTables } from './tables.ts';

const MINUTE_MS = 60_000;

export interface DeviceReadings {
  /** A reading that the aggregator takes, each with the next sequence number. */
  telemetry(derId: string, changes?: object): Record<string, unknown>;
  /** How many readings of a device are stored. */
  readingsOf(derId: string): Promise<number>;
  /** A reading of this device arrives: bus and aggregator are alive. */
  isHeard(derId: string): Promise<void>;
}

export function deviceReadings(
  net: DeviceNetwork,
  db: Awaited<ReturnType<typeof openTables.aggregator>>,
): DeviceReadings {
  let seq = 10_000;
  const readingsOf = async (derId: string) => {
    const rows = await db
      .selectFrom('der_reading')
      .innerJoin('der', 'der.der_no', 'der_reading.der_no')
      .select('read_at')
      .where('der_id', '=', derId)
      .execute();
    return rows.length;
  };
  return {
    readingsOf,
    telemetry: (derId, changes = {}) => ({
      ...{ v: 1, der_id: derId, ts: new Date(net.context.grid.nowMs() + 1_000).toISOString(), seq: seq++ },
      ...{ power_kw: 1, import_kwh: 99_999, export_kwh: 99_999, available_down_kw: 1, mode: 'NORMAL', quality: 'GOOD' },
      ...changes,
    }),
    async isHeard(derId) {
      const before = await readingsOf(derId);
      await net.advance(MINUTE_MS);
      expect(await readingsOf(derId), `${derId} is heard`).to.equal(before + 1);
    },
  };
}
