import { isIdentifier } from '@flexder/protocol/beckn/identifiers.ts';
import type { Router } from 'express';
import { z } from 'zod';
import type { Rooms } from '../context.ts';
import { LIMITS } from '../limits.ts';
import { EnrolmentError } from './changes.ts';
import { changeConsent, withdrawConsent } from './consent.ts';
import { type Guard, personIn } from './guard.ts';
import { answering, body, deciderOf, derOf, parsed, reasonText, withReason } from './http.ts';
import { answerQuestion, openQuestions } from './questions.ts';

const instant = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));
const wanted = z.strictObject({
  from: instant,
  until: instant,
  mode: z.enum(['automatic', 'ask']),
  reason: reasonText,
});
const said = z.strictObject({ answer: z.enum(['yes', 'no']) });

/** The consumer's own word; a program that speaks for consumers has a token with the role of an operator. */
export function consentRoutes(router: Router, rooms: Rooms, guard: Guard): void {
  const acting = [guard.needs('operator'), ...body(LIMITS.decisionBytes)];
  router.post(
    '/devices/:derId/consent',
    acting,
    answering(async (request, response) => {
      const { from, until, mode, reason } = parsed(wanted, request);
      const consent = { fromMs: from, untilMs: until, mode };
      const orders = await changeConsent(rooms, derOf(rooms, request), consent, deciderOf(response, reason));
      return { ordersThatLostIt: orders };
    }),
  );
  router.post(
    '/devices/:derId/withdraw',
    acting,
    answering(async (request, response) => {
      const { reason } = parsed(withReason, request);
      return { ordersThatLostIt: await withdrawConsent(rooms, derOf(rooms, request), deciderOf(response, reason)) };
    }),
  );
  router.get(
    '/questions',
    guard.needs('viewer'),
    answering(async () => ({ questions: await openQuestions(rooms) })),
  );
  router.post(
    '/questions/:questionId',
    acting,
    answering(async (request, response) => {
      const { answer } = parsed(said, request);
      const { questionId } = request.params;
      if (!isIdentifier(questionId)) throw new EnrolmentError('UNKNOWN', 'nobody was asked that');
      await answerQuestion(rooms, questionId, answer, { actor: personIn(response).name });
      return { questionId, answer };
    }),
  );
}
