/** Who asks of the enrolment API, and whether they may. Programs and people send a token; browsers have no session here. */
import { mayActAs, type Person, personOf, type Role, tokenSha256 } from '@flexder/runtime/access/people.ts';
import { createTokenBucket } from '@flexder/runtime/participant/token-bucket.ts';
import type { Request, RequestHandler, Response } from 'express';
import type { Rooms } from '../context.ts';
import { LIMITS } from '../limits.ts';

export interface Guard {
  /** Lets those pass who have at least this role. */
  needs(role: Role): RequestHandler;
}

const WHO = 'flexderPerson';

/** Who was let in. */
export function personIn(response: Response): Person {
  return response.locals[WHO] as Person;
}

export function guardOf(rooms: Rooms): Guard {
  const { config, context } = rooms;
  const people = [...config.operators];
  if (config.operatorToken !== undefined)
    people.push({ name: 'operator-token', role: 'operator', tokenSha256: tokenSha256(config.operatorToken) });
  // Strangers must not fill the record: what is beyond is counted.
  const audited = createTokenBucket(LIMITS.auditedRefusals, LIMITS.auditedRefusalsPerSecond, () =>
    context.wall.monotonicMs(),
  );

  async function refuse(request: Request, response: Response, status: 401 | 403, code: string, message: string) {
    context.metrics.count('operator_refused', { code });
    const person = personOf(people, tokenOf(request));
    if (request.method !== 'GET' && !audited.take()) context.metrics.count('operator_refused_unrecorded');
    else if (request.method !== 'GET')
      await rooms.transact((work) =>
        work.audit({
          event_type: 'operator.refused',
          ...(person && { actor_id: person.name, actor_role: 'OPERATOR' as const }),
          code,
          decision: `${status} to ${request.method} ${request.path.slice(0, 120)}`,
        }),
      );
    if (status === 401) response.set('www-authenticate', 'Bearer realm="operators"');
    response.status(status).json({ error: { code, message } });
  }

  return {
    needs: (role) => (request, response, next) => {
      const person = personOf(people, tokenOf(request));
      if (!person) {
        const message = 'send Authorization: Bearer and a token; `flexder keys operator` makes one';
        return void refuse(request, response, 401, 'AUT_SIGN_IN', message).catch(next);
      }
      if (!mayActAs(person.role, role)) {
        const message = `this needs the role ${role}; ${person.name} has ${person.role}`;
        return void refuse(request, response, 403, 'AUT_ROLE', message).catch(next);
      }
      response.locals[WHO] = person;
      next();
    },
  };
}

function tokenOf(request: Request): string {
  const token = /^Bearer ([\w.~+/=-]+)$/.exec(request.get('authorization') ?? '')?.[1] ?? '';
  return token.length <= LIMITS.maxTokenChars ? token : '';
}
