/** ISO 8601 durations with a fixed length: weeks, days, hours, minutes, seconds. Years and months have none. */
const DURATION =
  /^P(?:(\d{1,4})W|(?:(\d{1,5})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,8})M)?(?:(\d{1,9})(?:[.,](\d{1,3}))?S)?)?)$/;
const MS = { week: 604_800_000, day: 86_400_000, hour: 3_600_000, minute: 60_000, second: 1000 };

/** Milliseconds of `PT30S`, `PT1H30M`, `P1D`, `PT0.5S` …; undefined when `text` is no such duration. */
export function parseDuration(text: string): number | undefined {
  const match = DURATION.exec(text);
  if (match === null || text.endsWith('P') || text.endsWith('T')) return undefined;
  const [, weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0, fraction = ''] = match;
  return (
    Number(weeks) * MS.week +
    Number(days) * MS.day +
    Number(hours) * MS.hour +
    Number(minutes) * MS.minute +
    Number(seconds) * MS.second +
    Number(fraction.padEnd(3, '0'))
  );
}

/** The largest units that fit exactly, `PT30S`, `PT15M`, `P1DT2H`, `PT0.25S`; negative and infinite lengths are bugs. */
export function formatDuration(ms: number): string {
  if (!Number.isFinite(ms) || ms < 0) throw new RangeError(`not a length of time: ${ms} ms`);
  let rest = Math.round(ms);
  const take = (unit: number) => {
    const count = Math.floor(rest / unit);
    rest -= count * unit;
    return count;
  };
  const days = take(MS.day);
  const hours = take(MS.hour);
  const minutes = take(MS.minute);
  const seconds = rest / MS.second;
  const time = `${hours ? `${hours}H` : ''}${minutes ? `${minutes}M` : ''}${seconds ? `${seconds}S` : ''}`;
  if (days === 0 && time === '') return 'PT0S';
  return `P${days ? `${days}D` : ''}${time ? `T${time}` : ''}`;
}
