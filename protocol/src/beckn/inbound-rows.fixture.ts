/** Adversarial cases of the pipeline: each is one change to a message that is accepted without it. */
import { bodyRows } from './inbound-rows/body.fixture.ts';
import type { Row } from './inbound-rows/changes.fixture.ts';
import { gatewayRows } from './inbound-rows/gateway.fixture.ts';
import { signatureRows } from './inbound-rows/signature.fixture.ts';

export type { Row };

export const ROWS: readonly Row[] = [...signatureRows, ...gatewayRows, ...bodyRows];
