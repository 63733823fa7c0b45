/**
 * The readings of one feeder on a raster, and what is followed along with them: the usual load by time of day and kind
 * of day (a fast and a slow exponential mean), how the last half day compares with it, and the size of the load.
 * Everything known of a slot is from readings of that slot and before.
 */
import { HISTORY_DAYS } from '../../limits.ts';
import { isQuiet, SlotCalendar } from './slots.ts';

const FAST = 0.3;
const SLOW = 0.1;
const RATIO_HOURS = 12;
/** Loads are divided by the level: a feeder without any load must not divide by zero. */
const LEVEL_MIN = 1e-9;
/** A transfer of load to or from a neighbour is followed between these; beyond them a ratio says nothing. */
const RATIO_MIN = 0.3;
const RATIO_MAX = 3;
/** A gap of this length is drawn as a line once it has ended. */
const BRIDGED_MS = 2 * 3_600_000;

const RINGS = ['load', 'profile', 'slow', 'ratio', 'level'] as const;

/** Everything a history holds, as plain values. */
export interface HistoryState {
  readonly first: number;
  readonly last: number;
  readonly rings: LoadHistory['rings'];
  readonly present: Uint8Array;
  readonly usual: Float32Array;
}

export class LoadHistory {
  readonly calendar: SlotCalendar;
  readonly capacity: number;
  /** First and last slot known; `last` is -1 before the first reading. */
  first = 0;
  last = -1;
  /** Loads in Float32: to a part in ten million, and half the memory of 10,000 feeders. Absent slots are filled in. */
  readonly rings: Readonly<Record<(typeof RINGS)[number], Float32Array>>;
  readonly present: Uint8Array;
  /** Usual load: two kinds of day, fast then slow, by slot of the day. */
  readonly usual: Float32Array;

  constructor(stepMs: number) {
    this.calendar = SlotCalendar.of(stepMs);
    this.capacity = HISTORY_DAYS * this.calendar.perDay;
    // The usual load is known a day ahead, so its rings reach a day further.
    const size = this.capacity + this.calendar.perDay;
    const ring = () => new Float32Array(size).fill(Number.NaN);
    this.rings = { load: ring(), profile: ring(), slow: ring(), ratio: ring(), level: ring() };
    this.present = new Uint8Array(size);
    this.usual = new Float32Array(4 * this.calendar.perDay).fill(Number.NaN);
  }

  state(): HistoryState {
    const { first, last, rings, present, usual } = this;
    return { first, last, rings, present, usual };
  }

  /** Into a history of the same readings. Throws RangeError on one of another size. */
  restore({ first, last, rings, present, usual }: HistoryState): void {
    this.first = first;
    this.last = last;
    for (const name of RINGS) this.rings[name].set(rings[name]);
    this.present.set(present);
    this.usual.set(usual);
  }

  get stepMs(): number {
    return this.calendar.stepMs;
  }

  has(slot: number): boolean {
    return slot >= this.first && slot <= this.last;
  }

  isPresent(slot: number): boolean {
    return this.has(slot) && this.present[slot % this.present.length] === 1;
  }

  /** The reading of a slot, or what fills its gap; NaN outside. */
  load(slot: number): number {
    return this.has(slot) ? this.rings.load[slot % this.present.length]! : Number.NaN;
  }

  /** Usual load of a slot, known a day ahead; NaN where nothing is. */
  profile(slot: number): number {
    return this.#ahead(slot, this.rings.profile);
  }

  slow(slot: number): number {
    return this.#ahead(slot, this.rings.slow);
  }

  /** The last half day against the usual one, about 1. */
  ratio(slot: number): number {
    return this.has(slot) ? this.rings.ratio[slot % this.present.length]! : 1;
  }

  /** Mean absolute load of the day before a slot, above zero. */
  level(slot: number): number {
    return this.has(slot) ? this.rings.level[slot % this.present.length]! : Number.NaN;
  }

  #ahead(slot: number, ring: Float32Array): number {
    const known = slot >= this.first && slot <= this.last + this.calendar.perDay;
    return known ? ring[slot % ring.length]! : Number.NaN;
  }

  /** Readings held; gaps do not count. */
  count(): number {
    let count = 0;
    for (let slot = this.first; slot <= this.last; slot++) count += this.present[slot % this.present.length]!;
    return count;
  }

  /** Lowest and highest reading held. */
  range(): { readonly low: number; readonly high: number } {
    let low = Number.POSITIVE_INFINITY;
    let high = Number.NEGATIVE_INFINITY;
    for (let slot = this.first; slot <= this.last; slot++) {
      if (!this.isPresent(slot)) continue;
      const load = this.load(slot);
      low = Math.min(low, load);
      high = Math.max(high, load);
    }
    return { low, high };
  }

  /** The reading of `slot`, which must be later than the last. Slots between are absent. Throws RangeError otherwise. */
  observe(slot: number, load: number): void {
    if (!Number.isFinite(load)) throw new RangeError(`a load of ${load} is not a reading`);
    if (slot <= this.last) throw new RangeError('a reading must be later than the one before');
    if (this.last < 0 || slot - this.last >= this.capacity) this.#begin(slot);
    const gap = slot - this.last - 1;
    for (let absent = this.last + 1; absent < slot; absent++) this.#take(absent, this.#filler(absent), 0);
    this.#take(slot, load, 1);
    if (gap > 0 && gap * this.stepMs <= BRIDGED_MS) this.#bridge(slot - gap - 1, slot);
  }

  #begin(slot: number): void {
    for (const ring of [...Object.values(this.rings), this.usual]) ring.fill(Number.NaN);
    this.present.fill(0);
    this.first = slot;
    this.last = slot - 1;
  }

  /** Yesterday's course from where the load was last seen. */
  #filler(slot: number): number {
    const back = this.calendar.at(slot).dayBack;
    const moved = this.load(slot - back) - this.load(slot - 1 - back);
    return this.load(slot - 1) + (Number.isFinite(moved) ? moved : 0);
  }

  #bridge(from: number, to: number): void {
    const start = this.load(from);
    const rise = (this.load(to) - start) / (to - from);
    for (let slot = from + 1; slot < to; slot++) {
      this.rings.load[slot % this.present.length] = start + rise * (slot - from);
    }
  }

  #take(slot: number, load: number, present: 0 | 1): void {
    const at = slot % this.present.length;
    this.last = slot;
    this.first = Math.max(this.first, slot - this.capacity + 1);
    this.rings.load[at] = load;
    this.present[at] = present;
    if (present) this.#follow(slot, load);
    this.#tellAhead(slot + this.calendar.perDay);
    this.rings.level[at] = this.#levelAt(slot);
    this.rings.ratio[at] = this.#ratioAt(slot);
  }

  #follow(slot: number, load: number): void {
    const { ofDay, kind } = this.calendar.at(slot);
    const { perDay } = this.calendar;
    const at = (isQuiet(kind) ? 2 * perDay : 0) + ofDay;
    const usual = this.usual;
    usual[at] = Number.isNaN(usual[at]!) ? load : usual[at]! + FAST * (load - usual[at]!);
    usual[at + perDay] = Number.isNaN(usual[at + perDay]!)
      ? load
      : usual[at + perDay]! + SLOW * (load - usual[at + perDay]!);
  }

  /** Of a kind of day not seen yet the other kind is the best that is known. */
  #tellAhead(slot: number): void {
    const { ofDay, kind } = this.calendar.at(slot);
    const { perDay } = this.calendar;
    const own = isQuiet(kind) ? 2 * perDay : 0;
    const other = 2 * perDay - own;
    const pick = (offset: number) => {
      const value = this.usual[own + offset + ofDay]!;
      return Number.isNaN(value) ? this.usual[other + offset + ofDay]! : value;
    };
    this.rings.profile[slot % this.present.length] = pick(0);
    this.rings.slow[slot % this.present.length] = pick(perDay);
  }

  #levelAt(slot: number): number {
    let sum = 0;
    let count = 0;
    for (let back = 0; back < this.calendar.perDay && this.has(slot - back); back++) {
      sum += Math.abs(this.load(slot - back));
      count++;
    }
    return Math.max(sum / count, LEVEL_MIN);
  }

  /** Least squares through the origin, so that a usual load near zero or of changing sign does no harm. */
  #ratioAt(slot: number): number {
    let product = 0;
    let square = 0;
    const slots = (RATIO_HOURS * 3_600_000) / this.stepMs;
    for (let back = 0; back < slots && this.has(slot - back); back++) {
      const usual = this.profile(slot - back);
      if (Number.isNaN(usual)) continue;
      product += this.load(slot - back) * usual;
      square += usual * usual;
    }
    return square > 0 ? Math.min(RATIO_MAX, Math.max(RATIO_MIN, product / square)) : 1;
  }
}
