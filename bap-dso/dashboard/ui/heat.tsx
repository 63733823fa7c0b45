/** When of the day, and on which days, a feeder comes near its limit. A table whose cells are shaded: it says it in figures, too. */
import { kw, percent } from '@flexder/runtime/page/format.ts';
import { Note, Reading } from '@flexder/runtime/page/parts.tsx';
import { useState } from 'preact/hooks';
import type { HeatCell, HeatMap } from '../../src/operator-api/shift/heat.ts';
import { type HeatRow, rowsOf, STEPS, slotText, stepOf, stepped } from '../state/heat.ts';
import { useRead } from '../state/read.ts';

/** Read again this often, grid time: one cell of many changes meanwhile. */
const AGAIN_MS = 15 * 60_000;
const LIMIT = STEPS.length - 1;
const SIGNS: Readonly<Record<number, string>> = { [LIMIT - 1]: '◆', [LIMIT]: '▲' };

export function Heat({ feederId, gridMs }: { readonly feederId: string; readonly gridMs: number }) {
  const [minutes, setMinutes] = useState<'60' | '30'>('60');
  const path = `/api/v1/load/heat?feeder_id=${encodeURIComponent(feederId)}&minutes=${minutes}`;
  const read = useRead<HeatMap>(path, Math.floor(gridMs / AGAIN_MS));
  return (
    <>
      <label class="choice">
        Each cell is
        <select value={minutes} onChange={(event) => setMinutes(event.currentTarget.value === '30' ? '30' : '60')}>
          <option value="60">one hour</option>
          <option value="30">half an hour</option>
        </select>
      </label>
      <Reading of={read}>
        {(heat) =>
          heat.cells.length === 0 ? <p class="empty">No reading of these days is kept.</p> : <Grid heat={heat} />
        }
      </Reading>
    </>
  );
}

function Grid({ heat }: { readonly heat: HeatMap }) {
  const rows = rowsOf(heat);
  const slots = (24 * 60) / heat.minutes;
  const [at, setAt] = useState<readonly [number, number]>();
  const onKey = (event: KeyboardEvent) => {
    const next = stepped(event.key, at ?? [0, -1], rows.length, slots);
    if (!next) return;
    event.preventDefault();
    setAt(next);
  };
  const onPointer = (event: Event) => {
    const { row, slot } = (event.target as HTMLElement).closest('td')?.dataset ?? {};
    if (row !== undefined && slot !== undefined) setAt([Number(row), Number(slot)]);
  };
  const row = at && rows[at[0]];
  return (
    <>
      <p class="heat-says number" role="status">
        {row ? sayOf(row, at[1], heat.minutes) : 'Arrow keys or the pointer: kW and readings of a cell.'}
      </p>
      <section
        class="scroll heat"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: its cells are gone through by keyboard.
        tabIndex={0}
        aria-label="Load by day and time of day, % of the limit. Arrow keys go from cell to cell."
        onKeyDown={onKey}
        onPointerOver={onPointer}
      >
        <table>
          <thead>
            <tr>
              <th scope="col">Day</th>
              {rows[0]!.cells.map((_, slot) => (
                <th key={slot} scope="col">
                  {slotText(slot, heat.minutes).slice(0, heat.minutes === 60 ? 2 : 5)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(({ date, cells }, index) => (
              <tr key={date}>
                <th scope="row">{dayText(date)}</th>
                {cells.map((cell, slot) => (
                  <Cell key={slot} {...{ cell, row: index, slot, here: at?.[0] === index && at[1] === slot }} />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <Key />
    </>
  );
}

interface CellProps {
  readonly cell: HeatCell | undefined;
  readonly row: number;
  readonly slot: number;
  readonly here: boolean;
}

function Cell({ cell, row, slot, here }: CellProps) {
  const step = cell === undefined ? 'gap' : `step-${stepOf(cell)}`;
  const figure = cell && Math.round((100 * cell.meanKw) / cell.limitKw);
  return (
    <td class={`${step}${here ? ' here' : ''}`} data-row={row} data-slot={slot}>
      {figure ?? <span class="hidden">no reading</span>}
      {cell && <span aria-hidden="true">{SIGNS[stepOf(cell)]}</span>}
    </td>
  );
}

function sayOf({ date, cells }: HeatRow, slot: number, minutes: number): string {
  const cell = cells[slot];
  const until = slotText((slot + 1) % cells.length, minutes);
  const when = `${dayText(date)} ${slotText(slot, minutes)}–${until}`;
  if (!cell) return `${when}: nothing was read`;
  const { meanKw, limitKw, readings } = cell;
  return `${when}: mean ${kw(meanKw)} kW, ${percent(meanKw / limitKw)} of ${kw(limitKw)} kW, ${readings} readings`;
}

function Key() {
  return (
    <p class="legend heat-key">
      {STEPS.map((from, step) => (
        <span key={from} class={`step-${step}`}>
          {SIGNS[step]} {percent(from)}
          {step === LIMIT ? ' and more' : '–'}
        </span>
      ))}
      <span class="gap">no reading</span>
      <Note>mean load as % of the limit of the season; kW import positive, London time</Note>
    </p>
  );
}

const DAYS = new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', weekday: 'short', day: '2-digit', month: 'short' });
const dayText = (date: string): string => DAYS.format(Date.parse(date));
