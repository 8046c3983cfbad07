import {expect, test} from 'vitest';
import {Requests} from '../../src/daemon/requests.ts';

const ending = {ok: false, failure: {reason: 'daemon-unreachable', detail: 'The daemon is ending.'}};

test('whoever asks an ending daemon is told so, whether before or after it has stopped listening to the engine', async () => {
  const requests = new Requests();
  const asked: number[] = [];
  const before = requests.ask(request => asked.push(request));
  requests.close();
  const settled: unknown[] = [];
  const after = requests.ask(
    request => asked.push(request),
    result => settled.push(result),
  );
  expect(await before).toMatchObject(ending);
  expect(await after).toMatchObject(ending);
  expect(settled).toMatchObject([ending]);
  expect(asked).toEqual([1]);
});
