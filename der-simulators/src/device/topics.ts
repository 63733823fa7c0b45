import { deviceTopic, feederTopic } from '@flexder/runtime/engines/bus/topics.ts';
import type { DerManifest } from '../model.ts';

type Device = Parameters<typeof deviceTopic>;
type Feeder = Parameters<typeof feederTopic>;

// The builders check every id themselves; the casts only meet their brands, whose parsers are not this room's to import.
export function topicOf(der: DerManifest, kind: Device[2]): string {
  return deviceTopic(der.aggregatorId as Device[0], der.derId as Device[1], kind);
}

export function topicOfFeeder(dsoId: string, feederId: string): string {
  return feederTopic(dsoId as Feeder[0], feederId as Feeder[1]);
}
