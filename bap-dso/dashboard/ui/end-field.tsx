import { duration, time } from '@flexder/runtime/page/format.ts';

const MINUTE_MS = 60_000;
const CHOICES = [-60, -30, -15, 15, 30, 60, 120] as const;

/** When a window is to end instead: by steps, so that nobody reckons with clocks and zones. Grid time. */
export function EndField(props: {
  readonly window: { readonly startMs: number; readonly endMs: number };
  readonly laterMs: number;
  readonly change: (laterMs: number) => void;
}) {
  const { window, laterMs, change } = props;
  const possible = CHOICES.filter((minutes) => window.endMs + minutes * MINUTE_MS > window.startMs);
  return (
    <label>
      It ends, grid time
      <select value={laterMs} onChange={(event) => change(Number(event.currentTarget.value))}>
        {possible.map((minutes) => (
          <option key={minutes} value={minutes * MINUTE_MS}>
            {duration(Math.abs(minutes) * MINUTE_MS)} {minutes < 0 ? 'earlier' : 'later'},{' '}
            {time(window.endMs + minutes * MINUTE_MS)}
          </option>
        ))}
      </select>
    </label>
  );
}
