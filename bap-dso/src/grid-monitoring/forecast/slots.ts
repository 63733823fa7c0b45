/** What the calendar says of a slot, the interval of one reading: shared by all feeders that are read at one pace. */
import { SLOTS_REMEMBERED } from '../../limits.ts';
import { DAY_MS, type DayKind, londonDay, londonOffsetMs, WORKING } from './calendar.ts';

export const HARMONICS = 6;
/** Last day of the same kind that is looked for: a Saturday before a Christmas is a fortnight away. */
const SAME_KIND_DAYS = 15;

export interface SlotFacts {
  readonly slot: number;
  /** Number of the slot in its London day. */
  readonly ofDay: number;
  readonly kind: DayKind;
  /** Slots back to the same London clock time one day and one week before, and on the last day of the same kind. */
  readonly dayBack: number;
  readonly weekBack: number;
  readonly sameKindBack: number;
  /** Sine and cosine of the first to the sixth daily harmonic. */
  readonly harmonics: Float64Array;
}

export class SlotCalendar {
  readonly stepMs: number;
  readonly perDay: number;
  /** By slot modulo its length: what is met again is near in time. */
  readonly #known: (SlotFacts | undefined)[] = new Array(SLOTS_REMEMBERED);

  private constructor(stepMs: number) {
    this.stepMs = stepMs;
    this.perDay = DAY_MS / stepMs;
  }

  static readonly #byStep = new Map<number, SlotCalendar>();

  /** `stepMs` must divide an hour, so that a change of clocks moves whole slots. Throws RangeError otherwise. */
  static of(stepMs: number): SlotCalendar {
    if (!(stepMs >= 60_000) || 3_600_000 % stepMs !== 0) {
      throw new RangeError(`readings ${stepMs} ms apart have no place on a raster of the hour`);
    }
    let calendar = SlotCalendar.#byStep.get(stepMs);
    if (!calendar) {
      calendar = new SlotCalendar(stepMs);
      SlotCalendar.#byStep.set(stepMs, calendar);
    }
    return calendar;
  }

  at(slot: number): SlotFacts {
    const known = this.#known[slot % SLOTS_REMEMBERED];
    if (known?.slot === slot) return known;
    const facts = this.#facts(slot);
    this.#known[slot % SLOTS_REMEMBERED] = facts;
    return facts;
  }

  #facts(slot: number): SlotFacts {
    const { share, kind } = londonDay(slot * this.stepMs);
    const harmonics = new Float64Array(2 * HARMONICS);
    for (let k = 0; k < HARMONICS; k++) {
      harmonics[2 * k] = Math.sin(2 * Math.PI * (k + 1) * share);
      harmonics[2 * k + 1] = Math.cos(2 * Math.PI * (k + 1) * share);
    }
    return {
      slot,
      ofDay: Math.round(share * this.perDay),
      kind,
      dayBack: this.#back(slot, 1),
      weekBack: this.#back(slot, 7),
      sameKindBack: this.#sameKindBack(slot, kind),
      harmonics,
    };
  }

  #back(slot: number, days: number): number {
    const plain = days * this.perDay;
    const shiftMs = londonOffsetMs(slot * this.stepMs) - londonOffsetMs((slot - plain) * this.stepMs);
    return plain - shiftMs / this.stepMs;
  }

  #sameKindBack(slot: number, kind: DayKind): number {
    for (let days = 1; days <= SAME_KIND_DAYS; days++) {
      const back = this.#back(slot, days);
      if (londonDay((slot - back) * this.stepMs).kind === kind) return back;
    }
    return this.#back(slot, 7);
  }
}

export function isQuiet(kind: DayKind): boolean {
  return kind !== WORKING;
}
