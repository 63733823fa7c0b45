/** Faults of the network that are not restored, and those of them near a feeder. */
import type { FaultRow } from './datasets/ukpn.ts';
import type { FeederPlace } from './event-context.ts';
import { TEXT_SHOWN } from './limits.ts';

export interface FaultView {
  readonly reference: string;
  /** Planned, Unplanned or Restored, as the source says. */
  readonly type: string | null;
  readonly operatingZone: string | null;
  readonly postcodes: string | null;
  readonly customers: number | null;
  /** Local time without a zone, as the source gives it. */
  readonly since: string | null;
  readonly estimatedRestoration: string | null;
}

/** A fault that has a restoration time is over, though the list keeps it for a while. */
export function openFaults(
  rows: readonly FaultRow[],
  place: FeederPlace,
): { readonly total: number; readonly near: readonly FaultView[] } {
  const open = rows.filter((row) => !row.restoreddatetime);
  return { total: open.length, near: open.filter((row) => isNear(row, place)).map(viewOf) };
}

function isNear(row: FaultRow, { postcodes, operatingZone }: FeederPlace): boolean {
  const zone = row.operatingzone?.trim().toUpperCase();
  if (operatingZone !== null && zone === operatingZone.toUpperCase()) return true;
  const affected = (row.postcodesaffected ?? '').split(/[;,]/).map(sectorOf);
  return postcodes.map(sectorOf).some((own) => affected.some((other) => sameSector(own, other)));
}

interface Sector {
  readonly district: string;
  readonly sector: string;
}

/** `KT13 8` is sector 8 of the district KT13; without a space it is a district alone. */
function sectorOf(text: string): Sector {
  const [district = '', sector = ''] = text.trim().toUpperCase().split(/\s+/);
  return { district, sector: sector.slice(0, 1) };
}

function sameSector(a: Sector, b: Sector): boolean {
  return a.district !== '' && a.district === b.district && (!a.sector || !b.sector || a.sector === b.sector);
}

function viewOf(row: FaultRow): FaultView {
  return {
    reference: row.incidentreference,
    type: row.powercuttype ?? row.incidenttypename,
    operatingZone: row.operatingzone,
    postcodes: row.postcodesaffected?.slice(0, TEXT_SHOWN) ?? null,
    customers: row.nocustomeraffected,
    since: row.receiveddate ?? row.creationdatetime,
    estimatedRestoration: row.estimatedrestorationdate,
  };
}
