type Pairs = readonly (readonly [task: string, paraphrase: string])[];

/** Tasks of a programmer, each said again with some of the same words. */
export const SAME_WORDS: Pairs = [
  ['Sort the search results by date', 'search results should come sorted, newest date first'],
  ['Cache the responses of the weather API', 'keep weather API responses in a cache'],
  ['Write unit tests for the date parser', 'the parser for dates lacks tests'],
  ['Fix the broken links in the README', 'README links are broken'],
  ['Migrate the user table to PostgreSQL', 'user data migration into Postgres'],
  ['Add dark mode to the settings page', 'settings page: support a dark theme'],
  ['Log every failed payment', 'failed payments must appear in the log'],
  ['Compress uploaded images', 'image uploads need compression'],
  ['Limit the number of requests per client', 'rate limiting of client requests'],
  ['Show a progress bar while files upload', 'progress of a file upload should be shown'],
  ['Make the command line tool print JSON', 'JSON output for the CLI tool'],
  ['Split the monolith into modules', 'modules instead of one monolithic program'],
];

/** Tasks of a programmer, each said again with hardly a word in common: what only meaning brings together. */
export const OTHER_WORDS: Pairs = [
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
