import type { Context } from '@flexder/runtime/context.ts';
import type { OpenParticipant } from '@flexder/runtime/participant/open.ts';
import type { BapConfig } from '../config.ts';
import type { BapTables } from '../tables.ts';

/** A feeder as the operator sees it now; powers kW, instants grid time. */
export interface FeederView {
  readonly feederId: string;
  readonly name: string;
  readonly limitKw: number;
  readonly releaseKw: number;
  readonly powerKw: number | null;
  readonly at: number | null;
  readonly quality: string;
  readonly forecast: readonly {
    readonly atMs: number;
    readonly powerKw: number;
    readonly lowKw: number;
    readonly highKw: number;
  }[];
  readonly state: string;
}

export interface OperatorApiDeps {
  readonly context: Context;
  readonly participant: OpenParticipant<BapTables>;
  readonly config: BapConfig;
  feeders(): FeederView[];
}
