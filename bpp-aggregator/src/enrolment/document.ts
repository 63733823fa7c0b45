/** What is enrolled: programmes, the consumers, and whose devices take part in which programme; read from a file or a request. */
import { isIdentifier } from '@flexder/protocol/beckn/identifiers.ts';
import type { DeviceType } from '@flexder/protocol/flexibility/model.ts';
import { z } from 'zod';
import { LIMITS } from '../limits.ts';

const identifier = z.string().refine(isIdentifier, { error: 'must be letters, digits, dot, underscore, hyphen' });

/** Exact: a binary fraction would pay other pennies than the programme promises. */
const amount = z.string().regex(/^\d{1,3}(\.\d{1,6})?$/, { error: 'must be a decimal text such as "0.25"' });

/** Part of what the DSO pays for the device (0 to 1), or pounds for each kWh of it that the DSO pays for. */
const reward = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('share'),
    share: amount.refine((text) => Number(text) <= 1, { error: 'must be 0 to 1' }),
  }),
  z.strictObject({ kind: z.literal('price'), gbpPerKwh: amount }),
]);

const programme = z.strictObject({
  programmeId: identifier,
  title: z.string().trim().min(1).max(200),
  /** What a consumer agrees to. */
  terms: z.string().trim().min(1).max(LIMITS.maxTermsChars),
  deviceTypes: z
    .array(z.enum(['battery', 'ev-charger', 'heat-pump']))
    .min(1)
    .max(3)
    .refine((types) => new Set(types).size === types.length, { error: 'names a type twice' }),
  reward,
  minimumNoticeSeconds: z.number().int().min(0).max(86_400),
  maxEventsPerDay: z.number().int().min(1).max(48),
});

const consumer = z.strictObject({
  /** A pseudonym: statements and records show it. */
  consumerId: identifier,
  kind: z.enum(['home', 'business']),
  /** Stays in the table of consumers. */
  name: z.string().trim().min(1).max(200).optional(),
});

const subscription = z.strictObject({ derId: identifier, consumerId: identifier, programmeId: identifier });

export const enrolmentDocument = z
  .strictObject({
    programmes: z.array(programme).max(LIMITS.maxProgrammes).default([]),
    consumers: z.array(consumer).max(LIMITS.maxDers).default([]),
    subscriptions: z.array(subscription).max(LIMITS.maxDers).default([]),
  })
  .superRefine((document, context) => {
    const once = (path: string, ids: readonly string[]) => {
      const twice = ids.find((id, index) => ids.indexOf(id) < index);
      if (ids.length !== new Set(ids).size)
        context.addIssue({ code: 'custom', path: [path], message: `${twice} is listed twice` });
    };
    once(
      'programmes',
      document.programmes.map((one) => one.programmeId),
    );
    once(
      'consumers',
      document.consumers.map((one) => one.consumerId),
    );
    once(
      'subscriptions',
      document.subscriptions.map((one) => one.derId),
    );
  });

export type EnrolmentDocument = z.output<typeof enrolmentDocument>;
export type Programme = z.output<typeof programme>;
export type Consumer = z.output<typeof consumer>;
export type Subscription = z.output<typeof subscription>;
export type Reward = z.output<typeof reward>;

export const NOTHING_ENROLLED: EnrolmentDocument = { programmes: [], consumers: [], subscriptions: [] };

/** A programme for everything that takes part without further terms. */
export const STANDARD_PROGRAMME: Programme = {
  programmeId: 'standard',
  title: 'Standard flexibility',
  terms: 'Devices may be turned down when the local network needs it; the household may decline at any time.',
  deviceTypes: ['battery', 'ev-charger', 'heat-pump'] satisfies DeviceType[],
  reward: { kind: 'share', share: '0.8' },
  minimumNoticeSeconds: 0,
  maxEventsPerDay: 48,
};

/** Each of these devices in one programme, every device of a consumer of its own: what a simulated portfolio starts with. */
export function enrolledOnce(
  ders: readonly { readonly derId: string }[],
  offered: Programme = STANDARD_PROGRAMME,
): EnrolmentDocument {
  const consumerId = (derId: string) => `consumer.${derId}`;
  return {
    programmes: [offered],
    consumers: ders.map(({ derId }) => ({ consumerId: consumerId(derId), kind: 'home' })),
    subscriptions: ders.map(({ derId }) => ({
      derId,
      consumerId: consumerId(derId),
      programmeId: offered.programmeId,
    })),
  };
}
