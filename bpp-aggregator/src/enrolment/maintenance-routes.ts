import type { Router } from 'express';
import type { Rooms } from '../context.ts';
import { LIMITS } from '../limits.ts';
import type { Guard } from './guard.ts';
import { answering, body, deciderOf, derOf, parsed, withReason } from './http.ts';
import { inMaintenance, restore } from './maintenance.ts';

export function maintenanceRoutes(router: Router, rooms: Rooms, guard: Guard): void {
  router.get(
    '/maintenance',
    guard.needs('viewer'),
    answering(async () => ({ devices: await inMaintenance(rooms) })),
  );
  router.post(
    '/devices/:derId/restore',
    guard.needs('operator'),
    body(LIMITS.decisionBytes),
    answering(async (request, response) => {
      const der = derOf(rooms, request);
      await restore(rooms, der, deciderOf(response, parsed(withReason, request).reason));
      return { derId: der.derId, maintenanceSince: null };
    }),
  );
}
