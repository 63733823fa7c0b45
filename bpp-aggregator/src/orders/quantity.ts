/** Powers on the wire have up to three decimals; this keeps binary fractions from losing a step. */
const GRAIN = 1e-6;

/** The greatest multiple of `step` that is not above `kw`, to three decimals. */
export function floorToStep(kw: number, step: number): number {
  return roundKw(Math.floor(kw / step + GRAIN) * step);
}

export function roundKw(kw: number): number {
  return Math.round(kw * 1000) / 1000;
}
