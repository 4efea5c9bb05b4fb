/**
 * The address of a file that belongs to the program, by its path under `src/`: a page, a prompt, the entry of a thread.
 * The built program lies in a few files directly in `dist/`, whichever folder their text came from, so only a path from
 * the top is good in the sources and in the build alike. Scripts are named as they are built, `x/y.js`.
 * @source Node.js documentation, "import.meta.url"
 */
export const ownFile = (path: string): URL => new URL(path, import.meta.url);
