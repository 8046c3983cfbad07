import fc from 'fast-check';
import {expect, test} from 'vitest';
import {speaksFor} from '../../../src/hub/security/delegation.ts';
import {HUB_ROLES} from '../../../src/model/hub.ts';

const role = fc.constantFrom(...HUB_ROLES);
const name = fc.string({minLength: 1, maxLength: 12, unit: fc.constantFrom('a', 'g', '/', 'x')});

test('everybody speaks for itself', () => {
  fc.assert(fc.property(name, role, (agentId, role) => speaksFor({agentId, role}, agentId)));
});

test('nobody speaks for a name that is not its own with a slash and something behind it', () => {
  fc.assert(
    fc.property(name, name, role, (agentId, other, role) => {
      const isBeneath = other.startsWith(`${agentId}/`) && other !== `${agentId}/`;
      const leads = role === 'coordinator' || role === 'admin';
      expect(speaksFor({agentId, role}, other)).toBe(other === agentId || (leads && isBeneath));
    }),
  );
});

test('a name that is none is nobody, whoever speaks', () => {
  const lead = {agentId: 'godel', role: 'admin'} as const;
  expect(speaksFor(lead, `godel/${'x'.repeat(194)}`)).toBe(true);
  expect(speaksFor(lead, `godel/${'x'.repeat(195)}`)).toBe(false);
  for (const bad of ['godel/\0', 'godel/\n', 'godel/\ud800', 'godel/']) expect(speaksFor(lead, bad)).toBe(false);
});
