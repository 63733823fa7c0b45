/** One device: whose it is, how it kept what it was asked for, and whether it is asked at all. */
import { to } from '@flexder/runtime/page/address.ts';
import { dateTime, kw, shortId, time } from '@flexder/runtime/page/format.ts';
import { Facts, Mark, Note, Panel, Reading, Title } from '@flexder/runtime/page/parts.tsx';
import { route } from '@flexder/runtime/page/route.ts';
import { type Column, Table } from '@flexder/runtime/page/table.tsx';
import type { DerView } from '../../src/operator-api/ders/views.ts';
import { canCancel } from '../state/derive.ts';
import type { Live } from '../state/model.ts';
import { useRead } from '../state/read.ts';
import { Act, WhyNot } from '../ui/act.tsx';
import { AnswerMark, ConsentText, ReliabilityText, Standing, typeName } from '../ui/der-table.tsx';
import { derVersion } from './ders.tsx';

type Order = DerView['orders'][number];

const ORDERS: readonly Column<Order>[] = [
  {
    head: 'Order',
    cell: ({ obpId }) => (
      <a href={to('orders', obpId)} title={obpId}>
        {shortId(obpId)}
      </a>
    ),
  },
  {
    head: 'Window begins',
    cell: ({ atMs }) => (
      <span class="number" title={dateTime(atMs)}>
        {time(atMs)}
      </span>
    ),
  },
  { head: 'kW asked', number: true, cell: ({ askedKw }) => kw(askedKw) },
  {
    head: 'Answer',
    cell: ({ left, ...answered }) => (
      <>
        <AnswerMark {...answered} /> {left && <Note>taken out since</Note>}
      </>
    ),
  },
  { head: 'Order is', cell: ({ state }) => <Note>{state?.toLowerCase().replace('_', ' ') ?? 'not kept'}</Note> },
];

export function Der({ state, id }: { readonly state: Live; readonly id: string }) {
  const bpp = route.value.query.get('bpp');
  const asked = new URLSearchParams({ der_id: id, ...(bpp && { bpp_id: bpp }) });
  const read = useRead<{ ders: DerView[] }>(`/api/v1/ders?${asked}`, derVersion(state));
  return (
    <>
      <Title>DER {id}</Title>
      <Reading of={read}>
        {({ ders }) => {
          const der = bpp ? ders[0] : (ders.find(({ bppId }) => bppId === null) ?? ders[0]);
          return der ? <Known der={der} state={state} /> : <Unknown />;
        }}
      </Reading>
    </>
  );
}

/** Asks for the order as it is, without the device. */
const outOf = (derId: string, { orders }: Live): Column<Order> => ({
  head: 'By hand',
  cell: ({ obpId, left }) => {
    const running = orders.find((order) => order.obpId === obpId && canCancel(order));
    if (!running || left) return '';
    const members = { obp_id: obpId, kw: String(running.promisedKw) };
    return (
      <Act kind="change-kw" title={`Take ${derId} out of its order`} members={members}>
        Out of the order…
      </Act>
    );
  },
});

function Unknown() {
  return (
    <div class="waiting">
      <p>No device of that id is known.</p>
      <p>
        <a href="#/ders">All DERs</a>
      </p>
    </div>
  );
}

function Known({ der, state }: { readonly der: DerView; readonly state: Live }) {
  const { derId, bppId, feederId, excluded } = der;
  const members = { der_id: derId, bpp_id: bppId ?? '-' };
  return (
    <>
      <Facts
        of={[
          [
            'Feeder',
            <a key="feeder" href={to('feeders', feederId)}>
              {feederId}
            </a>,
          ],
          ['Aggregator', bppId ?? 'not known'],
          ['Type', typeName(der.deviceType)],
          ['Rated', der.ratedKw === null ? 'not in the network model' : `${kw(der.ratedKw)} kW`],
          ['Reliability', <ReliabilityText key="reliability" der={der} />],
          [
            'Consent',
            <span key="consent">
              <ConsentText der={der} />
              {der.consent.atMs !== null && <Note> at its last order, {dateTime(der.consent.atMs)}</Note>}
            </span>,
          ],
          ['Asked for relief', <Standing key="standing" der={der} />],
        ]}
      />
      <Panel id="by-hand" title="By hand">
        {excluded && (
          <p>
            <Mark level="watch">Excluded</Mark> by {excluded.by} since {dateTime(Date.parse(excluded.since))}:{' '}
            <span class="wrap">{excluded.reason}</span>
          </p>
        )}
        <div class="actions">
          {excluded ? (
            <Act kind="restore-der" title={`Restore ${derId}`} members={members}>
              Restore…
            </Act>
          ) : (
            <Act kind="exclude-der" title={`Exclude ${derId}`} members={members}>
              Exclude…
            </Act>
          )}
          <WhyNot />
        </div>
      </Panel>
      <Panel id="der-orders" title="Last orders" note="kW it was asked to shed, and what it answered; newest first">
        <Table
          label="Last orders"
          columns={excluded ? [...ORDERS, outOf(derId, state)] : ORDERS}
          rows={der.orders}
          keyOf={({ obpId }) => obpId}
          empty="No report has named it yet."
        />
      </Panel>
    </>
  );
}
