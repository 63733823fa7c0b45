/**
 * What the world outside looked like when an event opened: faults, constraints, prices, carbon. From what is held in
 * memory, so that it costs an event nothing; each part with its quality and age, and nothing where nothing is known.
 */
import type { AuditDataSource } from '@flexder/protocol/audit/record.ts';
import { breachedConstraints, type ConstraintView } from './constraints.ts';
import { nationalCarbon } from './datasets/carbon.ts';
import type { AnyDataset } from './datasets/dataset.ts';
import { marketIndex, systemPrices } from './datasets/elexon.ts';
import { constraintReadings, liveFaults } from './datasets/ukpn.ts';
import { type FaultView, openFaults } from './faults.ts';
import type { HeldData, Quality } from './held.ts';
import { CONTEXT_NAMED } from './limits.ts';

/** Where a feeder is in the words of the open data; empty when the network model does not say. */
export interface FeederPlace {
  /** `KT13` or, with its sector, `KT13 8`. */
  readonly postcodes: readonly string[];
  readonly operatingZone: string | null;
  readonly constraintIds: readonly string[];
}

export interface Known<T> {
  readonly quality: Quality;
  /** Since the retrieval, milliseconds; null when nothing was ever read. */
  readonly ageMs: number | null;
  readonly value: T | null;
}

export interface Price {
  readonly gbpPerMwh: number;
  /** Start of the half hour it is of. */
  readonly from: string;
}

export interface CostContext {
  readonly systemPrice: Known<Price>;
  readonly marketIndex: Known<Price>;
}

export interface EventContext extends CostContext {
  /** Wall time. */
  readonly takenAt: string;
  /** `near` are those of the feeder's postcodes or zone; empty when its place is not known. */
  readonly faults: Known<{ readonly total: number; readonly near: readonly FaultView[] }>;
  readonly constraints: Known<{ readonly total: number; readonly breached: readonly ConstraintView[] }>;
  readonly carbon: Known<{ readonly gco2PerKwh: number; readonly from: string; readonly outturn: boolean }>;
  readonly sources: readonly AuditDataSource[];
}

/** @param atMs the instant that prices and carbon are for: the wall time of the event */
export function eventContext(held: HeldData, place: FeederPlace, atMs: number): EventContext {
  const used = [liveFaults, constraintReadings, systemPrices, marketIndex, nationalCarbon];
  const faults = openFaults(held.rows(liveFaults), place);
  const constraints = breachedConstraints(held.rows(constraintReadings), place.constraintIds);
  return {
    takenAt: new Date(atMs).toISOString(),
    faults: known(held, liveFaults, { ...faults, near: faults.near.slice(0, CONTEXT_NAMED) }),
    constraints: known(held, constraintReadings, {
      ...constraints,
      breached: constraints.breached.slice(0, CONTEXT_NAMED),
    }),
    ...costContext(held),
    carbon: known(held, nationalCarbon, carbonAt(held, atMs)),
    sources: auditSources(held, used),
  };
}

export function costContext(held: HeldData): CostContext {
  const system = held.rows(systemPrices).toSorted((a, b) => Date.parse(b.startTime) - Date.parse(a.startTime))[0];
  return {
    systemPrice: known(held, systemPrices, system ? priceOf(system.systemSellPrice, system.startTime) : null),
    marketIndex: known(held, marketIndex, marketPrice(held)),
  };
}

export function costSources(held: HeldData): AuditDataSource[] {
  return auditSources(held, [systemPrices, marketIndex]);
}

function auditSources(held: HeldData, datasets: readonly AnyDataset[]): AuditDataSource[] {
  return datasets.flatMap((dataset) => held.auditSource(dataset) ?? []);
}

function known<T>(held: HeldData, dataset: AnyDataset, value: T | null): Known<T> {
  const quality = held.quality(dataset);
  return { quality, ageMs: held.ageMs(dataset), value: quality === 'missing' ? null : value };
}

function priceOf(gbpPerMwh: number, startTime: string): Price {
  return { gbpPerMwh, from: new Date(startTime).toISOString() };
}

/** Mean over the providers by volume; a half hour without trades has no price. */
function marketPrice(held: HeldData): Price | null {
  const traded = held.rows(marketIndex).filter((row) => row.volume > 0);
  const latest = traded.reduce((ms, row) => Math.max(ms, Date.parse(row.startTime)), Number.NEGATIVE_INFINITY);
  const rows = traded.filter((row) => Date.parse(row.startTime) === latest);
  const volume = rows.reduce((sum, row) => sum + row.volume, 0);
  if (volume === 0) return null;
  const mean = rows.reduce((sum, row) => sum + row.price * row.volume, 0) / volume;
  return priceOf(Math.round(mean * 100) / 100, new Date(latest).toISOString());
}

function carbonAt(held: HeldData, atMs: number) {
  const row = held.rows(nationalCarbon).find(({ from, to }) => Date.parse(from) <= atMs && atMs < Date.parse(to));
  const gco2PerKwh = row?.actual ?? row?.forecast;
  if (!row || gco2PerKwh === null || gco2PerKwh === undefined) return null;
  return { gco2PerKwh, from: new Date(row.from).toISOString(), outturn: row.actual !== null };
}
