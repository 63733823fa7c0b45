import { windowFault } from '../signature.ts';
import { reject, type StepRun } from './types.ts';

/** Created not ahead of the skew and not older than a lifetime, expires not passed, lifetime within the cap. */
export const timeWindow: StepRun = ({ credentials }, { nowMs, limits }) => {
  for (const { by, parsed } of credentials) {
    const fault = windowFault(parsed, { nowS: nowMs / 1000, ...limits });
    if (fault !== undefined) {
      return reject('AUT_SIGNATURE_INVALID', fault.reason, fault.detail, { gateway: by === 'gateway' });
    }
  }
  return undefined;
};
