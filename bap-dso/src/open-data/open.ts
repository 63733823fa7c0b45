/** Open data as a part of the DSO: held, refreshed, and asked by events, plans, forecasts and the operator. */
import type { AuditDataSource } from '@flexder/protocol/audit/record.ts';
import type { Context } from '@flexder/runtime/context.ts';
import type { Kysely } from 'kysely';
import type { BapTables } from '../tables.ts';
import type { OpenDataConfig } from './config.ts';
import { DATASETS } from './datasets/all.ts';
import {
  type CostContext,
  costContext,
  costSources,
  type EventContext,
  eventContext,
  type FeederPlace,
} from './event-context.ts';
import { type ExogenousInputs, exogenousInputs } from './exogenous.ts';
import { type DatasetStatus, HeldData } from './held.ts';
import { keep, restore } from './kept.ts';
import { Refresher } from './refresh.ts';
import { openSources } from './sources/open.ts';

export interface OpenData {
  statuses(): DatasetStatus[];
  /** For an event that opens now. */
  eventContext(place: FeederPlace): EventContext;
  /** For a plan that is made now, with the sources of its figures. */
  costContext(): CostContext & { readonly sources: readonly AuditDataSource[] };
  readonly exogenous: ExogenousInputs;
  close(): Promise<void>;
}

/** Starts the refreshes and returns at once: no start of a service waits for a portal. */
export async function openOpenData(context: Context, config: OpenDataConfig, db: Kysely<BapTables>): Promise<OpenData> {
  const { wall, log } = context;
  const held = new HeldData(DATASETS, () => wall.nowMs());
  const restored = await restore(db, DATASETS, held);
  const ended = new AbortController();
  const sources = openSources(context, config, ended.signal);
  const refresher = new Refresher({ context, sources, held, keep: (id, snapshot) => keep(db, id, snapshot) });
  refresher.start(DATASETS);
  log.info({ datasets: DATASETS.length, restored }, 'open data are refreshed');
  return { ...viewOf(held, () => wall.nowMs()), close: () => close(ended, refresher) };
}

/** What is asked of held data. */
export function viewOf(held: HeldData, nowMs: () => number): Omit<OpenData, 'close'> {
  return {
    statuses: () => held.statuses(),
    eventContext: (place) => eventContext(held, place, nowMs()),
    costContext: () => ({ ...costContext(held), sources: costSources(held) }),
    exogenous: exogenousInputs(held),
  };
}

async function close(ended: AbortController, refresher: Refresher): Promise<void> {
  const closed = refresher.close();
  ended.abort(new Error('the service stops'));
  await closed;
}

/** For `/health/ready`: shown, and never the reason for not being ready. */
export function openDataHealth(openData: Pick<OpenData, 'statuses'> | undefined): { ok: true; detail: string } {
  if (!openData) return { ok: true, detail: 'off' };
  const statuses = openData.statuses();
  const fresh = statuses.filter(({ quality }) => quality === 'fresh').length;
  const offline = statuses.filter(({ link }) => link === 'offline' || link === 'timeout').length;
  const ages = statuses.flatMap(({ ageMs }) => ageMs ?? []);
  const known =
    ages.length === 0 ? 'nothing is known yet' : `last known data at most ${minutes(Math.max(...ages))} old`;
  const reach = offline === 0 ? '' : `; offline for ${offline}, ${known}`;
  return { ok: true, detail: `${fresh} of ${statuses.length} data sets fresh${reach}` };
}

function minutes(ms: number): string {
  return `${Math.round(ms / 60_000)} min`;
}
