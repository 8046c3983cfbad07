import {afterEach, describe, expect, test} from 'vitest';
import {ok} from '../../../src/base/result.ts';
import type {MailKeeper} from '../../../src/hub/server/mailboxes.ts';
import {episode, type HubRig, startHub} from './hub-rig.ts';

const rigs: HubRig[] = [];
afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig[Symbol.asyncDispose]();
});
async function hub(...options: Parameters<typeof startHub>): Promise<HubRig> {
  const rig = await startHub(...options);
  rigs.push(rig);
  return rig;
}

/** A mail store that does nothing but fail while it is told to. */
class BrokenMail implements MailKeeper {
  fails: 'waiting' | 'settle' | null = null;

  waiting() {
    if (this.fails === 'waiting') throw new Error('the messages cannot be read');
    return [];
  }

  kept(): void {}

  taken(): void {}

  settle() {
    if (this.fails === 'settle') throw new Error('the messages cannot be written');
    return ok(undefined);
  }
}

const mistakes = ({events}: HubRig) =>
  events.flatMap(event => (event.kind === 'unexpected' && event.error instanceof Error ? [event.error.message] : []));

describe('a mistake of the hub', () => {
  test.each(['the rule', 'the mail'])('while somebody joins ends that connection alone (%s)', async what => {
    const mail = new BrokenMail();
    let isBroken = false;
    const recallRule = () => {
      if (isBroken) throw new Error('the rule cannot be read');
      return {quorum: 0, distrusted: []};
    };
    const rig = await hub({mail, recallRule});
    const witness = await rig.join('witness');
    if (what === 'the rule') isBroken = true;
    else mail.fails = 'waiting';
    const client = await rig.open();
    client.hello(rig.desk.issue('a'));
    expect(await client.end()).toEqual({code: 1011, reason: 'internal'});
    expect(mistakes(rig)).toHaveLength(1);
    expect(rig.hub.getStats().agents).toBe(1);

    isBroken = false;
    mail.fails = null;
    await rig.join('a');
    expect((await witness.ask('agents', {type: 'who'})).agents.map(({agentId}) => agentId)).toEqual(['witness', 'a']);
  });

  test('with one token keeps no other from being called back, and nobody from being told what is new', async () => {
    const rig = await hub();
    const {desk} = rig;
    await rig.join('odd');
    const called = await rig.open();
    const token = desk.issue('called');
    called.hello(token);
    await called.next('welcome');
    const other = await rig.join('other');
    const recheck = desk.recheck.bind(desk);
    desk.recheck = identity => {
      if (identity.agentId === 'odd') throw new Error('it cannot be checked');
      return recheck(identity);
    };
    desk.revoke(token);
    rig.store.append('t1', [{kind: 'episode', episode: episode('elsewhere')}]);
    expect(await called.end()).toEqual({code: 1008, reason: 'token-revoked'});
    expect((await other.next('news')).head).toBe(1);
    expect(mistakes(rig)).toContain('it cannot be checked');
    expect(rig.hub.getStats().agents).toBe(2);
  });

  test('at the end of a turn keeps nobody from being answered', async () => {
    const mail = new BrokenMail();
    const rig = await hub({mail});
    const [a, b] = [await rig.join('a'), await rig.join('b')];
    mail.fails = 'settle';
    const told = {id: 'm1', to: null, topic: null, body: 1, correlationId: null} as const;
    await a.ask('ok', {type: 'message', message: {...told, kind: 'message', priority: 'normal'}});
    await b.next('message');
    expect(mistakes(rig)).toContain('the messages cannot be written');
  });
});
