/** Always visible: what this is, the time, the links, how old the data are, and who looks at them. */
import { dateTime, duration, timeOfDay } from '@flexder/runtime/page/format.ts';
import { LinkState, PersonMark, StripFrame } from '@flexder/runtime/page/frame.tsx';
import { checkSession, signOut, who } from '../state/session.ts';
import { aggregators, type Dependency, gridMs, health, link, live, silenceMs, wallMs } from '../state/store.ts';

/** Clocks apart by more than this are shown both: a simulated grid has a time of its own. */
const APART_MS = 2_000;

export function Strip() {
  const state = live.value;
  const signedOut = who.value?.role === null;
  return (
    <StripFrame mode={state?.mode} signedOut={signedOut} id="dso" name={state?.dso.name ?? 'FlexDER'}>
      {state && <Clock />}
      {!(signedOut && link.value === 'connecting') && <Age />}
      <Links />
      <Person />
    </StripFrame>
  );
}

function Clock() {
  const apart = Math.abs(wallMs.value - gridMs.value) > APART_MS;
  return (
    <p class="clock number">
      {apart && <span class="note">Grid time </span>}
      <time>{dateTime(gridMs.value)}</time>
      {apart && <span class="note"> wall {timeOfDay(wallMs.value)}</span>}
    </p>
  );
}

function Age() {
  const silence = silenceMs.value;
  const texts = {
    connecting: 'connecting',
    live: 'live',
    offline: `OFFLINE${silence === null ? '' : `: data ${duration(silence)} old`}`,
  };
  return <LinkState link={link.value} text={texts[link.value]} />;
}

/** Which dependencies of the DSO stand for which link. */
const LINKS: readonly (readonly [string, readonly string[]])[] = [
  ['Registry', ['registry']],
  ['Broker', ['bus', 'events']],
  ['Database', ['database']],
  ['Queues', ['outbox', 'audit', 'archive']],
];

function Links() {
  // What was known of the links before is not known now.
  const known = link.value === 'offline' ? undefined : health.value;
  const away = aggregators.value?.filter((one) => one.away) ?? [];
  const count = known && aggregators.value?.length;
  const all = count === undefined ? undefined : away.length === 0;
  const detail =
    away.length > 0
      ? `no answer from ${away.map(({ bppId }) => bppId).join(', ')}`
      : `${count ?? '?'} subscribed, all answer`;
  return (
    <ul class="links" aria-label="Links of the DSO">
      {LINKS.map(([name, members]) => (
        <Link key={name} name={name} {...stateOf(known, members)} />
      ))}
      <Link name={`BPPs ${count === undefined ? '?' : `${count - away.length}/${count}`}`} ok={all} detail={detail} />
    </ul>
  );
}

function stateOf(known: Readonly<Record<string, Dependency>> | undefined, members: readonly string[]) {
  const found = members.flatMap((member) => known?.[member] ?? []);
  if (found.length === 0) return { ok: undefined, detail: known ? 'not used' : 'not known' };
  return { ok: found.every(({ ok }) => ok), detail: found.map(({ detail }) => detail).join('; ') };
}

function Link({
  name,
  ok,
  detail,
}: {
  readonly name: string;
  readonly ok: boolean | undefined;
  readonly detail: string;
}) {
  const [word, sign] = ok === undefined ? ['not known', '?'] : ok ? ['up', '●'] : ['down', '▲'];
  return (
    <li class={word === 'down' ? 'down' : word === 'up' ? 'up' : 'unknown'} title={detail}>
      <span aria-hidden="true">{sign} </span>
      {name}
      <span class="hidden">
        : {word}, {detail}
      </span>
      {word === 'down' && <strong aria-hidden="true"> down</strong>}
    </li>
  );
}

function Person() {
  const { name, role } = who.value ?? { name: null, role: null };
  return (
    <PersonMark name={name} role={role} mayLook={role !== null} signOut={() => void signOut().catch(checkSession)} />
  );
}
