/**
 * Keeps names apart that other file systems would take for one. Looks at the folder and at the creations under way in
 * this process; another process may still slip in between.
 */
import { lstatSync, readdirSync } from 'node:fs';
import { canvasNotFound, nameClash } from '../errors.js';
import { enterFolder, openRoot, type VaultFolder } from './vault-folder.js';
import { foldName, type VaultPath } from './vault-path.js';

/** A folded path and everything that is claimed under it at the moment. */
interface Claim {
  path: string;
  holders: number;
}

/** Every step of a path from the vault downwards (`a`, `a/b`, `a/b/c.canvas`), as written and folded. */
function stepsOf(path: VaultPath): { step: string; key: string }[] {
  let step = '';
  let key = '';
  return [...path.folders, path.name].map((name) => {
    step += `/${name}`;
    key += `/${foldName(name)}`;
    return { step, key };
  });
}

const lastPart = (step: string) => step.slice(step.lastIndexOf('/') + 1);

/** @param leaving the sibling that is being renamed to this very name */
function checkSiblings(folder: VaultFolder, name: string, leaving?: string): void {
  const siblings = readdirSync(folder.at('.'));
  if (siblings.includes(name)) return;
  const wanted = foldName(name);
  const clash = siblings.find((sibling) => sibling !== leaving && foldName(sibling) === wanted);
  if (clash !== undefined) throw nameClash(clash);
}

/**
 * Claims the names of canvases while they are created.
 * @source product contract, Settled details ("409 on creation")
 */
export class NameClaims {
  readonly #root: string;
  readonly #claims = new Map<string, Claim>();
  /** By the new path of a canvas that is being renamed beside itself: its old name. */
  readonly #leaving = new Map<string, string>();

  constructor(root: string) {
    this.#root = root;
  }

  /**
   * Takes the name for a creation that begins now.
   * @returns what gives it back
   * @throws Problem CANVAS_NAME_CLASH; the system's error
   */
  claim(path: VaultPath): () => void {
    this.check(path);
    const steps = stepsOf(path);
    for (const { step, key } of steps) {
      const claim = this.#claims.get(key) ?? { path: step, holders: 0 };
      claim.holders += 1;
      this.#claims.set(key, claim);
    }
    return () => {
      for (const { key } of steps) {
        const claim = this.#claims.get(key);
        if (claim && --claim.holders === 0) this.#claims.delete(key);
      }
    };
  }

  /**
   * From now on the old name of a canvas is not in the way of its new one, where they differ only in case or form.
   * @returns what ends that
   * @source product contract, Canvases (`POST /canvas/{path}/move`)
   */
  renaming(from: VaultPath, to: VaultPath): () => void {
    const isBeside = from.folders.join('/') === to.folders.join('/') && foldName(from.name) === foldName(to.name);
    if (!isBeside) return () => {};
    this.#leaving.set(to.text, from.name);
    return () => this.#leaving.delete(to.text);
  }

  /**
   * Says whether a canvas may be created under this name.
   * @throws Problem CANVAS_NAME_CLASH, or CANVAS_NOT_FOUND when a link or no folder is in the way; the system's error
   */
  check(path: VaultPath): void {
    for (const { step, key } of stepsOf(path)) {
      const claim = this.#claims.get(key);
      if (claim && claim.path !== step) throw nameClash(lastPart(claim.path));
    }
    let folder = openRoot(this.#root);
    try {
      for (const name of path.folders) {
        checkSiblings(folder, name);
        folder = enterFolder(folder, name);
      }
      checkSiblings(folder, path.name, this.#leaving.get(path.text));
      if (lstatSync(folder.at(path.name), { throwIfNoEntry: false })?.isFile() === false) throw canvasNotFound();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    } finally {
      folder.close();
    }
  }
}
