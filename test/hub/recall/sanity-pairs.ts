/** Tasks of a programmer, each with another's words for it: what recall must bring together. */
export const PAIRS: readonly (readonly [task: string, paraphrase: string])[] = [
  ['Fix the flaky login test', 'the sign-in spec fails now and then'],
  ['Speed up the slow SQL query on orders', 'make the database lookup of purchases faster'],
  ['Upgrade React to version 19', 'move the frontend to the newest React release'],
  ['Find the memory leak in the worker', 'the background process keeps using more RAM'],
  ['Write documentation for the REST API', 'describe the HTTP endpoints for users'],
  ['Rename the config option timeout to timeoutMs', 'change a setting name so it says milliseconds'],
  ['Resolve merge conflicts in the payment branch', 'git cannot combine the billing changes'],
  ['Add retry with exponential backoff to the HTTP client', 'requests should be repeated with growing delays'],
  ['Encrypt user passwords with bcrypt', 'hash credentials before they are stored'],
  ['Deploy the service to Kubernetes', 'roll out the app on the cluster'],
  ['Parse CSV files with quoted fields', 'read comma separated data with quotation marks'],
  ['Reduce the size of the Docker image', 'the container is too large, shrink it'],
  ['Validate the email address in the signup form', 'check that the mail entered at registration is correct'],
  ['Port the build script from Make to npm', 'replace the Makefile with package.json scripts'],
  ['Handle time zones in the calendar', 'dates are shown in the wrong local hour'],
  ['Remove unused dependencies', 'delete packages that nothing imports'],
];
