/** What an aggregator sees of itself: what it has, what it sold, what it earned, and where it stands with the network. */
import { dateTime, duration } from '@flexder/runtime/page/format.ts';
import {
  LinkState,
  NoScreen,
  OfflineBanner,
  PersonMark,
  ScreenNav,
  SkipLink,
  StripFrame,
  useHeadingFocus,
  Waiting,
} from '@flexder/runtime/page/frame.tsx';
import { route } from '@flexder/runtime/page/route.ts';
import type { Overview as State } from '../src/view/routes.ts';
import { Consent } from './consent.tsx';
import { isOver } from './derive.ts';
import { Earnings } from './earnings.tsx';
import { Maintenance } from './maintenance.tsx';
import { Network } from './network.tsx';
import { OrderScreen, Orders } from './orders.tsx';
import { Overview } from './overview.tsx';
import { FeederScreen, Portfolio } from './portfolio.tsx';
import { ProgrammeScreen, Programmes } from './programmes.tsx';
import { signOut, who } from './session.ts';
import { SignIn } from './sign-in.tsx';
import { gridMs, isOld, overview, problem, read, silenceMs } from './store.ts';

const SCREENS = [
  ['', 'Overview'],
  ['portfolio', 'Portfolio'],
  ['orders', 'Orders'],
  ['consent', 'Consent'],
  ['programmes', 'Programmes'],
  ['maintenance', 'Maintenance'],
  ['earnings', 'Earnings'],
  ['network', 'Network'],
] as const;

export function App() {
  useHeadingFocus();
  const state = overview.value;
  const denied = problem.value?.status === 401 || problem.value?.status === 403;
  return (
    <>
      <SkipLink />
      <Strip state={state} denied={denied} />
      {state && <ScreenNav screens={SCREENS} counts={countsOf(state)} warnOf="maintenance" />}
      {isOld.value && <OfflineBanner silenceMs={silenceMs.value ?? 0} />}
      <main id="main">{state ? <Named state={state} /> : denied ? <SignIn /> : <Unread />}</main>
    </>
  );
}

/** What was shown belongs to who was signed in. */
function leave(): void {
  signOut();
  void read();
}

function countsOf({ waiting, orders }: State): Readonly<Record<string, number>> {
  const { questions: consent, maintenance } = waiting;
  return { consent, maintenance, orders: orders.filter((order) => !isOver(order)).length };
}

function Strip({ state, denied }: { readonly state: State | undefined; readonly denied: boolean }) {
  const link = isOld.value ? 'offline' : state ? 'live' : 'connecting';
  return (
    <StripFrame
      mode={state?.mode}
      signedOut={denied}
      id="aggregator"
      name={state?.aggregator.name ?? 'FlexDER aggregator'}
    >
      {state && (
        <p class="clock number">
          <time>{dateTime(gridMs.value)}</time>
        </p>
      )}
      {!(denied && link === 'connecting') && (
        <LinkState link={link} text={isOld.value ? `OFFLINE: data ${duration(silenceMs.value ?? 0)} old` : link} />
      )}
      <PersonMark {...who.value} mayLook={state !== undefined} signOut={leave} />
    </StripFrame>
  );
}

function Named({ state }: { readonly state: State }) {
  const { screen, id } = route.value;
  if (screen === '') return <Overview state={state} />;
  if (screen === 'portfolio') return id ? <FeederScreen key={id} id={id} /> : <Portfolio state={state} />;
  if (screen === 'orders') return id ? <OrderScreen key={id} state={state} id={id} /> : <Orders state={state} />;
  if (screen === 'consent') return <Consent />;
  if (screen === 'programmes') return id ? <ProgrammeScreen key={id} id={id} /> : <Programmes />;
  if (screen === 'maintenance') return <Maintenance />;
  if (screen === 'sign-in') return <SignIn />;
  if (screen === 'earnings') return <Earnings state={state} />;
  if (screen === 'network') return <Network state={state} />;
  return <NoScreen />;
}

function Unread() {
  const away = problem.value !== undefined;
  return (
    <Waiting title={away ? 'The aggregator does not answer' : 'Reading the state of the aggregator'}>
      <p role="status">
        {away ? 'This page tries again every two seconds; look whether the service runs.' : 'One moment.'}
      </p>
    </Waiting>
  );
}
