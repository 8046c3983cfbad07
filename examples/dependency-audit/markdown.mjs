/** The report as a page for people: the totals, then what deserves a look, then where the space goes. */
export function toMarkdown({project, node, lock, totals, packages}) {
  return [
    '# Dependency audit',
    '',
    `${totals.packages} packages in \`${project}\`, audited with Node ${node}. The packages are those of \`${lock}\`.`,
    '',
    table(['', 'packages'], summaryOf(totals)),
    '',
    `Together ${totals.files} files, ${megabytes(totals.bytes)} (${megabytes(totals.bytesOnDisk)} on disk).`,
    '',
    ...section(
      'Failed checks',
      packages.filter(one => one.state === 'failed'),
      one => one.note,
    ),
    ...section(
      'Entry point does not parse',
      packages.filter(one => one.entryPoint?.parses === false),
      brokenFiles,
    ),
    ...section(
      'Made for another Node',
      packages.filter(one => one.engines?.satisfied === false),
      one => one.engines.node,
    ),
    ...section(
      'Run scripts when installed',
      packages.filter(one => one.installScripts?.length > 0),
      one => one.installScripts.join(', '),
    ),
    ...section(
      'Deprecated',
      packages.filter(one => typeof one.deprecated === 'string'),
      one => one.deprecated,
    ),
    ...section(
      'No licence given',
      packages.filter(one => one.licence === null),
      () => '',
    ),
    ...section(
      'Other problems',
      packages.filter(one => one.problems?.length > 0),
      one => one.problems.join('; '),
    ),
    ...section(
      'Optional and not on disk',
      packages.filter(one => one.state === 'absent'),
      one => one.note,
    ),
    '## Licences',
    '',
    table(['licence', 'packages'], licencesOf(packages)),
    '',
    '## Largest',
    '',
    table(['package', 'size', 'files'], largestOf(packages)),
    '',
  ].join('\n');
}

function summaryOf(totals) {
  return [
    ['checked', totals.checked],
    ['optional and not on disk', totals.absent],
    ['check failed', totals.failed],
    ['entry point parses', totals.entryPointParses],
    ['entry point does not parse', totals.entryPointBroken],
    ['has no entry point to parse (types, data, native)', totals.entryPointDoesNotApply],
    ['made for another Node', totals.enginesNotSatisfied],
    ['run scripts when installed', totals.withInstallScripts],
    ['deprecated', totals.deprecated],
    ['no licence given', totals.withoutLicence],
  ];
}

function section(title, packages, detail) {
  if (packages.length === 0) return [];
  const rows = packages.map(one => [one.name, one.version ?? '', detail(one), one.path]);
  return [`## ${title}`, '', table(['package', 'version', '', 'path'], rows), ''];
}

function brokenFiles({entryPoint}) {
  return entryPoint.files
    .filter(({parses}) => parses === false)
    .map(({file, error}) => `${file}: ${error}`)
    .join('; ');
}

function licencesOf(packages) {
  const counts = new Map();
  for (const {licence} of packages) if (licence) counts.set(licence, (counts.get(licence) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
}

function largestOf(packages) {
  const bySize = packages.filter(({size}) => size).sort((a, b) => b.size.bytes - a.size.bytes);
  return bySize.slice(0, 10).map(one => [`${one.name} ${one.version}`, megabytes(one.size.bytes), one.size.files]);
}

function table(head, rows) {
  return [head, head.map(() => '---'), ...rows].map(cells => `| ${cells.map(cell).join(' | ')} |`).join('\n');
}

/** What a package says of itself must not break the table. */
const cell = value => String(value).replaceAll('|', '\\|').replaceAll(/\s+/g, ' ');

const megabytes = bytes => `${(bytes / 1e6).toFixed(1)} MB`;
