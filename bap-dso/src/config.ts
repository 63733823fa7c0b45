/** The DSO's configuration, checked whole at the start. What its environment says of it: config-env.ts. */
import { IDENTIFIER_PATTERN } from '@flexder/protocol/beckn/identifiers.ts';
import { ROLES } from '@flexder/runtime/access/people.ts';
import type { ParticipantKeys } from '@flexder/runtime/participant/types.ts';
import { z } from 'zod';
import { type SettlementConfig, settlementConfig } from './audit-settlement/settlement/config.ts';
import { type SettlementInput, settlementInput } from './audit-settlement/settlement/config-input.ts';
import { modesSchema } from './flex-orchestration/decisions/modes.ts';
import { FEEDERS, HISTORY_READINGS, PLAN_SOLVE_MS } from './limits.ts';
import { SEASONS } from './network-model/limits.ts';
import type { NetworkModel } from './network-model/model.ts';
import { OPEN_DATA_OFF, type OpenDataConfig } from './open-data/config.ts';
import type { OidcConfig } from './operator-api/access/oidc/config.ts';
import { PEOPLE } from './operator-api/limits.ts';

export const identifier = z
  .string()
  .regex(new RegExp(IDENTIFIER_PATTERN), 'letters, digits, dot, underscore and hyphen, at most 128');
const positive = z.number().positive();

const rating = z.object({
  season: z.string(),
  /** Days of the London calendar, `MM-DD`, both included. */
  from: z.string(),
  to: z.string(),
  normalKw: positive,
  firmKw: z.number().nullable(),
  limitKw: positive,
});

const person = z.strictObject({
  name: identifier,
  role: z.enum(ROLES),
  tokenSha256: z.string().regex(/^[0-9a-f]{64}$/, 'SHA-256 of the token, 64 hexadecimal digits'),
});

export const feeder = z.object({
  feederId: identifier,
  name: z.string().min(1).max(200),
  limitKw: positive,
  /** Share of the limit below which an overload counts as over and at which plans aim. */
  releaseShare: z.number().gt(0).lte(1).default(0.95),
  /** Export, kW of flow back through it, beyond which generation would have to be curtailed. */
  exportLimitKw: positive.optional(),
  gspGroupId: z.string().min(1).max(4).default('_J'),
  licenceArea: z.string().min(1).max(10).default('SPN'),
  /** By season, from the network model; without one `limitKw` holds all year. */
  ratings: z.array(rating).max(SEASONS).default([]),
  /** What feeds it, together with others: a feeder or a GSP of the network model. */
  substationId: identifier.optional(),
});

export const telemetry = z.enum(['mqtt', 'stream', 'both']).default('mqtt');
export const busCredentials = z.object({ username: z.string().min(1), password: z.string().min(1) });

export const history = z.object({
  feederId: identifier,
  /** Means of the half hour that begins at `atMs` (grid time). */
  readings: z.array(z.object({ atMs: z.number().int(), powerKw: z.number() })).max(HISTORY_READINGS),
});

const schema = z
  .object({
    host: z.string().default('127.0.0.1'),
    port: z.number().int().min(0).max(65_535).default(3000),
    /** Where the network reaches this DSO; default is what it listens at. The participant lives below `/beckn`. */
    publicUrl: z.url().optional(),
    subscriberId: identifier,
    dsoName: z.string().min(1).max(200),
    registryUrl: z.url(),
    domain: z.string().min(1).default('deg:demand-flexibility'),
    city: z.string().min(1).default('std:020'),
    country: z.string().length(3).default('GBR'),
    networkProfile: z.enum(['strict', 'sandbox']).default('strict'),
    /** Where feeders are watched: in this process (`own`), or at the edge, which tells over the event stream. */
    monitoring: z.enum(['own', 'stream']).default('own'),
    /** Where telemetry comes from when they are watched here. */
    telemetry,
    /** A finding of the edge older than this is not acted on (grid time). */
    staleFindingSeconds: z.number().min(10).max(3_600).default(300),
    /** Needed by who listens to the device bus. */
    busCredentials: busCredentials.optional(),
    feeders: z.array(feeder).min(1).max(FEEDERS),
    history: z.array(history).default([]),
    /** What hangs where. Without it a feeder is relieved by what is offered on that feeder, and by nothing else. */
    network: z.custom<NetworkModel>((value) => typeof value === 'object' && value !== null).optional(),
    openData: z
      .custom<OpenDataConfig>((value) => typeof value === 'object' && value !== null)
      .default(() => OPEN_DATA_OFF),
    /** How long offers are waited for after the first catalogue, and at all when there is none (wall time). */
    gatherBoundMs: positive.default(250),
    gatherOverallMs: positive.default(1_000),
    /** How long a BPP may take to answer select, init and confirm, each (wall time). */
    answerTimeoutMs: positive.default(1_000),
    maxPriceGbpPerKwh: positive.default(1),
    /** Where an event was escalated; the usual one when absent. */
    emergencyMaxPriceGbpPerKwh: positive.optional(),
    /** Whether an event whose means are used up while the load is at the limit goes on under emergency terms by itself. */
    emergency: z.enum(['by-hand', 'by-rule']).default('by-hand'),
    /**
     * From the end of a purchase until devices that have not answered count as missing (grid time): more than aggregators
     * wait for their devices. 0 waits for the answers without a bound.
     */
    acknowledgeWithinSeconds: z.number().min(0).max(3_600).default(90),
    /** Whether running orders are reduced and prolonged by rule, or by an operator alone. */
    orderChanges: z.enum(['by-hand', 'by-rule']).default('by-hand'),
    minReliability: z.number().min(0).max(1).default(0.5),
    maxResponseSeconds: positive.default(300),
    forecastHorizonMinutes: z.number().min(15).max(120).default(60),
    /** Relief that is bought ahead starts this long before the forecast crossing. */
    forecastMarginMinutes: z.number().min(0).max(60).default(5),
    /** From a decision to the start of the earliest window: an order has to arrive before its window begins (grid time). */
    activationLeadSeconds: z.number().min(0).max(3_600).default(2),
    /** From the start of the window until the fall at the feeder is judged (grid time). */
    verifyAfterSeconds: positive.default(120),
    /** The most that one BPP is asked for at a time, over all open events, kW. */
    maxBppKw: positive.optional(),
    /** Wall time a solver has for a plan that a short search does not prove cheapest. */
    planSolveMs: positive.max(60_000).default(PLAN_SOLVE_MS),
    /** Who decides, for each feeder and kind of overload; the first that fits. */
    modes: modesSchema,
    maxTopUps: z.number().int().min(0).max(20).default(5),
    maxReplans: z.number().int().min(0).max(20).default(3),
    /** Between the window ends of the orders of one event, so that their loads do not come back at once. */
    releaseStaggerSeconds: z.number().min(0).max(900).default(300),
    defaultWindowMinutes: z.number().min(30).max(150).default(60),
    interventionClass: z.enum(['INCENTIVE', 'EMERGENCY']).default('INCENTIVE'),
    settlement: settlementInput.default({}),
    /** Who may see and do what. */
    operators: z.array(person).max(PEOPLE).default([]),
    /** Where they sign in with an account they have elsewhere. */
    oidc: z.custom<OidcConfig>((value) => typeof value === 'object' && value !== null).optional(),
    /** Whether one must sign in to look; the default is open in the sandbox, and to sign in elsewhere. */
    viewing: z.enum(['open', 'login']).optional(),
    keys: z.custom<ParticipantKeys>((value) => typeof value === 'object' && value !== null).optional(),
  })
  .superRefine((config, check) => {
    const seen = new Set<string>();
    for (const { feederId } of config.feeders) {
      if (seen.has(feederId))
        check.addIssue({ code: 'custom', path: ['feeders'], message: `${feederId} is named twice` });
      seen.add(feederId);
    }
    if (listensToBus(config) && !config.busCredentials)
      check.addIssue({ code: 'custom', path: ['busCredentials'], message: 'is missing' });
    const names = config.operators.map(({ name }) => name);
    if (new Set(names).size < names.length)
      check.addIssue({ code: 'custom', path: ['operators'], message: 'names somebody twice' });
    if (config.viewing === 'open' && config.networkProfile !== 'sandbox')
      check.addIssue({ code: 'custom', path: ['viewing'], message: 'may be open in the sandbox only' });
    if (config.gatherOverallMs < config.gatherBoundMs) {
      check.addIssue({ code: 'custom', path: ['gatherOverallMs'], message: 'is shorter than gatherBoundMs' });
    }
  });

/** Whether feeders are read from the device bus. */
export function listensToBus(config: { readonly monitoring: string; readonly telemetry: string }): boolean {
  return config.monitoring === 'own' && config.telemetry !== 'stream';
}

/** What a caller may leave out has its default. */
export type BapConfigInput = z.input<typeof schema>;
export type FeederConfig = z.output<typeof feeder>;
export type BapConfig = Omit<z.output<typeof schema>, 'settlement' | 'viewing'> & {
  readonly settlement: SettlementConfig;
  readonly viewing: 'open' | 'login';
};

export class ConfigError extends Error {
  override name = 'ConfigError';
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(`the DSO cannot start: ${problems.join('; ')}`);
    this.problems = problems;
  }
}

/** What `make` makes; throws ConfigError with what it finds wrong and with the `problems` that were found before. */
export function unlessProblems<Config>(problems: readonly string[], make: () => Config): Config {
  let found: readonly string[] = [];
  try {
    const config = make();
    if (problems.length === 0) return config;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    found = error.problems;
  }
  throw new ConfigError([...problems, ...found]);
}

/** Fills in the defaults. Throws ConfigError with every problem at once. */
export function bapConfig(input: BapConfigInput): BapConfig {
  const result = schema.safeParse(input);
  if (!result.success) {
    throw new ConfigError(result.error.issues.map((issue) => `${issue.path.join('.') || 'config'} ${issue.message}`));
  }
  const { settlement, viewing, ...config } = result.data;
  return {
    ...config,
    settlement: settlementOf(config, settlement),
    viewing: viewing ?? (config.networkProfile === 'sandbox' ? 'open' : 'login'),
  };
}

function settlementOf(
  config: Pick<BapConfig, 'subscriberId' | 'feeders' | 'network'>,
  given: SettlementInput,
): SettlementConfig {
  const { gspGroups, ...rest } = given;
  const known = Object.entries(rest).filter(([, value]) => value !== undefined);
  return settlementConfig(config.subscriberId, {
    licenceArea: config.feeders[0]!.licenceArea,
    ...Object.fromEntries(known),
    gspGroups: Object.fromEntries([
      ...(config.network?.gsps ?? []),
      ...config.feeders.map(({ feederId, gspGroupId }) => [feederId, gspGroupId] as const),
      ...Object.entries(gspGroups ?? {}),
    ]),
  });
}
