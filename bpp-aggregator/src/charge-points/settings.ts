/** Where charge points connect, and by which accounts. */
import { X509Certificate } from 'node:crypto';
import { isLoopbackHost } from '@flexder/runtime/http/addresses.ts';
import { z } from 'zod';
import { LIMITS } from '../limits.ts';

/** As the accounts of the device bus are written down; what else stands in them is not read. */
const account = z.object({ username: z.string().min(1), password: z.string().min(1) });

const isCertificate = (pem: string) => {
  try {
    return new X509Certificate(pem) !== undefined;
  } catch {
    return false;
  }
};

export const chargePointSettings = z
  .strictObject({
    host: z.string().min(1).default('127.0.0.1'),
    /** 0 takes a free one. */
    port: z.number({ error: 'must be the port at which charge points connect' }).int().min(0).max(65_535),
    /** PEM. Both make it wss (Security Profile 2), none ws (Security Profile 1). */
    cert: z.string().refine(isCertificate, { error: 'must be a certificate in PEM' }).optional(),
    key: z.string().startsWith('-----BEGIN ', { error: 'must be a private key in PEM' }).optional(),
    /** `der/{aggregator}/{device}` and its password, for devices that were given theirs elsewhere than at enrolment here. */
    accounts: z.array(account).max(LIMITS.maxDers).default([]),
  })
  .refine(({ cert, key }) => (cert === undefined) === (key === undefined), {
    error: 'a certificate needs its private key, and the key its certificate: give both or neither',
    path: ['cert'],
  });

export type ChargePointSettings = z.output<typeof chargePointSettings>;

/** Why passwords and commands would be readable on the way; undefined when they would not. */
export function plaintextProblem({ host, cert }: ChargePointSettings): string | undefined {
  if (cert !== undefined || isLoopbackHost(host)) return undefined;
  return `${host} is not this machine, and without a certificate passwords and commands travel in the clear: give FLEXDER_BPP_OCPP_CERT_FILE and FLEXDER_BPP_OCPP_KEY_FILE, or listen on 127.0.0.1 behind a proxy that ends TLS`;
}
