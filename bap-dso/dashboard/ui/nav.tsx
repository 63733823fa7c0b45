import { ScreenNav } from '@flexder/runtime/page/frame.tsx';
import { isClosed, isWanted } from '../state/derive.ts';
import { live } from '../state/store.ts';
import { ThemeChoice } from './theme.tsx';

export function Nav() {
  const state = live.value;
  const unheard = state?.alarms.filter((alarm) => isWanted(alarm) && alarm.ackedBy === null).length ?? 0;
  const counts: Readonly<Record<string, number>> = {
    events: state?.overloads.filter((event) => event.state !== 'RELEASED').length ?? 0,
    orders: state?.orders.filter((order) => !isClosed(order)).length ?? 0,
    alarms: unheard,
  };
  const screens: readonly (readonly [string, string])[] = [
    ...([
      ['', 'Overview'],
      ['map', 'Map'],
      ['events', 'Events'],
      ['orders', 'Orders'],
      ['ders', 'DERs'],
      ['alarms', 'Alarms'],
    ] as const),
    ...([
      ['handover', 'Handover'],
      ['controls', 'Controls'],
      ['audit', 'Audit'],
      ['settlement', 'Settlement'],
    ] as const),
  ];
  return (
    <ScreenNav screens={screens} counts={counts} warnOf="alarms">
      <ThemeChoice />
    </ScreenNav>
  );
}
