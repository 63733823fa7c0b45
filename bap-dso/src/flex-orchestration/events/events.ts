/** The open events of the DSO: findings open them, samples and moved orders drive them, one piece of work at a time each. */
import { isFinal } from '@flexder/protocol/flexibility/order-machine.ts';
import { alarmIncomplete, askCompletion, release } from '../../dispatch/release.ts';
import { verify, weigh } from '../../dispatch/relief.ts';
import { acknowledgedTopUp, lostTopUp, rememberLosses } from '../../dispatch/top-up.ts';
import type { Judgement } from '../../dispatch/verification.ts';
import type { AnomalyChange } from '../../grid-monitoring/detection/anomalies.ts';
import { rounded } from '../../grid-monitoring/detection/detection.ts';
import type { MonitoredFeeder, MonitorListener, NamedFinding, Received } from '../../grid-monitoring/monitor.ts';
import { COMPLETION_ASK_MS, COMPLETION_CLOSE_MS, OPEN_EVENTS, TELEMETRY_WAIT_MS } from '../../limits.ts';
import { alarmUnread, recordAnomaly } from '../alarms/alarms.ts';
import { buy, finish, review } from '../buying/buying.ts';
import { armTiers, releaseTier, takeUpTiers } from '../buying/fallback.ts';
import { borrowersOf, lendersOf, ordersFelt, ownOf } from '../buying/lent.ts';
import { place } from '../buying/placing.ts';
import { askByRule, wishOf } from '../changes/by-rule.ts';
import { awaitChanges } from '../changes/late.ts';
import { takeUpDecision } from '../decisions/decide.ts';
import { TooLateError } from '../decisions/too-late.ts';
import type { Desk, OrderRow } from '../desk.ts';
import { AWAITING, BOUGHT, feltKw } from '../orders/orders.ts';
import { newPurchase, type OpenEvent, type Purchase } from './event.ts';
import { eventFrom } from './opening.ts';
import { insertOverload, writePeak } from './overloads.ts';
import { eventFromRow, purchaseUnderWay, topUpsOf, unfinishedEvents } from './resume.ts';
import { Turns } from './turns.ts';

/** What events ask of Grid Monitoring. */
export interface FeederWatch {
  feeder(feederId: string): MonitoredFeeder | undefined;
  reopen(feederId: string): void;
  released(feederId: string, atMs: number): void;
}

export class Events implements MonitorListener {
  readonly #desk: () => Desk;
  readonly #watch: FeederWatch;
  readonly #events = new Map<string, OpenEvent>();
  readonly #byFeeder = new Map<string, OpenEvent>();
  readonly #turns: Turns;

  constructor(desk: () => Desk, watch: FeederWatch) {
    this.#desk = desk;
    this.#watch = watch;
    this.#turns = new Turns(desk, (event) => this.#advance(event));
  }

  get open(): number {
    return this.#byFeeder.size;
  }

  /** The open event of a feeder; undefined when there is none. */
  eventOf(feederId: string): OpenEvent | undefined {
    return this.#byFeeder.get(feederId);
  }

  /** `onOpened` is called when the event is in the database; the promise ends when its first purchase is under way. */
  async onFinding(
    feeder: MonitoredFeeder,
    finding: NamedFinding,
    received: Received,
    onOpened: () => void = () => {},
  ): Promise<void> {
    const desk = this.#desk();
    if (this.#turns.closed) return;
    if (this.#events.size >= OPEN_EVENTS) throw new Error(`${OPEN_EVENTS} events are open`);
    const event = eventFrom(desk, feeder, finding);
    const purchase = newPurchase('need', event.requestedKw, event.window, received.wallMs);
    event.purchase = purchase;
    this.#add(event);
    let opened = false;
    const buying = () =>
      buy(desk, event, purchase, event.requestedKw, async (work) => {
        await insertOverload(desk, work, event, feeder, finding, received);
        work.afterCommit(() => {
          opened = true;
          onOpened();
        });
      });
    await this.#turns.take(event, async () => {
      try {
        await buying();
      } catch (error) {
        if (!opened) {
          this.#remove(event);
          throw error;
        }
        this.#turns.again(event, error);
      }
    });
    this.moved(event.eventId);
  }

  /** A person hears of it; nothing is bought for it. */
  async onAnomaly(change: AnomalyChange): Promise<void> {
    if (this.#turns.closed) return;
    await this.#desk().participant.transact((work) => recordAnomaly(this.#desk(), work, change));
  }

  onSample(feeder: MonitoredFeeder, received: Received): void {
    const event = this.#byFeeder.get(feeder.config.feederId);
    if (!event) return;
    const judgement = weigh(event, feeder);
    if (judgement) this.#judge(event, feeder, judgement, received.wallMs);
    else if (!this.#changeByRule(event, feeder) && event.peakDirty) this.#writePeak(event);
  }

  /** True when running orders are to be changed. */
  #changeByRule(event: OpenEvent, feeder: MonitoredFeeder): boolean {
    const { config, context } = this.#desk();
    const nowMs = context.grid.nowMs();
    const wish = config.orderChanges === 'by-rule' ? wishOf(event, feeder, nowMs) : undefined;
    if (!wish) return false;
    event.changedAtMs = nowMs;
    this.#turns.step(event, () => askByRule(this.#desk(), event, wish));
    return true;
  }

  /** Peaks that come while one is being written go with the next. */
  #writePeak(event: OpenEvent): void {
    event.peakDirty = false;
    this.#turns.step(event, () => writePeak(this.#desk(), event));
  }

  /** An order of this event moved: what follows is decided in the turn of each event that it concerns. */
  moved(eventId: string): void {
    // Who counts on one of its orders hears of it, too.
    const concerned = [this.#events.get(eventId) ?? [], borrowersOf(this.#events.values(), eventId)].flat();
    for (const event of concerned) this.#turns.step(event, () => this.#advance(event));
  }

  /** There may be means again where they were used up. */
  reconsider(): void {
    for (const event of this.#events.values()) event.exhausted = false;
  }

  /** Runs in the turn of an open event, which then goes on with what came of it. Throws TooLateError where there is none. */
  async inTurn(eventId: string, run: (event: OpenEvent) => Promise<void>): Promise<void> {
    const event = this.#events.get(eventId);
    if (!event || this.#turns.closed) throw new TooLateError(`no event ${eventId} is open`);
    await this.#turns.take(event, () => run(event));
    this.moved(eventId);
  }

  /** Open events of before the restart go on where their rows say they were. */
  async resume(): Promise<void> {
    const desk = this.#desk();
    const rows = await unfinishedEvents(desk.participant.database);
    for (const row of rows) await this.#takeUp(eventFromRow(row, desk.context.grid.nowMs()));
  }

  async #takeUp(event: OpenEvent): Promise<void> {
    const desk = this.#desk();
    for (const [obpId, lender] of await lendersOf(desk.participant.database, event.eventId))
      event.lent.set(obpId, lender);
    const orders = await ordersFelt(desk.participant.database, event);
    event.topUps = await topUpsOf(desk.participant.database, event.eventId);
    rememberLosses(event, orders);
    event.endMs = Math.max(event.window.endMs, ...ownOf(event, orders).map((order) => order.selection.window.endMs));
    event.purchase = purchaseUnderWay(event, orders, desk.context.wall.nowMs());
    await takeUpTiers(desk.participant.database, event);
    await takeUpDecision(desk, event);
    const awaiting = ownOf(event, orders).filter((order) => AWAITING.includes(order.state));
    if (event.state !== 'RELEASED') this.#watch.reopen(event.feederId);
    this.#add(event);
    if (!event.purchase) this.#expectRelief(event);
    for (const order of awaiting) desk.deadlines.expect(order.obp_id, desk.config.answerTimeoutMs);
    await awaitChanges(desk, event.eventId);
    this.#armEnd(event);
    this.moved(event.eventId);
  }

  /** One pass over what an event is at: its purchase, its losses, its end. */
  async #advance(event: OpenEvent): Promise<void> {
    const desk = this.#desk();
    if (event.purchase) {
      await this.#settlePurchase(event, event.purchase);
      if (event.purchase) return;
    }
    const orders = await this.#orders(event);
    const own = ownOf(event, orders);
    this.#prolong(event, own);
    if (event.state !== 'RELEASED') {
      const topUp = (await lostTopUp(desk, event, orders)) ?? (await acknowledgedTopUp(desk, event, orders));
      if (topUp) return this.#topUp(event, topUp);
      if (!(await release(desk, event, own))) return;
      this.#release(event);
    }
    if (own.every((order) => isFinal(order.state))) this.#remove(event);
  }

  /** A change may have moved the end of an order beyond all others. */
  #prolong(event: OpenEvent, orders: readonly OrderRow[]): void {
    const bought = orders.filter((order) => BOUGHT.includes(order.state));
    const endMs = Math.max(...bought.map((order) => order.selection.window.endMs));
    if (endMs <= event.endMs) return;
    event.endMs = endMs;
    this.#armEnd(event);
  }

  async #settlePurchase(event: OpenEvent, purchase: Purchase): Promise<void> {
    const desk = this.#desk();
    if (!(await review(desk, event, purchase, await this.#orders(event)))) return;
    const orders = await this.#orders(event);
    await finish(desk, event, purchase, orders);
    event.purchase = undefined;
    this.#expectRelief(event);
    this.#armEnd(event);
    await armTiers(desk, event, purchase, orders);
  }

  async #orders(event: OpenEvent): Promise<OrderRow[]> {
    const orders = await ordersFelt(this.#desk().participant.database, event);
    const bought = orders.filter((order) => BOUGHT.includes(order.state));
    const felt = (order: OrderRow) => feltKw(order, order.committed_kw) || order.expected_kw;
    event.committedKw = rounded(bought.reduce((sum, order) => sum + felt(order), 0));
    return orders;
  }

  async #topUp(event: OpenEvent, topUp: Purchase): Promise<void> {
    event.purchase = topUp;
    const desk = this.#desk();
    // A tier that each of two takes up for the same loss would be bought twice: they search, and plan as one.
    const shares = event.lent.size > 0 || borrowersOf(this.#events.values(), event.eventId).length > 0;
    const ready =
      !shares &&
      topUp.failed !== undefined &&
      (await releaseTier(desk, event, topUp, `${topUp.needKw} kW are missing`));
    if (ready) await place(desk, event, topUp, topUp.needKw);
    else await buy(desk, event, topUp, topUp.needKw, async () => {});
    await this.#advance(event);
  }

  #judge(event: OpenEvent, feeder: MonitoredFeeder, judgement: Judgement, wallMs: number): void {
    event.judging = true;
    this.#turns.step(event, async () => {
      try {
        const topUp = await verify(this.#desk(), event, feeder, judgement, wallMs);
        if (topUp) await this.#topUp(event, topUp);
      } finally {
        event.judging = false;
      }
    });
  }

  /** Relief is judged from the first sample after it is due; no sample at all is an alarm. */
  #expectRelief(event: OpenEvent): void {
    const { context, config } = this.#desk();
    const dueAtMs = Math.max(context.grid.nowMs(), event.window.startMs) + config.verifyAfterSeconds * 1_000;
    event.dueAtMs = dueAtMs;
    event.peakFromMs ??= dueAtMs;
    if (config.acknowledgeWithinSeconds > 0) {
      event.answersDueMs = context.grid.nowMs() + config.acknowledgeWithinSeconds * 1_000;
      this.#turns.at(event, event.answersDueMs, 'answers', () => this.#advance(event));
    }
    this.#turns.at(event, dueAtMs + TELEMETRY_WAIT_MS, 'telemetry', async () => {
      const lastMs = this.#watch.feeder(event.feederId)?.sample?.atMs ?? Number.NEGATIVE_INFINITY;
      if (lastMs >= dueAtMs || event.state === 'RELEASED') return;
      await alarmUnread(this.#desk(), event);
    });
  }

  #armEnd(event: OpenEvent): void {
    const { endMs } = event;
    const ends = event.state === 'RELEASED' ? [] : [...new Set([event.window.endMs, endMs])];
    for (const atMs of ends) this.#turns.at(event, atMs, 'end', () => this.#advance(event));
    // A top-up may have prolonged the event since: its later end has timers of its own.
    const isLast = () => event.endMs === endMs;
    this.#turns.at(event, endMs + COMPLETION_ASK_MS, 'completion', async () => {
      if (isLast()) await askCompletion(this.#desk(), ownOf(event, await this.#orders(event)));
    });
    this.#turns.at(event, endMs + COMPLETION_CLOSE_MS, 'close', async () => {
      if (!isLast()) return;
      await alarmIncomplete(this.#desk(), event, ownOf(event, await this.#orders(event)));
      this.#remove(event);
    });
  }

  #add(event: OpenEvent): void {
    this.#events.set(event.eventId, event);
    if (event.state !== 'RELEASED') this.#byFeeder.set(event.feederId, event);
  }

  #release(event: OpenEvent): void {
    if (this.#byFeeder.get(event.feederId) === event) this.#byFeeder.delete(event.feederId);
    this.#watch.released(event.feederId, this.#desk().context.grid.nowMs());
  }

  #remove(event: OpenEvent): void {
    for (const cancel of event.cancelTimers) cancel();
    event.cancelTimers = [];
    this.#events.delete(event.eventId);
    if (this.#byFeeder.get(event.feederId) === event) this.#byFeeder.delete(event.feederId);
  }

  /** No more work is begun; what runs may end. */
  async close(): Promise<void> {
    await this.#turns.close([...this.#events.values()]);
  }
}
