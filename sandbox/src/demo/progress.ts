import type { Network } from '../network/network.ts';

/** What the DSO's event stream carries, as far as a terminal shows it; powers kW. */
interface Told {
  readonly type?: string;
  readonly obpId?: string;
  readonly feederId?: string;
  readonly bppId?: string;
  readonly state?: string;
  readonly reason?: string;
  readonly text?: string;
  readonly requestedKw?: number;
  readonly committedKw?: number;
  readonly measuredKw?: number | null;
  readonly isTopUp?: boolean;
}

/** Steps between two lines when nothing else happens: half an hour at one step a minute. */
const QUIET_STEPS = 30;

const kw = (value: number | null | undefined) => (value == null ? '–' : `${Math.round(value * 10) / 10} kW`);

const EVENT: Readonly<Record<string, (told: Told) => string>> = {
  BUYING: (told) => `overload ahead or measured: ${kw(told.requestedKw)} of relief are needed`,
  DISPATCHED: (told) => `bought ${kw(told.committedKw)}; the devices are commanded`,
  RELIEVED: (told) => `relieved: the load fell by ${kw(told.measuredKw)}`,
  SHORT: (told) => `short: the load fell by ${kw(told.measuredKw)} of ${kw(told.committedKw)} promised`,
  RELEASED: () => 'released: the devices return one after the other',
};

const ORDER: Readonly<Record<string, (told: Told) => string>> = {
  SELECTING: (told) => `asks ${told.bppId} for ${kw(told.requestedKw)}`,
  INITIALISING: (told) => (told.reason ? `${told.bppId} ${told.reason}: the rest is planned again` : ''),
  SCHEDULED: (told) => `${told.bppId} confirms ${kw(told.committedKw)}`,
  COMPLETED: (told) => `${told.bppId} has completed ${kw(told.committedKw)}`,
  DECLINED: (told) => `${told.bppId} declines: ${told.reason ?? 'no reason given'}`,
  EXPIRED: (told) => `${told.bppId} is late: ${told.reason ?? 'no answer in time'}`,
  CANCELLED: (told) => `the order with ${told.bppId} is cancelled: ${told.reason ?? 'no reason given'}`,
};

/** One line a change that a person would care for; an empty one for what they would not. */
function sentence(told: Told): string {
  const state = told.state ?? '';
  if (told.type === 'alarm.raised') return `ALARM ${told.text ?? ''}`;
  const words =
    told.type === 'overload.changed' ? EVENT[state]?.(told) : told.type === 'order.changed' ? ORDER[state]?.(told) : '';
  if (!words) return '';
  return told.type === 'overload.changed'
    ? `${told.feederId}: ${words}`
    : `${told.feederId}:   ${told.isTopUp ? 'top-up: ' : ''}${words}`;
}

/** Tells the story on the terminal while it happens: grid time, then what the DSO's event stream says. */
export async function showProgress(
  network: Network,
  say: (line: string) => void,
): Promise<{ step(gridMs: number): void; end(): void }> {
  const clock = () => new Date(network.context.grid.nowMs()).toISOString().slice(11, 19);
  const states = new Map<string, string>();
  let quiet = 0;
  const stop = await network.context.engines.events.subscribe('bap', ({ key, value }) => {
    const told = value as Told;
    const thing = `${told.type} ${told.obpId ?? key}`;
    if (told.type !== 'alarm.raised' && states.get(thing) === told.state) return;
    states.set(thing, told.state ?? '');
    const line = sentence(told);
    if (line === '') return;
    quiet = 0;
    say(`  ${clock()}  ${line}`);
  });
  return {
    step() {
      if (++quiet < QUIET_STEPS) return;
      quiet = 0;
      const loads = network.scenario.feeders.map(
        ({ feederId, limitKw }) =>
          `${feederId} ${Math.round(network.fleet.feederKw.get(feederId) ?? 0)} of ${limitKw} kW`,
      );
      say(`  ${clock()}  ${loads.join(', ')}`);
    },
    end: stop,
  };
}
