/** Events whose offers are gathered at the same time and that compete for them, or feel each other's relief, plan as one. */
import type { FlexOffer } from '@flexder/protocol/flexibility/model.ts';
import { JOINT_NEEDS, TOGETHER_WAIT_MS } from '../../limits.ts';
import { LEAST_REACH } from '../../network-model/limits.ts';
import { modeOf } from '../decisions/modes.ts';
import type { Desk } from '../desk.ts';
import { needOf } from '../discovery/need.ts';
import type { OpenEvent, Purchase } from '../events/event.ts';
import { type JointPart, planTogether } from '../planning/joint.ts';
import type { JointNeed } from '../planning/joint-columns.ts';
import { marketOf } from '../planning/plan.ts';
import { planConditions } from './placing.ts';

/** A purchase that gathers offers, and waits when it has them for those it is coupled with. */
export interface Seat {
  readonly event: OpenEvent;
  readonly purchase: Purchase;
  readonly needKw: number;
  offers: readonly FlexOffer[] | undefined;
  /** Places of its offers, each once. */
  places: readonly Pick<FlexOffer, 'bppId' | 'feederId'>[];
  settle: ((placement: Placement | undefined) => void) | undefined;
}

/** What a purchase makes of a plan that it has in common with others. */
export interface Placement {
  readonly part: JointPart;
  /** Those that may count on what is bought here: the others, unless a person decides first. */
  readonly borrowers: readonly Seat[];
  /** To be called when its orders are in the database, or will not come. */
  placed(): void;
  /** Resolves when that is so for all: only then is it known what each may count on. */
  readonly all: Promise<void>;
}

export class Together {
  readonly #desk: () => Desk;
  readonly #seats = new Set<Seat>();
  /** With a limit for each aggregator the next plan must see what the one before has placed. */
  #last: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(desk: () => Desk) {
    this.#desk = desk;
  }

  get #limited(): boolean {
    return this.#desk().config.maxBppKw !== undefined;
  }

  /** From the moment its search leaves; every seat is left by `plan` or `leave`. */
  enter(event: OpenEvent, purchase: Purchase, needKw: number): Seat {
    const seat: Seat = { event, purchase, needKw, offers: undefined, places: [], settle: undefined };
    this.#seats.add(seat);
    return seat;
  }

  leave(seat: Seat): void {
    this.#seats.delete(seat);
    for (const other of [...this.#seats]) if (other.settle) this.#consider(other);
  }

  /** Undefined at once when nobody is coupled with it; else its part, when all coupled have offers or a bound has passed. */
  plan(seat: Seat, offers: readonly FlexOffer[]): Promise<Placement | undefined> {
    const places = new Map(offers.map((offer) => [JSON.stringify([offer.bppId, offer.feederId]), offer]));
    Object.assign(seat, { offers, places: [...places.values()] });
    if (this.#closed || this.#seats.size === 1) {
      this.#seats.delete(seat);
      return this.#limited ? this.#last.then(() => undefined) : Promise.resolve(undefined);
    }
    return new Promise((resolve) => {
      const stop = this.#desk().context.wall.after(TOGETHER_WAIT_MS, () => this.#run(seat));
      seat.settle = (placement) => {
        stop();
        resolve(placement);
      };
      // One that is not coupled with it may have waited for this one's offers.
      for (const other of [...this.#seats]) if (other.settle) this.#consider(other);
    });
  }

  /** Nobody waits any longer, nor whoever comes yet: the service stops. */
  close(): void {
    this.#closed = true;
    for (const seat of [...this.#seats]) {
      this.#seats.delete(seat);
      seat.settle?.(undefined);
    }
  }

  #consider(seat: Seat): void {
    if (!this.#seats.has(seat)) return;
    if (this.#coupledWith(seat).every((other) => other.settle !== undefined)) this.#run(seat);
  }

  /** Those it is coupled with, directly or by others, itself first. */
  #coupledWith(seat: Seat): Seat[] {
    const group = new Set([seat]);
    for (const member of group)
      for (const other of this.#seats) if (!group.has(other) && this.#mayCouple(member, other)) group.add(other);
    return [...group];
  }

  /** One of them may not know its offers yet: then those of the other tell. */
  #mayCouple(one: Seat, other: Seat): boolean {
    const { reach } = this.#desk();
    if (this.#limited) {
      const bpps = new Set(one.places.map(({ bppId }) => bppId));
      if (!one.offers || !other.offers || other.places.some(({ bppId }) => bpps.has(bppId))) return true;
    }
    if (!reach) return false;
    const felt = (place: Seat['places'][number], { event }: Seat) =>
      reach(place.bppId, place.feederId, event.feederId) >= LEAST_REACH;
    return [...one.places, ...other.places].some((place) => felt(place, one) && felt(place, other));
  }

  /** Plans those of the group that have their offers. */
  #run(seat: Seat): void {
    const ready = this.#coupledWith(seat).filter((member) => member.settle !== undefined);
    // The bound for one plan; the others have a plan of their own behind it.
    const group = ready.slice(0, JOINT_NEEDS);
    for (const member of group) this.#seats.delete(member);
    const planned = (this.#limited ? this.#last : Promise.resolve()).then(() => this.#plan(group));
    if (this.#limited) this.#last = planned.then((placements) => placements[0]?.all);
    for (const member of ready.slice(JOINT_NEEDS)) this.#consider(member);
  }

  async #plan(group: readonly Seat[]): Promise<Placement[]> {
    const desk = this.#desk();
    let parts: (JointPart | undefined)[] = [];
    try {
      if (group.length > 1) {
        const needs = await Promise.all(group.map((seat) => jointNeed(desk, seat)));
        parts = await planTogether(needs, { solver: desk.solver, solveMs: desk.config.planSolveMs });
      }
    } catch (error) {
      desk.context.log.error(
        { error: String(error) },
        'several events could not be planned together: each plans alone',
      );
    }
    return placementsOf(desk, group, parts);
  }
}

function placementsOf(desk: Desk, group: readonly Seat[], parts: readonly (JointPart | undefined)[]): Placement[] {
  const members = group.filter((_, i) => parts[i]);
  let open = members.length;
  let allPlaced = () => {};
  const all = new Promise<void>((resolve) => {
    allPlaced = resolve;
  });
  const placements: Placement[] = [];
  for (const [i, seat] of group.entries()) {
    const part = parts[i];
    if (!part) {
      seat.settle?.(undefined);
      continue;
    }
    let done = false;
    const placed = () => {
      if (done) return;
      done = true;
      if (--open === 0) allPlaced();
    };
    const names = new Set(part.plannedWith.map(({ eventId }) => eventId));
    const borrowers = mayLend(desk, seat) ? members.filter(({ event }) => names.has(event.eventId)) : [];
    placements.push({ part, borrowers, placed, all });
    seat.settle?.(placements.at(-1));
  }
  return placements;
}

/** What waits for a person may not come: nobody counts on it. */
function mayLend({ config }: Desk, { event, purchase }: Seat): boolean {
  if (purchase.isTopUp || purchase.decided) return true;
  const { mode, approveKw, approveGbp } = modeOf(config.modes, event.feederId, event.detectedBy);
  return mode === 'automatic' && approveKw === undefined && approveGbp === undefined;
}

async function jointNeed(desk: Desk, seat: Seat): Promise<JointNeed> {
  const { event, purchase, needKw, offers = [] } = seat;
  const need = needOf(desk, event, purchase, needKw);
  return {
    market: marketOf(need, offers, await planConditions(desk, event, purchase)),
    ...{ needKw, lends: mayLend(desk, seat) },
    essentialKw: desk.config.network?.feeders.get(event.feederId)?.essentialLoads.peakKw ?? 0,
    severity: Math.max(0, needKw - (event.limitKw - event.releaseKw)) / event.limitKw,
  };
}
