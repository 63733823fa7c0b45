/** What is the same on every screen, and which screen it is. */

import type { Route } from '@flexder/runtime/page/address.ts';
import { NoScreen, SkipLink, useHeadingFocus, Waiting } from '@flexder/runtime/page/frame.tsx';
import { route } from '@flexder/runtime/page/route.ts';
import { useEffect } from 'preact/hooks';
import { Alarms } from './screens/alarms.tsx';
import { Audit } from './screens/audit.tsx';
import { Controls } from './screens/controls.tsx';
import { Der } from './screens/der.tsx';
import { Ders } from './screens/ders.tsx';
import { EventScreen } from './screens/event.tsx';
import { Events } from './screens/events.tsx';
import { Feeder } from './screens/feeder.tsx';
import { Handover } from './screens/handover.tsx';
import { MapScreen } from './screens/map.tsx';
import { OrderScreen } from './screens/order.tsx';
import { Orders } from './screens/orders.tsx';
import { Overview } from './screens/overview.tsx';
import { Settlement } from './screens/settlement.tsx';
import { SignIn } from './screens/sign-in.tsx';
import type { Live } from './state/model.ts';
import { who } from './state/session.ts';
import { connect, disconnect, link, live } from './state/store.ts';
import { Banners } from './ui/banners.tsx';
import { ConfirmDialog } from './ui/confirm.tsx';
import { Nav } from './ui/nav.tsx';
import { Strip } from './ui/strip.tsx';

export function App() {
  const mayLook = who.value !== undefined && who.value.role !== null;
  useEffect(() => {
    if (mayLook) connect();
    else disconnect();
  }, [mayLook]);
  useHeadingFocus();
  const { screen } = route.value;
  return (
    <>
      <SkipLink />
      <Strip />
      {mayLook && <Nav />}
      {mayLook && <Banners />}
      <main id="main" class={screen === '' && live.value ? 'whole' : undefined}>
        {mayLook && screen !== 'sign-in' ? <Screen /> : <SignIn />}
      </main>
      <ConfirmDialog />
    </>
  );
}

function Screen() {
  if (live.value) return <Named state={live.value} at={route.value} />;
  return (
    <Waiting title={link.value === 'offline' ? 'The DSO does not answer' : 'Reading the state of the network'}>
      <p role="status">
        {link.value === 'offline'
          ? 'Nothing is known of the feeders. This page tries again every two seconds; look whether the service runs.'
          : 'One moment.'}
      </p>
    </Waiting>
  );
}

function Named({ state, at: { screen, id } }: { readonly state: Live; readonly at: Route }) {
  if (screen === '') return <Overview state={state} />;
  if (screen === 'feeders' && id) return <Feeder state={state} id={id} />;
  if (screen === 'events') return id ? <EventScreen key={id} state={state} id={id} /> : <Events state={state} />;
  if (screen === 'orders') return id ? <OrderScreen key={id} state={state} id={id} /> : <Orders state={state} />;
  if (screen === 'map') return <MapScreen state={state} />;
  if (screen === 'ders') return id ? <Der key={id} state={state} id={id} /> : <Ders state={state} />;
  if (screen === 'alarms') return <Alarms state={state} />;
  if (screen === 'handover') return <Handover />;
  if (screen === 'controls') return <Controls state={state} />;
  if (screen === 'audit') return <Audit state={state} />;
  if (screen === 'settlement') return <Settlement />;
  return <NoScreen />;
}
