import {expect, test} from 'vitest';
import {ReportLog} from '../../src/host/report-log.ts';
import {agentId, attemptId} from '../../src/model/ids.ts';
import type {HostMessage, Report} from '../../src/wire/host-protocol.ts';

const report = (attempt: number): Report => ({type: 'attempt-verifying', attempt: attemptId(attempt)});
const turn = () => new Promise(resolve => setImmediate(resolve));

function log() {
  const sent: HostMessage[] = [];
  return {sent, reports: new ReportLog(message => sent.push(message))};
}

test('reports of one turn go out together, once', async () => {
  const {sent, reports} = log();
  reports.connected();
  reports.add(report(1));
  reports.add(report(2));
  await turn();
  reports.add(report(3));
  await turn();
  expect(sent).toEqual([
    {type: 'reports', first: 1, reports: [report(1), report(2)]},
    {type: 'reports', first: 3, reports: [report(3)]},
  ]);
});

test('what has not been acknowledged goes out again on the next connection, in pieces', async () => {
  const {sent, reports} = log();
  reports.add(report(0));
  await turn();
  expect(sent).toEqual([]);
  for (let attempt = 1; attempt < 1200; attempt += 1) reports.add(report(attempt));
  reports.connected();
  reports.acknowledge(100);
  reports.disconnected();
  reports.connected();
  const [, , , ...again] = sent.map(message =>
    message.type === 'reports' ? [message.first, message.reports.length] : [],
  );
  expect(again).toEqual([
    [101, 500],
    [601, 500],
    [1101, 100],
  ]);
});

test('everything is settled when all is acknowledged or nobody is there to do so', async () => {
  const {reports} = log();
  await reports.settled();
  reports.connected();
  reports.add(report(1));
  const settled = reports.settled();
  reports.acknowledge(1);
  await settled;
  expect(reports.pending).toEqual([]);
  reports.add(report(2));
  const lost = reports.settled();
  reports.disconnected();
  await lost;
  expect(reports.pending).toEqual([report(2)]);
});

test('a message of large reports is sent in pieces that a socket accepts', () => {
  const {sent, reports} = log();
  const large = (attempt: number): Report => ({
    type: 'agents-failed',
    agents: [agentId(`a-${attempt}`)],
    detail: 'x'.repeat(900_000),
  });
  for (let attempt = 0; attempt < 5; attempt += 1) reports.add(large(attempt));
  reports.connected();
  expect(sent.map(message => (message.type === 'reports' ? [message.first, message.reports.length] : []))).toEqual([
    [1, 2],
    [3, 2],
    [5, 1],
  ]);
});
