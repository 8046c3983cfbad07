import {afterEach, expect, test, vi} from 'vitest';
import {FederationHub} from '../../../src/hub/client/federation-hub.ts';
import {hubUrl} from '../../../src/hub/client/hub-endpoint.ts';

afterEach(() => vi.unstubAllEnvs());

const FAR = [
  'ws://hub.example:8080',
  'ws://10.0.0.7',
  'ws://192.168.1.2:80',
  'ws://[fe80::1]:8080',
  'ws://127.0.0.1.evil.example',
  'ws://localhost.evil.example',
  'ws://evil-localhost',
  'ws://128.0.0.1',
  'ws://0.0.0.0:8080',
  'WS://HUB.EXAMPLE',
];

test('without encryption only this machine is talked to', () => {
  for (const endpoint of [
    'ws://127.0.0.1:8080',
    'ws://127.8.9.1',
    'ws://127.1',
    'ws://localhost:1',
    'ws://[::1]:8080',
  ]) {
    expect(hubUrl(endpoint)).toMatch(/^ws:/);
  }
  for (const endpoint of FAR) {
    expect(() => hubUrl(endpoint)).toThrow(/can read the token.*use wss:\/\//);
    expect(hubUrl(endpoint.replace(/^ws/i, 'wss'))).toMatch(/^wss:/);
    expect(hubUrl(endpoint, {allowPlaintext: true})).toMatch(/^ws:/);
  }
});

test('it is said when the hub is made, and the environment may allow it, unless the program does not', () => {
  const options = {endpoint: 'ws://hub.example', agentId: 'ann', tenantId: 't1', token: 'x'};
  expect(() => new FederationHub(options)).toThrow(expect.objectContaining({code: 'bad-option'}));
  vi.stubEnv('GODEL_HUB_PLAINTEXT', '1');
  expect(hubUrl('ws://hub.example')).toBe('ws://hub.example/v1/hub');
  expect(() => hubUrl('ws://hub.example', {allowPlaintext: false})).toThrow(/wss/);
});
