import {findProject, readInstalled} from './installed.mjs';

/** Prints the installed packages as a JSON array: what `check` fans out over. */
console.log(JSON.stringify(readInstalled(findProject(process.cwd()))));
