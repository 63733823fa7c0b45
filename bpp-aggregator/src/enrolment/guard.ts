/** Who asks of the enrolment API, and whether they may. Programs and people send a token; browsers have no session here. */
import { type Person, personOf, type Role, tokenSha256 } from '@flexder/runtime/access/people.ts';
import { bearerOf, createRefusals, type Refusal, roleRefusal } from '@flexder/runtime/access/refusals.ts';
import type { Request, RequestHandler, Response } from 'express';
import type { Rooms } from '../context.ts';

export interface Guard {
  /** Lets those pass who have at least this role. */
  needs(role: Role): RequestHandler;
  /** Whose token a request carries. */
  personOf(request: Request): Person | undefined;
}

const WHO = 'flexderPerson';
const NOBODY: Refusal = {
  ...{ status: 401, code: 'AUT_SIGN_IN' },
  message: 'send Authorization: Bearer and a token; `flexder keys operator` makes one',
};

/** Who was let in. */
export function personIn(response: Response): Person {
  return response.locals[WHO] as Person;
}

export function guardOf(rooms: Rooms): Guard {
  const { config, context } = rooms;
  const people = [...config.operators];
  if (config.operatorToken !== undefined)
    people.push({ name: 'operator-token', role: 'operator', tokenSha256: tokenSha256(config.operatorToken) });
  const refusals = createRefusals(context, (entry) => rooms.transact((work) => work.audit(entry)));
  const askerOf = (request: Request) => personOf(people, bearerOf(request) ?? '');
  return {
    personOf: askerOf,
    needs: (role) => (request, response, next) => {
      const person = askerOf(request);
      const refusal = person ? roleRefusal(person, role) : NOBODY;
      if (refusal) return void refusals.answer(request, response, person, refusal).catch(next);
      response.locals[WHO] = person;
      next();
    },
  };
}
