/**
 * Begins one task in each turn of the event loop, in the order given; alone, it begins at once. Tasks that begin
 * together would otherwise hold up everything else for as long as all their first steps take.
 * @param nextTurn runs its work in the next turn of the event loop
 * @source Node.js documentation, "Don't block the event loop"
 */
export function startInTurns(nextTurn: (work: () => void) => void): (begin: () => void) => void {
  const waiting: (() => void)[] = [];
  let isTaken = false;
  const next = () => {
    const begin = waiting.shift();
    isTaken = begin !== undefined;
    if (begin === undefined) return;
    begin();
    nextTurn(next);
  };
  return (begin) => {
    if (isTaken) {
      waiting.push(begin);
      return;
    }
    isTaken = true;
    begin();
    nextTurn(next);
  };
}
