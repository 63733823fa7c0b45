/** Decimal arithmetic of settlement: half-up, never binary floating point. */
import BigNumber from 'big.js';

/** A constructor of its own, so that no other module's settings round our money. */
const Decimal = BigNumber();
Decimal.DP = 20;
Decimal.RM = Decimal.roundHalfUp;

export type Big = BigNumber;

export function decimal(value: string | number | Big): Big {
  return new Decimal(value);
}

export const ZERO = decimal(0);
export const ONE = decimal(1);

/** Volumes are MWh with 6 places: 1 Wh. */
export const VOLUME_PLACES = 6;
export const MONEY_PLACES = 2;

export function mwhFromKwh(kwh: number | Big): Big {
  return decimal(kwh).div(1000).round(VOLUME_PLACES);
}

export function sum(values: Iterable<Big>): Big {
  let total = ZERO;
  for (const value of values) total = total.plus(value);
  return total;
}

/** Fixed places, without a negative zero. */
export function fixed(value: Big, places: number): string {
  const rounded = value.round(places);
  return (rounded.eq(0) ? ZERO : rounded).toFixed(places);
}
