import {expect, test} from 'vitest';
import {FramePainter} from '../../src/tui/frame-painter.ts';

function painter() {
  const written: string[] = [];
  return {painter: new FramePainter(text => written.push(text)), written};
}

test('only lines that have changed are written, each at its place', () => {
  const {painter: screen, written} = painter();
  screen.paint('one\ntwo\nthree', 10);
  screen.paint('one\n2\nthree', 10);
  expect(written).toHaveLength(2);
  expect(written[1]).toContain('\u001b[2;1H');
  expect(written[1]).toContain('2');
  expect(written[1]).not.toContain('one');
  expect(written[1]).not.toContain('three');
});

test('the same frame writes nothing, so that a still team is a still screen', () => {
  const {painter: screen, written} = painter();
  screen.paint('one\ntwo', 10);
  screen.paint('one\ntwo', 10);
  expect(written).toHaveLength(1);
});

test('lines that are gone are emptied, and no more lines are written than there are rows', () => {
  const {painter: screen, written} = painter();
  screen.paint('one\ntwo\nthree', 2);
  expect(written[0]).not.toContain('three');
  screen.paint('one', 2);
  expect(written[1]).toContain('\u001b[2;1H\u001b[0m\u001b[K');
});

test('after a resize the whole frame is painted again', () => {
  const {painter: screen, written} = painter();
  screen.paint('one\ntwo', 10);
  screen.forget();
  screen.paint('one\ntwo', 10);
  expect(written[1]).toContain('one');
  expect(written[1]).toContain('\u001b[2J');
});

test('a line is emptied before it is written, since afterwards the cursor may stand on its last character', () => {
  const {painter: screen, written} = painter();
  screen.paint('full', 1);
  expect(written[0]?.indexOf('\u001b[K')).toBeLessThan(written[0]?.indexOf('full') ?? 0);
});
