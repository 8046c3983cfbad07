import {expect, test} from 'vitest';
import {Interrupts} from '../../src/cli/interrupts.ts';

test('an interrupt goes to whoever listened last, and ends the process when nobody does', () => {
  const heard: string[] = [];
  const interrupts = new Interrupts(signal => heard.push(`end ${signal}`));
  const stopFirst = interrupts.listen(signal => heard.push(`first ${signal}`));
  const stopSecond = interrupts.listen(signal => heard.push(`second ${signal}`));
  interrupts.deliver('SIGINT');
  stopSecond();
  interrupts.deliver('SIGTERM');
  stopFirst();
  stopFirst();
  interrupts.deliver('SIGINT');
  expect(heard).toEqual(['second SIGINT', 'first SIGTERM', 'end SIGINT']);
});
