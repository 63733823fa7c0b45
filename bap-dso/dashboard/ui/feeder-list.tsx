/** The feeders, those that need a look first. Of many only what is seen is drawn, and one is found by its name. */
import { useVirtual } from '@flexder/runtime/page/virtual.ts';
import { useRef, useState } from 'preact/hooks';
import type { FeederView } from '../../src/operator-api/deps.ts';
import { FeederRow } from './feeder-row.tsx';

/** From here on a list is long. */
const MANY = 60;
const ROW_PX = 46;

export function FeederList({ feeders, gridMs }: { readonly feeders: readonly FeederView[]; readonly gridMs: number }) {
  if (feeders.length === 0) return <p class="empty">No feeder is configured.</p>;
  if (feeders.length > MANY) return <LongList feeders={feeders} gridMs={gridMs} />;
  return (
    <ul class="feeder-rows">
      {feeders.map((feeder) => (
        <FeederRow key={feeder.feederId} feeder={feeder} gridMs={gridMs} />
      ))}
    </ul>
  );
}

function LongList({ feeders, gridMs }: { readonly feeders: readonly FeederView[]; readonly gridMs: number }) {
  const [wanted, setWanted] = useState('');
  const text = wanted.trim().toLowerCase();
  const found =
    text === '' ? feeders : feeders.filter((one) => `${one.name} ${one.feederId}`.toLowerCase().includes(text));
  const list = useRef<HTMLUListElement>(null);
  const { items, beforePx, afterPx } = useVirtual(found.length, ROW_PX, list);
  return (
    <>
      <p class="search">
        <label>
          Find <input type="search" value={wanted} onInput={(event) => setWanted(event.currentTarget.value)} />
        </label>
        <span class="note number" role="status">
          {found.length.toLocaleString('en-GB')} of {feeders.length.toLocaleString('en-GB')}, those that need a look
          first
        </span>
      </p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard. */}
      <ul ref={list} class="feeder-rows many" tabIndex={0} aria-label="Feeders">
        {beforePx > 0 && <li aria-hidden="true" class="room" style={{ height: `${beforePx}px` }} />}
        {items.map(({ index }) => {
          const feeder = found[index];
          return feeder && <FeederRow key={feeder.feederId} feeder={feeder} gridMs={gridMs} />;
        })}
        {afterPx > 0 && <li aria-hidden="true" class="room" style={{ height: `${afterPx}px` }} />}
      </ul>
    </>
  );
}
