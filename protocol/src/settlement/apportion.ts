import { type Big, decimal, sum, VOLUME_PLACES, ZERO } from './decimal.ts';

export interface Share {
  readonly instructed: Big;
  readonly deliveredCapped: Big;
}

/**
 * Splits what an order was instructed to deliver in one settlement period over its meters (all MWh, 6 places).
 *
 * An order instructs an aggregator, which spreads it over devices unseen by the DSO; so the split follows delivery.
 * A pair that delivered is credited with its part of the order's *net* delivery, capped at the instruction: what one
 * meter took more is not paid on another. The rest of the instruction is the shortfall and lies with the pairs that
 * delivered nothing, or with all when each delivered. Hence, exactly: the instructed shares add up to `instructed`,
 * each capped volume is `max(0, min(delivered, instructed share))`, and they add up to the net delivery within the cap
 * (a rounding of 1 Wh a pair aside).
 */
export function apportion(delivered: readonly Big[], instructed: Big): Share[] {
  const positive = delivered.map((volume) => (volume.gt(0) ? volume : ZERO));
  const gross = sum(positive);
  const net = clamp(sum(delivered), instructed);
  const credited = positive.map((volume) =>
    gross.gt(0) ? volume.times(net).div(gross).round(VOLUME_PLACES, 0) : ZERO,
  );
  const idle = delivered.flatMap((volume, index) => (volume.gt(0) ? [] : [index]));
  const carriers = idle.length > 0 ? idle : delivered.map((_, index) => index);
  const shortfall = spread(instructed.minus(sum(credited)), carriers.length);
  const shares = [...credited];
  carriers.forEach((index, turn) => {
    shares[index] = (shares[index] ?? ZERO).plus(shortfall[turn] ?? ZERO);
  });
  return shares.map((share, index) => ({
    instructed: share,
    deliveredCapped: clamp(delivered[index] ?? ZERO, share),
  }));
}

function clamp(value: Big, ceiling: Big): Big {
  if (value.lte(0)) return ZERO;
  return value.gt(ceiling) ? ceiling : value;
}

/** `count` parts that add up to `total` exactly; the first ones carry the odd watt-hours. */
function spread(total: Big, count: number): Big[] {
  if (count === 0) return [];
  const step = decimal(1).div(decimal(10).pow(VOLUME_PLACES));
  const part = total.div(count).round(VOLUME_PLACES, 0);
  const odd = Number(total.minus(part.times(count)).div(step).round(0).toString());
  return Array.from({ length: count }, (_, index) => (index < odd ? part.plus(step) : part));
}
