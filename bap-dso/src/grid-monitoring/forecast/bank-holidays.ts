/** Bank holidays of England and Wales, by rule; proclaimed exceptions are listed. Demand on them is a Sunday's. */
const DAY_MS = 86_400_000;
const MONDAY = 1;

/** Proclaimed beside the rule, and days that the rule would name and a proclamation moved. */
const ADDED = ['1999-12-31', '2002-06-03', '2002-06-04', '2011-04-29', '2012-06-04', '2012-06-05', '2020-05-08'].concat(
  ['2022-06-02', '2022-06-03', '2022-09-19', '2023-05-08'],
);
const MOVED = ['2002-05-27', '2012-05-28', '2020-05-04', '2022-05-30'];

const years = new Map<number, ReadonlySet<string>>();

/** `date`: midnight UTC of a calendar day, milliseconds. */
export function isBankHoliday(dateMs: number): boolean {
  const year = new Date(dateMs).getUTCFullYear();
  let days = years.get(year);
  if (!days) {
    days = bankHolidays(year);
    years.set(year, days);
  }
  return days.has(iso(dateMs));
}

/** ISO dates of one year. */
export function bankHolidays(year: number): ReadonlySet<string> {
  const easterMs = easterSunday(year);
  const days = [
    ...observed([Date.UTC(year, 0, 1)]),
    easterMs - 2 * DAY_MS,
    easterMs + DAY_MS,
    mondayFrom(Date.UTC(year, 4, 1)),
    mondayFrom(Date.UTC(year, 4, 25)),
    mondayFrom(Date.UTC(year, 7, 25)),
    ...observed([Date.UTC(year, 11, 25), Date.UTC(year, 11, 26)]),
  ].map(iso);
  const proclaimed = ADDED.filter((day) => day.startsWith(`${year}-`));
  return new Set([...days.filter((day) => !MOVED.includes(day)), ...proclaimed]);
}

/** Days that fall on a weekend are observed on the next free weekdays; they stay quiet days by their weekday. */
function observed(days: readonly number[]): number[] {
  const taken: number[] = days.filter((day) => !isWeekend(day));
  for (const day of days.filter(isWeekend)) {
    let substitute = day + DAY_MS;
    while (isWeekend(substitute) || taken.includes(substitute)) substitute += DAY_MS;
    taken.push(substitute);
  }
  return taken;
}

function isWeekend(dateMs: number): boolean {
  const weekday = new Date(dateMs).getUTCDay();
  return weekday === 0 || weekday === 6;
}

function mondayFrom(dateMs: number): number {
  return dateMs + ((MONDAY + 7 - new Date(dateMs).getUTCDay()) % 7) * DAY_MS;
}

/** Gregorian Easter Sunday, the anonymous (Meeus/Jones/Butcher) algorithm. */
function easterSunday(year: number): number {
  const golden = year % 19;
  const century = Math.floor(year / 100);
  const ofCentury = year % 100;
  const corrected = century - Math.floor((century + 8) / 25) + 1;
  const epact = (19 * golden + century - Math.floor(century / 4) - Math.floor(corrected / 3) + 15) % 30;
  const weekday = (32 + 2 * (century % 4) + 2 * Math.floor(ofCentury / 4) - epact - (ofCentury % 4)) % 7;
  const late = Math.floor((golden + 11 * epact + 22 * weekday) / 451);
  const days = epact + weekday - 7 * late + 114;
  return Date.UTC(year, Math.floor(days / 31) - 1, (days % 31) + 1);
}

function iso(dateMs: number): string {
  return new Date(dateMs).toISOString().slice(0, 10);
}
