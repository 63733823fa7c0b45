/** Single devices: what is on offer, who they are, how they answer, and which are held back. */
import { to } from '@flexder/runtime/page/address.ts';
import { Panel, Problem, Title } from '@flexder/runtime/page/parts.tsx';
import { open, route } from '@flexder/runtime/page/route.ts';
import { useState } from 'preact/hooks';
import type { DerView } from '../../src/operator-api/ders/views.ts';
import { isClosed } from '../state/derive.ts';
import type { Live } from '../state/model.ts';
import { usePages } from '../state/pages.ts';
import { aggregators } from '../state/store.ts';
import { AvailabilityPanel } from '../ui/availability.tsx';
import { CONSENT_NOTE, DerTable, TYPE_NAMES } from '../ui/der-table.tsx';

const STATES: Readonly<Record<string, string>> = {
  excluded: 'excluded',
  serving: 'serving now',
  accepted: 'accepted last',
  rejected: 'rejected last',
  'opted-out': 'opted out last',
  expired: 'answered too late last',
  silent: 'silent last',
  'not-asked': 'not asked yet',
};
const FILTERS = { feeder: 'feeder_id', bpp: 'bpp_id', type: 'type', state: 'state' } as const;
type Filter = keyof typeof FILTERS;

/** What may have changed the list: what is excluded, orders that ended or changed, and answers that came in. */
export const derVersion = ({ restrictions, orders }: Live): string =>
  JSON.stringify([
    restrictions.filter(({ kind }) => kind === 'exclude-der').map(({ subject, bppId }) => [subject, bppId]),
    orders.filter(isClosed).length,
    orders.filter(({ devices }) => devices?.closed).length,
    orders.reduce((sum, { revision }) => sum + revision, 0),
  ]);

export function Ders({ state }: { readonly state: Live }) {
  const { query } = route.value;
  const chosen = Object.fromEntries((Object.keys(FILTERS) as Filter[]).map((name) => [name, query.get(name) ?? '']));
  const wanted = chosen as Record<Filter, string>;
  const set = (name: Filter, value: string) => {
    const given = Object.entries({ ...wanted, [name]: value.trim() }).filter(([, text]) => text !== '');
    open(to('ders', undefined, Object.fromEntries(given)));
  };
  const version = derVersion(state);
  return (
    <>
      <Title>DERs</Title>
      <Filters state={state} wanted={wanted} set={set} />
      <AvailabilityPanel feeder={wanted.feeder} version={version} />
      <Devices wanted={wanted} version={version} />
    </>
  );
}

function Devices({ wanted, version }: { readonly wanted: Record<Filter, string>; readonly version: string }) {
  const asked = (Object.keys(FILTERS) as Filter[]).flatMap((name) =>
    wanted[name] === '' ? [] : [[FILTERS[name], wanted[name]]],
  );
  const address = `/api/v1/ders${asked.length > 0 ? `?${new URLSearchParams(asked)}` : ''}`;
  const pages = usePages<DerView>(address, rowsOf, version);
  const all = asked.length === 0;
  return (
    <Panel id="ders" title="Devices" note={`by id; ids are pseudonymous; ${CONSENT_NOTE}`}>
      {pages.problem && <Problem problem={pages.problem} />}
      {pages.total === undefined && !pages.problem && (
        <p class="empty" role="status">
          Reading…
        </p>
      )}
      {pages.total !== undefined && (
        <>
          <p class="note number" role="status">
            {pages.total.toLocaleString('en-GB')} {all ? 'known' : 'found'}
          </p>
          <DerTable
            pages={pages}
            empty={
              all
                ? 'None is known yet: devices become known by the network model, and by the reports of orders they served.'
                : 'None is like that.'
            }
          />
        </>
      )}
    </Panel>
  );
}

const rowsOf = ({ ders, total }: { readonly ders: readonly DerView[]; readonly total: number }) => ({
  rows: ders,
  total,
});

function Filters(props: {
  readonly state: Live;
  readonly wanted: Record<Filter, string>;
  readonly set: (name: Filter, value: string) => void;
}) {
  const { state, wanted, set } = props;
  const bpps = new Set([...(aggregators.value ?? []).map(({ bppId }) => bppId), ...(wanted.bpp ? [wanted.bpp] : [])]);
  return (
    <search class="search">
      <FeederField value={wanted.feeder} set={(value) => set('feeder', value)} />
      <datalist id="feeder-ids">
        {[...state.feeders.values()].map(({ feederId, name }) => (
          <option key={feederId} value={feederId}>
            {name}
          </option>
        ))}
      </datalist>
      <Choice
        label="Aggregator"
        value={wanted.bpp}
        set={(value) => set('bpp', value)}
        of={[...bpps].map((id) => [id, id])}
      />
      <Choice label="Type" value={wanted.type} set={(value) => set('type', value)} of={Object.entries(TYPE_NAMES)} />
      <Choice label="State" value={wanted.state} set={(value) => set('state', value)} of={Object.entries(STATES)} />
      {Object.values(wanted).some((text) => text !== '') && <a href="#/ders">All DERs</a>}
    </search>
  );
}

/** What is being typed is kept until it is done: the page is drawn anew with whatever is live meanwhile. */
function FeederField({ value, set }: { readonly value: string; readonly set: (value: string) => void }) {
  const [typed, setTyped] = useState<string>();
  return (
    <label>
      Feeder
      <input
        type="search"
        list="feeder-ids"
        maxLength={128}
        value={typed ?? value}
        onInput={(event) => setTyped(event.currentTarget.value)}
        onChange={(event) => set(event.currentTarget.value)}
        onBlur={() => setTyped(undefined)}
      />
    </label>
  );
}

function Choice(props: {
  readonly label: string;
  readonly value: string;
  readonly set: (value: string) => void;
  readonly of: readonly (readonly [string, string])[];
}) {
  const { label, value, set, of } = props;
  return (
    <label>
      {label}
      <select value={value} onChange={(event) => set(event.currentTarget.value)}>
        <option value="">any</option>
        {of.map(([id, name]) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}
