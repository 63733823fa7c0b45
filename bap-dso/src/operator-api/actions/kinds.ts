/** The things an operator may do by hand: what each is asked with, what it would do, and how it is done. */

import { EVERYBODY } from '../../flex-orchestration/decisions/restrictions.ts';
import type { OptionName } from '../../flex-orchestration/planning/options.ts';
import { aggregatorViews } from '../aggregators/aggregators.ts';
import type { OperatorApiDeps } from '../deps.ts';
import { whatIfTexts, whatIfWithoutBpp } from '../ders/what-if.ts';
import { decisionViews } from '../events/decisions.ts';
import { type OverloadView, overloadViews } from '../events/overloads.ts';
import { PARAMETER_LENGTH } from '../limits.ts';
import { COMMITTED_STATES, type OrderView, orderViews } from '../orders/orders.ts';
import { BadRequestError } from '../parameters.ts';
import { bapTables } from '../stream/snapshot.ts';
import { DER_ACTIONS } from './ders.ts';
import { type ActionKind, done, type Given, id, type Wanted } from './kind.ts';

const EVENT = { event_id: PARAMETER_LENGTH };
const KW = { kw: 16 };
const MOST_KW = 1_000_000;

export const ACTION_KINDS: Readonly<Record<string, ActionKind>> = {
  'cancel-order': {
    members: { obp_id: PARAMETER_LENGTH },
    async propose(deps, given) {
      const order = await runningOrder(deps, id(given, 'obp_id', 'the OBP id of an order'));
      return {
        effect: {
          order: { obpId: order.obpId, orderId: order.orderId, bppId: order.bppId, state: order.state },
          feederId: order.feederId,
          releasedKw: order.promisedKw,
          says: 'its devices return within minutes; what the feeder still needs is bought from others, as far as there are',
        },
        run: (hand) => deps.hands!.cancelOrder(order.obpId, hand),
      };
    },
  },
  'change-kw': {
    members: { obp_id: PARAMETER_LENGTH, ...KW },
    async propose(deps, given) {
      const order = await changeableOrder(deps, given);
      const kw = kwOf(given);
      return {
        effect: { ...orderOf(order), kw: { from: order.promisedKw, to: kw }, says: CHANGE_SAYS },
        run: (hand) => deps.hands!.changeOrder(order.obpId, { kw }, hand),
      };
    },
  },
  'change-window': {
    members: { obp_id: PARAMETER_LENGTH, start_at: 32, end_at: 32 },
    async propose(deps, given) {
      const order = await changeableOrder(deps, given);
      const window = { startMs: instantOf(given, 'start_at'), endMs: instantOf(given, 'end_at') };
      if (window.endMs <= window.startMs) throw new BadRequestError('end_at', 'expected an instant after start_at');
      return {
        effect: { ...orderOf(order), window: { from: order.window, to: window }, says: CHANGE_SAYS },
        run: (hand) => deps.hands!.changeOrder(order.obpId, { window }, hand),
      };
    },
  },
  'approve-option': {
    members: { ...EVENT, option: 16 },
    async propose(deps, given) {
      const event = await openEvent(deps, given);
      const [decision] = await decisionViews(bapTables(deps), {
        eventId: event.eventId,
        open: true,
        limit: 1,
        offset: 0,
      });
      if (!decision) throw new BadRequestError('event_id', 'nothing of this event waits for a decision');
      const option = decision.options.find(({ name }) => name === given.option);
      if (!option)
        throw new BadRequestError('option', `expected one of ${decision.options.map(({ name }) => name).join(', ')}`);
      return {
        effect: {
          ...eventOf(event),
          option,
          says: `${option.askedKw} kW are bought from ${aggregators(option.orders.length)}, by fresh offers`,
        },
        run: (hand) => done(deps.hands!.decide(event.eventId, option.name as OptionName, hand)),
      };
    },
  },
  'decline-relief': {
    members: EVENT,
    async propose(deps, given) {
      const event = await openEvent(deps, given);
      return {
        effect: { ...eventOf(event), says: 'nothing is bought for this event, also not when the limit is passed' },
        run: (hand) => done(deps.hands!.decide(event.eventId, null, hand)),
      };
    },
  },
  'buy-relief': {
    members: { ...EVENT, ...KW },
    async propose(deps, given) {
      const event = await openEvent(deps, given);
      const kw = kwOf(given);
      return {
        effect: { ...eventOf(event), kw, says: `${kw} kW more are bought, whatever the mode of the feeder` },
        run: (hand) => done(deps.hands!.buy(event.eventId, { kw, emergency: false }, hand)),
      };
    },
  },
  'escalate-event': {
    members: { ...EVENT, ...KW },
    async propose(deps, given) {
      const event = await openEvent(deps, given);
      const kw = kwOf(given);
      const says = `${kw} kW more are bought under emergency terms, and every order of this event from here on; each record says so`;
      return {
        effect: { ...eventOf(event), kw, interventionClass: 'EMERGENCY', says },
        run: (hand) => done(deps.hands!.buy(event.eventId, { kw, emergency: true }, hand)),
      };
    },
  },
  'release-event': {
    members: EVENT,
    async propose(deps, given) {
      const event = await openEvent(deps, given);
      const says =
        'its orders are cancelled and their devices return one after the other; nothing more is bought for it';
      return {
        effect: { ...eventOf(event), releasedKw: event.committedKw, says },
        run: (hand) => done(deps.hands!.release(event.eventId, hand)),
      };
    },
  },
  'track-order': {
    members: { obp_id: PARAMETER_LENGTH },
    propose: (deps, given) => question(deps, given, 'track', 'its aggregator is asked where it can be followed'),
  },
  'ask-support': {
    members: { obp_id: PARAMETER_LENGTH },
    propose: (deps, given) => question(deps, given, 'support', 'its aggregator is asked for a person to call'),
  },
  'exclude-bpp': {
    members: { bpp_id: PARAMETER_LENGTH },
    async propose(deps, given) {
      const bppId = await knownBpp(deps, given);
      const whatIfs = deps.offers ? await whatIfWithoutBpp(bapTables(deps), deps.offers, bppId) : [];
      const says = ['it is asked for nothing more; its running orders go on', whatIfTexts(whatIfs)].filter(Boolean);
      return restriction(deps, bppId, true, says.join('; '));
    },
  },
  'restore-bpp': {
    members: { bpp_id: PARAMETER_LENGTH },
    propose: (deps, given) =>
      restriction(deps, id(given, 'bpp_id', 'the id of an aggregator'), false, 'it is asked again'),
  },
  ...DER_ACTIONS,
  'stop-dispatch': {
    members: {},
    async propose(deps) {
      const says = 'every running order is cancelled, and nothing is bought on any feeder until dispatch is resumed';
      return { effect: { says }, run: (hand) => done(deps.hands!.restrict('stop', EVERYBODY, true, hand)) };
    },
  },
  'resume-dispatch': {
    members: {},
    async propose(deps) {
      const says = 'overloads are relieved again from the next reading on';
      return { effect: { says }, run: (hand) => done(deps.hands!.restrict('stop', EVERYBODY, false, hand)) };
    },
  },
};

const aggregators = (count: number) => (count === 1 ? '1 aggregator' : `${count} aggregators`);

/** A slip of the pen holds nobody back. With the registry away whoever is named is taken for one. */
async function knownBpp(deps: OperatorApiDeps, given: Given): Promise<string> {
  const bppId = id(given, 'bpp_id', 'the id of an aggregator');
  const { aggregators, registryAnswers } = await aggregatorViews(deps);
  if (!registryAnswers || aggregators.some((one) => one.bppId === bppId)) return bppId;
  const known = aggregators.map((one) => one.bppId).join(', ');
  throw new BadRequestError('bpp_id', `no aggregator of that id is subscribed; there are: ${known || 'none'}`);
}

async function question(deps: OperatorApiDeps, given: Given, what: 'track' | 'support', says: string): Promise<Wanted> {
  const obpId = id(given, 'obp_id', 'the OBP id of an order');
  const [order] = await orderViews(bapTables(deps), { obpId, limit: 1, offset: 0 });
  if (!order?.orderId) throw new BadRequestError('obp_id', 'there is no order of that id that its aggregator knows');
  return { effect: { obpId, bppId: order.bppId, says }, run: (hand) => done(deps.hands!.ask(obpId, what, hand)) };
}

async function restriction(deps: OperatorApiDeps, bppId: string, holds: boolean, says: string): Promise<Wanted> {
  return { effect: { bppId, says }, run: (hand) => done(deps.hands!.restrict('exclude-bpp', bppId, holds, hand)) };
}

function kwOf({ kw }: Given): number {
  const value = Number(kw);
  if (/^\d{1,7}(\.\d{1,3})?$/.test(kw ?? '') && value > 0 && value <= MOST_KW) return value;
  throw new BadRequestError('kw', `expected kW above 0, at most ${MOST_KW}, with three decimals at most`);
}

function eventOf({ eventId, feederId, state }: OverloadView) {
  return { event: { eventId, feederId, state } };
}

async function openEvent(deps: OperatorApiDeps, given: Given): Promise<OverloadView> {
  const eventId = id(given, 'event_id', 'the id of an event');
  const [event] = await overloadViews(bapTables(deps), { eventId, limit: 1, offset: 0 });
  if (!event) throw new BadRequestError('event_id', 'there is no such event');
  if (event.state === 'RELEASED') throw new BadRequestError('event_id', 'the event is over: its devices were released');
  return event;
}

const CHANGE_SAYS = 'its aggregator is asked; until it agrees the order stands as it is';

function orderOf({ obpId, orderId, bppId, state, feederId }: OrderView) {
  return { order: { obpId, orderId, bppId, state }, feederId };
}

async function changeableOrder(deps: OperatorApiDeps, given: Given): Promise<OrderView> {
  const order = await runningOrder(deps, id(given, 'obp_id', 'the OBP id of an order'), 'change');
  if (order.state === 'SCHEDULED' || order.state === 'IN_PROGRESS') return order;
  throw new BadRequestError('obp_id', `the order is ${order.state}: there is nothing to change`);
}

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)$/;

/** Grid time. */
function instantOf(given: Given, member: string): number {
  const value = given[member] ?? '';
  const ms = INSTANT.test(value) ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(ms)) throw new BadRequestError(member, 'expected an instant such as 2026-01-15T17:30:00Z');
  return ms;
}

async function runningOrder(deps: OperatorApiDeps, obpId: string, to = 'cancel'): Promise<OrderView> {
  const [order] = await orderViews(bapTables(deps), { obpId, limit: 1, offset: 0 });
  if (!order) throw new BadRequestError('obp_id', 'there is no such order');
  if (!COMMITTED_STATES.has(order.state) || order.state === 'COMPLETED')
    throw new BadRequestError('obp_id', `the order is ${order.state}: there is nothing to ${to}`);
  return order;
}
