import {expect, test} from 'vitest';
import {PrometheusText} from '../../src/base/prometheus.ts';

test('figures are written with their help and type, and labels are escaped', () => {
  const page = new PrometheusText('x_');
  page.gauge('up', 'It is up.', 1);
  page.counter('odd_total', 'By name.', [
    [{name: 'a "b"\\\nc', kind: 'k'}, 2.5],
    [{}, 0],
  ]);
  page.counter('none_total', 'Nothing yet.', []);
  expect(page.toString()).toBe(`# HELP x_up It is up.
# TYPE x_up gauge
x_up 1
# HELP x_odd_total By name.
# TYPE x_odd_total counter
x_odd_total{name="a \\"b\\"\\\\\\nc",kind="k"} 2.5
x_odd_total 0
# HELP x_none_total Nothing yet.
# TYPE x_none_total counter
`);
});
