/** Members of rows from outside, as strict as the sources are steady. */
import { z } from 'zod';

/** A figure; a missing one may be null, absent, or text that says so. */
export const figure = z.preprocess(
  (value) => (value === undefined || value === '' ? null : typeof value === 'string' ? Number(value) : value),
  z.number().nullable(),
);
/** A figure that has to be there. */
export const needed = z.preprocess(
  (value) => (typeof value === 'string' && value.trim() !== '' ? Number(value) : value),
  z.number(),
);
export const text = z.string().max(20_000);
export const maybeText = text.nullish().transform((value) => value ?? null);
export const instant = z.string().refine((value) => Number.isFinite(Date.parse(value)), 'expected an instant');
/** Of a settlement day: `2026-11-01` or with a time of midnight behind it. */
export const date = z
  .string()
  .regex(/^\d{4}-\d\d-\d\d(T00:00:00(\.000)?Z?)?$/, 'expected a date YYYY-MM-DD')
  .transform((value) => value.slice(0, 10));
export const period = z.preprocess(
  (value) => (typeof value === 'string' && value !== '' ? Number(value) : value),
  z.number().int().min(1).max(50),
);
