import os from 'node:os';
import path from 'node:path';

/**
 * The same text without folders of this machine and without its name, since what a bench prints gets pasted elsewhere.
 * @param root the project's folder
 * @source house rules, "benchmark tables generated, not typed"
 */
export function withoutPlaces(text: string, root: string): string {
  const places: [string, string][] = [
    [path.resolve(root), '.'],
    [os.tmpdir(), '<tmp>'],
    [os.homedir(), '~'],
    [os.hostname(), '<host>'],
  ];
  return places.reduce((rest, [place, name]) => (place.length > 1 ? rest.replaceAll(place, name) : rest), text);
}
