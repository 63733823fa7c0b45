/** The settlement configuration as an operator writes it: every member may be left out, none is taken on trust. */

import { BL01_LIKE } from '@flexder/protocol/settlement/baseline.ts';
import { z } from 'zod';
import { CURVES, RUN_TYPES } from './config.ts';

const date = z.iso.date();
const share = z.number().min(0).max(1);
const money = z.string().regex(/^\d{1,9}(\.\d{1,2})?$/, 'is no amount such as "98.53"');
const gspGroup = z.string().regex(/^_[A-P]$/, 'is no GSP group such as "_J"');

const points = z
  .array(z.tuple([share, share]))
  .min(2)
  .max(32)
  .refine(
    (all) => all.every(([at], index) => index === 0 || at > (all[index - 1]?.[0] ?? 0)),
    'must have rising shares',
  );
const ownCurve = z.strictObject({ id: z.string().min(1).max(64), points });
/** The name of a preset, or points of one's own. */
const curve = z.union([z.enum(['linear', 'strict']).transform((name) => CURVES[name]), ownCurve]);

const scrpPrice = z
  .strictObject({ gbpPerMwh: money, validFrom: date, validUntil: date.optional() })
  .refine(({ validFrom, validUntil }) => validUntil === undefined || validFrom <= validUntil, 'ends before it begins');
const scrpTable = z
  .array(scrpPrice)
  .max(1_000)
  .refine(
    (all) => new Set(all.map(({ validFrom }) => validFrom)).size === all.length,
    'has two prices from the same date on',
  );

/** A single price was all that earlier releases took. */
const scrp = z.union([scrpTable, scrpPrice.transform((price) => [price])]);

const baseline = z
  .strictObject({
    method: z.string().min(1).max(64),
    lookBackDays: z.number().int().min(1).max(366),
    workingDays: z.number().int().min(1).max(60),
    nonWorkingDays: z.number().int().min(1).max(60),
    adjustmentPeriods: z.number().int().min(0).max(48),
    bankHolidays: z.array(date).max(1_000),
  })
  .partial()
  .transform((given) => ({ ...BL01_LIKE, ...given }));

const parties = z.strictObject({
  leadPartyId: z.string().min(1).max(128),
  bmUnitId: z.string().regex(/^[A-Z0-9][A-Z0-9_-]{0,10}$/, 'is no BM unit id'),
  supplierPartyId: z.string().min(1).max(128).nullable(),
});

export const settlementInput = z
  .strictObject({
    dsoId: z.string().min(1).max(128),
    licenceArea: z.string().min(1).max(16),
    gspGroups: z.record(z.string(), gspGroup),
    defaultGspGroup: gspGroup,
    runType: z.enum(RUN_TYPES),
    product: z.string().min(1).max(64),
    baseline,
    curve,
    scrp,
    compensationMode: z.enum(['none', 'indicative']),
    leadPartyRole: z.string().min(1).max(64),
    parties: z.record(z.string(), parties),
  })
  .partial();
export type SettlementInput = z.output<typeof settlementInput>;
