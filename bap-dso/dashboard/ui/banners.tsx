/** What must not be overlooked on whatever screen: old data, a stop, an exclusion, a flood of alarms. */
import { to } from '@flexder/runtime/page/address.ts';
import { duration, time } from '@flexder/runtime/page/format.ts';
import { OfflineBanner } from '@flexder/runtime/page/frame.tsx';
import { FLOOD_MS, floodOf } from '../state/flood.ts';
import type { Live } from '../state/model.ts';
import { link, live, silenceMs, wallMs } from '../state/store.ts';
import { Act } from './act.tsx';

export function Banners() {
  const state = live.value;
  if (!state) return null;
  const ders = state.restrictions.filter(({ kind }) => kind === 'exclude-der').length;
  const flood = floodOf(state.alarms, wallMs.value);
  return (
    <div class="banners" id="banners">
      {link.value === 'offline' && <OfflineBanner silenceMs={silenceMs.value ?? 0} />}
      {stopsFirst(state.restrictions.filter(({ kind }) => kind !== 'exclude-der')).map(
        ({ kind, subject, by, reason, since }) => (
          <div class="banner watch" key={`${kind} ${subject}`}>
            <p>
              <strong>◆ {kind === 'stop' ? 'DISPATCH IS STOPPED' : `${subject} is excluded`}</strong> by {by} since{' '}
              {time(Date.parse(since))}: {reason}
            </p>
            {kind === 'stop' ? (
              <Act kind="resume-dispatch" title="Resume dispatch" members={{}}>
                Resume…
              </Act>
            ) : (
              <Act kind="restore-bpp" title={`Restore ${subject}`} members={{ bpp_id: subject }}>
                Restore…
              </Act>
            )}
          </div>
        ),
      )}
      {ders > 0 && (
        <p class="banner watch" id="excluded-ders">
          <strong>◆ {ders === 1 ? '1 DER is excluded' : `${ders} DERs are excluded`}</strong>{' '}
          <a href={to('ders', undefined, { state: 'excluded' })}>which, by whom and why</a>
        </p>
      )}
      {flood && (
        <p class="banner watch text" id="flood" role="status">
          <strong>◆ FLOOD OF ALARMS:</strong> {flood.count} in {duration(FLOOD_MS)}, {flood.perMinute.toFixed(1)} a
          minute. {flood.groups.map(({ title, where, count }) => `${count} × ${title} (${where})`).join(', ')}
          {flood.others > 0 && `, ${flood.others} others`}. Begin with the first of these; those of one event or
          substation have one cause.
        </p>
      )}
    </div>
  );
}

const stopsFirst = (held: Live['restrictions']) => held.toSorted((a, b) => b.kind.localeCompare(a.kind));
