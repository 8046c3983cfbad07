import 'reflect-metadata';
import {webcrypto} from 'node:crypto';
import {connect} from 'node:net';
import * as x509 from '@peculiar/x509';
import {expect, test} from 'vitest';
import {WebSocket} from 'ws';
import {ok} from '../../../src/base/result.ts';
import {until} from '../../rig/until.ts';
import {RawClient, TokenDesk, startHub} from './hub-rig.ts';

const ALGORITHM = {name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256'};
const DAY_MS = 86_400_000;

async function certificates() {
  const authorityKeys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const validity = {notBefore: new Date(Date.now() - DAY_MS), notAfter: new Date(Date.now() + DAY_MS)};
  const authority = await x509.X509CertificateGenerator.createSelfSigned({
    ...validity,
    name: 'CN=authority',
    keys: authorityKeys,
    signingAlgorithm: ALGORITHM,
    extensions: [new x509.BasicConstraintsExtension(true, 1, true)],
  });
  const issue = async (name: string) => {
    const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
    const certificate = await x509.X509CertificateGenerator.create({
      ...validity,
      subject: `CN=${name}`,
      issuer: authority.subject,
      publicKey: keys.publicKey,
      signingKey: authorityKeys.privateKey,
      signingAlgorithm: ALGORITHM,
    });
    const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
    return {
      cert: certificate.toString('pem'),
      key: x509.PemConverter.encode(pkcs8, 'PRIVATE KEY'),
      raw: certificate.rawData,
    };
  };
  return {ca: authority.toString('pem'), hub: await issue('hub'), agent: await issue('agent')};
}

test('over TLS agents are let in, and their certificate is seen by whoever verifies their token', async () => {
  x509.cryptoProvider.set(webcrypto);
  const {ca, hub: own, agent} = await certificates();
  const desk = new TokenDesk();
  const seen: (Uint8Array | null)[] = [];
  const auth = {
    verify: (token: string, certificate: Uint8Array | null) => {
      seen.push(certificate);
      return desk.verify(token);
    },
    recheck: ok,
  };
  const tls = {cert: own.cert, key: own.key, ca, requestCert: true, rejectUnauthorized: false};
  await using rig = await startHub({tls, auth, limits: {waitingPerAddress: 1, helloMs: 2000}});
  for (const given of [{cert: agent.cert, key: agent.key}, {}]) {
    const client = new RawClient(new WebSocket(rig.url, {rejectUnauthorized: false, ...given}));
    await client.opened;
    client.hello(desk.issue(`agent ${seen.length}`));
    await client.next('welcome');
  }
  expect(seen[0]).toEqual(Buffer.from(agent.raw));
  expect(seen[1]).toBeNull();
  const silent = connect(rig.hub.address?.port ?? 0, '127.0.0.1');
  let isCut = false;
  silent.on('close', () => (isCut = true));
  silent.on('error', () => undefined);
  await until('a connection without a handshake is cut', () => isCut);
});
