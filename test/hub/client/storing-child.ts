import {EphemeralAgent} from '../../../src/hub/client/ephemeral-agent.ts';

/** Stores episodes in the file it is given, says the id of each once it is kept, and goes on until it is killed. */
const [memoryPath = '', hubEndpoint, token] = process.argv.slice(2);
const hub = hubEndpoint === undefined ? {} : {hubEndpoint, token: token ?? '', agentId: 'child', syncInterval: 20};
const agent = await EphemeralAgent.spawn({tenantId: 't1', memoryPath, ...hub});
for (let number = 0; ; number += 1) {
  const id = await agent.storeEpisode({task: `lesson ${number}`, input: 'x'.repeat(500), reward: 1});
  process.stdout.write(`${id}\n`);
  if (number % 20 === 19) await new Promise(resolve => setTimeout(resolve, 5));
}
