/** London calendar features of an instant: demand follows the clock on the wall, not UTC. */
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

/** 01:00 UTC on the last Sunday of `month` (0 to 11): when British clocks change. */
function clockChangeMs(year: number, month: number): number {
  const last = new Date(Date.UTC(year, month + 1, 0));
  return Date.UTC(year, month, last.getUTCDate() - last.getUTCDay(), 1);
}

export function isSummerTime(atMs: number): boolean {
  const year = new Date(atMs).getUTCFullYear();
  return atMs >= clockChangeMs(year, 2) && atMs < clockChangeMs(year, 9);
}

/** London time of day as a share of the day, 0 to 1, and whether it is a Saturday or Sunday. */
export function londonDay(atMs: number): { readonly share: number; readonly weekend: boolean } {
  const localMs = atMs + (isSummerTime(atMs) ? HOUR_MS : 0);
  const weekday = new Date(localMs).getUTCDay();
  return { share: (localMs % DAY_MS) / DAY_MS, weekend: weekday === 0 || weekday === 6 };
}
