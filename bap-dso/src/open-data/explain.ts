/** What a source says is wrong: each has its own words for it, the portal of UK Power Networks two. */
import { z } from 'zod';
import { OpenDataError, type OpenDataErrorKind } from './errors.ts';
import { HOLD_LONGEST_MS, HOLD_UNSAID_MS, TEXT_SHOWN } from './limits.ts';

/** Opendatasoft; its quota error is of another shape than all others. */
const explore = z.object({ error_code: z.string(), message: z.string() });
const quota = z.object({ errorcode: z.number(), error: z.string(), reset_time: z.string() });
/** CKAN: `__type` and, by the kind of error, a message or lists of messages under the name of a parameter. */
const ckan = z.object({ success: z.literal(false), error: z.record(z.string(), z.unknown()) });
/** RFC 9457, as Elexon answers. */
const problem = z.object({ title: z.string(), detail: z.string().optional() });
const carbon = z.object({ error: z.object({ code: z.string().optional(), message: z.string() }) });

function words(body: unknown): string {
  const ods = explore.safeParse(body);
  if (ods.success) return `${ods.data.error_code}: ${ods.data.message}`;
  const limit = quota.safeParse(body);
  if (limit.success) return limit.data.error;
  const package_ = ckan.safeParse(body);
  if (package_.success) return Object.values(package_.data.error).flat().map(String).join(': ');
  const rfc = problem.safeParse(body);
  if (rfc.success) return [rfc.data.title, rfc.data.detail].filter(Boolean).join(': ');
  const intensity = carbon.safeParse(body);
  return intensity.success ? intensity.data.error.message : '';
}

function kindOf(status: number): OpenDataErrorKind {
  if (status === 401 || status === 403) return 'forbidden';
  if (status === 404 || status === 410) return 'not-found';
  if (status === 429) return 'rate-limited';
  return status >= 500 ? 'unavailable' : 'bad-query';
}

/** @param body the parsed JSON of the answer, or undefined */
export function errorOf(
  source: string,
  status: number,
  body: unknown,
  retryAfter: string | undefined,
  nowMs: number,
): OpenDataError {
  const kind = kindOf(status);
  const said = words(body).slice(0, TEXT_SHOWN);
  const because = said === '' ? '' : `: ${said}`;
  if (kind === 'rate-limited') {
    const retryAtMs = resetOf(body, retryAfter, nowMs);
    const until = new Date(retryAtMs).toISOString();
    return new OpenDataError(kind, `${source} takes no more requests until ${until}${because}`, retryAtMs);
  }
  const hint = kind === 'forbidden' ? ' (set the key of this source, or check that it covers the data set)' : '';
  return new OpenDataError(kind, `${source} answered ${status}${because}${hint}`);
}

function resetOf(body: unknown, retryAfter: string | undefined, nowMs: number): number {
  const limit = quota.safeParse(body);
  const at = limit.success ? Date.parse(limit.data.reset_time) : Number.NaN;
  const latestMs = nowMs + HOLD_LONGEST_MS;
  if (Number.isFinite(at)) return Math.min(latestMs, Math.max(at, nowMs));
  const seconds = Number(retryAfter);
  const said = retryAfter && Number.isFinite(seconds) && seconds >= 0;
  return Math.min(latestMs, nowMs + (said ? seconds * 1_000 : HOLD_UNSAID_MS));
}
