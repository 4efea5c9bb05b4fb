import { createRequire } from 'node:module';

/**
 * Apache Arrow, as the database itself loaded it. An `import` of its values would load the library a second time, in
 * its other form: twice the files at each start, and schemas and tables that the database does not know as its own and
 * takes apart before it uses them. Types are imported as ever.
 * @source Node.js documentation, "Dual CommonJS/ES module packages"; LanceDB documentation, "Tables"
 */
export const arrow = createRequire(import.meta.url)('apache-arrow') as typeof import('apache-arrow');
