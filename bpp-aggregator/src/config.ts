/** An aggregator's configuration. What is wrong with it is told in sentences, all of it at once. From variables: config-env.ts. */
import { isIdentifier, type SubscriberId } from '@flexder/protocol/beckn/identifiers.ts';
import type { Contact } from '@flexder/protocol/flexibility/codec-v1.ts';
import type { DeviceType } from '@flexder/protocol/flexibility/model.ts';
import { type Person, ROLES } from '@flexder/runtime/access/people.ts';
import type { ParticipantKeys } from '@flexder/runtime/participant/types.ts';
import { z } from 'zod';
import { type ChargePointSettings, chargePointSettings, plaintextProblem } from './charge-points/settings.ts';
import { type EnrolmentDocument, enrolmentDocument, NOTHING_ENROLLED } from './enrolment/document.ts';
import { LIMITS } from './limits.ts';
import type { PortfolioDer } from './portfolio/der.ts';

export interface AggregatorConfig {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Registered base URL when it is not `http://host:port/beckn`, e.g. behind a proxy that ends TLS. */
  readonly publicUrl?: string;
  readonly subscriberId: SubscriberId;
  readonly name: string;
  readonly providerId: string;
  readonly registryUrl: string;
  readonly domain: string;
  readonly country: string;
  readonly city: string;
  readonly networkProfile: 'strict' | 'sandbox';
  /**
   * Of one program that may see and do what an operator may; without it, and without `operators`, portfolio and orders are
   * served on a loopback host alone, and nothing can be changed.
   */
  readonly operatorToken?: string;
  /** Who may see and do what. */
  readonly operators: readonly Person[];
  readonly busCredentials: { readonly username: string; readonly password: string };
  readonly priceGbpPerKwh: Readonly<Record<DeviceType, number>>;
  readonly responseSeconds: Readonly<Record<DeviceType, number>>;
  readonly minimumNoticeSeconds: number;
  readonly maxDurationSeconds: number;
  readonly maxEventsPerDay: number;
  readonly minimumKw: number;
  readonly stepKw: number;
  /** Wall time a firm quote holds its devices. */
  readonly quoteTtlMs: number;
  /** Grid time a device has to answer; after it the command is dead and the device counts as silent. */
  readonly answerDeadlineS: number;
  /** Share of what is asked that is quoted firmly: below 1 for an aggregator that is careful with firm promises. */
  readonly quoteShare: number;
  readonly releaseSpreadSeconds: number;
  /** A device whose newest reading is older than this is not offered. Grid time. */
  readonly telemetryMaxAgeSeconds: number;
  /** Measured delivery below this share of the commitment is told to the DSO. */
  readonly shortfallShare: number;
  /** How long after the last settlement period of an event its meter readings are waited for. Grid time. */
  readonly meterGraceSeconds: number;
  /** Whom a DSO calls about an order; `support` is refused when absent. */
  readonly support?: Contact;
  readonly portfolio: readonly PortfolioDer[];
  /** How long a consumer who wants to be asked has to answer. Grid time. */
  readonly consentAnswerSeconds: number;
  /** How the DSO pays for performance: `linear` from 50 to 100 %, `strict` from 63 to 95 %. */
  readonly settlementCurve: 'linear' | 'strict';
  /** Programmes, consumers and subscriptions to start with. */
  readonly enrolment: EnrolmentDocument;
  /** Where OCPP charge points connect; without it none does. */
  readonly ocpp?: ChargePointSettings;
  readonly keys?: ParticipantKeys;
}

const identifier = (what: string) =>
  z.string().refine(isIdentifier, { error: `must be a ${what}: letters, digits, dot, underscore, hyphen` });
const msid = z.string().regex(/^\d{13}$/, { error: 'must be an MSID of 13 digits' });
const seconds = (least: number, most: number) => z.number().min(least).max(most);
/** Of each type of device; those not named have the default. */
const perType = (
  value: z.ZodNumber,
  { battery, charger, heatPump }: Record<'battery' | 'charger' | 'heatPump', number>,
) =>
  z
    .object({
      battery: value.default(battery),
      'ev-charger': value.default(charger),
      'heat-pump': value.default(heatPump),
    })
    .prefault({});

const der = z.strictObject({
  derId: identifier('DER id'),
  type: z.enum(['battery', 'ev-charger', 'heat-pump']),
  feederId: identifier('feeder id'),
  ratedKw: z.number().positive().max(10_000),
  importMsid: msid,
  exportMsid: msid.nullable(),
  consent: z
    .strictObject({ fromMs: z.number(), untilMs: z.number(), mode: z.enum(['automatic', 'ask']).optional() })
    .refine((consent) => consent.untilMs > consent.fromMs, { error: 'must end after it begins' }),
  essential: z.boolean(),
});

export const portfolioSchema = z
  .array(der)
  .max(LIMITS.maxDers)
  .superRefine((ders, context) => {
    const seen = new Set<string>();
    ders.forEach((one, index) => {
      if (seen.has(one.derId))
        context.addIssue({ code: 'custom', path: [index, 'derId'], message: `${one.derId} is listed twice` });
      seen.add(one.derId);
    });
  });

const person = z.strictObject({
  name: identifier('name'),
  role: z.enum(ROLES),
  tokenSha256: z.string().regex(/^[0-9a-f]{64}$/, { error: 'must be the SHA-256 of the token, 64 hexadecimal digits' }),
});

const keys = z.strictObject({
  keyId: identifier('key id'),
  signingSeed: z.string().min(1),
  signingPublicKey: z.string().min(1),
  encryptionPrivateKey: z.string().min(1),
  encryptionPublicKey: z.string().min(1),
});

const members = z.strictObject({
  host: z.string().min(1),
  port: z.number().int().min(0).max(65_535),
  publicUrl: z.url({ protocol: /^https?$/ }).optional(),
  subscriberId: identifier('subscriber id'),
  name: z.string().min(1).max(100),
  providerId: identifier('provider id'),
  registryUrl: z.url({ protocol: /^https?$/ }),
  domain: z.string().min(1).default('deg:demand-flexibility'),
  country: z
    .string()
    .regex(/^[A-Z]{3}$/, { error: 'must be an ISO 3166 alpha-3 code such as GBR' })
    .default('GBR'),
  city: z.string().min(1).default('std:020'),
  networkProfile: z.enum(['strict', 'sandbox']).default('strict'),
  operatorToken: z.string().min(16, { error: 'must have at least 16 characters' }).optional(),
  operators: z
    .array(person)
    .max(LIMITS.maxPeople)
    .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, { error: 'names somebody twice' })
    .default([]),
  busCredentials: z.strictObject({ username: z.string().min(1), password: z.string().min(1) }),
  priceGbpPerKwh: perType(z.number().nonnegative().max(100), { battery: 0.42, charger: 0.36, heatPump: 0.48 }),
  responseSeconds: perType(seconds(0, 3_600), { battery: 5, charger: 20, heatPump: 60 }),
  minimumNoticeSeconds: seconds(0, 86_400).default(0),
  maxDurationSeconds: seconds(60, LIMITS.maxWindowMs / 1000).default(14_400),
  maxEventsPerDay: z.number().int().min(1).max(48).default(4),
  minimumKw: z.number().min(0).max(1_000).default(1),
  stepKw: z.number().min(0.001).max(100).default(0.1),
  quoteTtlMs: z.number().int().min(100).max(900_000).default(30_000),
  answerDeadlineS: seconds(1, 900).default(15),
  quoteShare: z.number().min(0).max(1).default(1),
  releaseSpreadSeconds: seconds(0, LIMITS.maxReleaseDelaySeconds).default(300),
  telemetryMaxAgeSeconds: seconds(1, 3_600).default(180),
  shortfallShare: z.number().min(0).max(1).default(0.9),
  meterGraceSeconds: seconds(0, 3_600).default(90),
  settlementCurve: z.enum(['linear', 'strict']).default('linear'),
  consentAnswerSeconds: seconds(10, 86_400).default(600),
  support: z
    .strictObject({
      phone: z
        .string()
        .regex(/^\+?\d{3,20}$/, { error: 'must be a telephone number of digits, + before them if wanted' })
        .optional(),
      email: z.email().max(254).optional(),
      url: z.url({ protocol: /^https?$/ }).optional(),
    })
    .optional(),
  portfolio: portfolioSchema,
  enrolment: enrolmentDocument.default(NOTHING_ENROLLED),
  ocpp: chargePointSettings.optional(),
  keys: keys.optional(),
});

const schema = members.superRefine(({ ocpp, networkProfile }, context) => {
  const message = ocpp && networkProfile === 'strict' ? plaintextProblem(ocpp) : undefined;
  if (message !== undefined) context.addIssue({ code: 'custom', path: ['ocpp', 'host'], message });
});

export type AggregatorSettings = z.input<typeof schema>;

export class ConfigError extends Error {
  override name = 'ConfigError';
}

/** Fills in the defaults; throws a ConfigError that names every member at fault. */
export function parseConfig(settings: unknown, nameOf: (path: string) => string = (path) => path): AggregatorConfig {
  const parsed = schema.safeParse(settings);
  if (parsed.success) return parsed.data as unknown as AggregatorConfig;
  const sentences = parsed.error.issues.map((issue) => {
    const path = issue.path.join('.');
    const unknown = issue.code === 'unrecognized_keys' ? ` (${issue.keys.join(', ')})` : '';
    return `${path === '' ? 'The configuration' : nameOf(path)}: ${issue.message}${unknown}.`;
  });
  throw new ConfigError(`The aggregator cannot start.\n${sentences.join('\n')}`);
}
