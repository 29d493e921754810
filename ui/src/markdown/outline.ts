/** The window's own heading is the first rank. */
const ABOVE = 1;

/**
 * The ranks of an answer's headings, for those who go through it by them: models skip levels and begin with any of them, a
 * rank follows the one before. Depends only on what comes before, so that it never changes.
 */
export class Outline {
  constructor(readonly open: readonly number[] = []) {}

  /** The outline once a heading of this level has come. */
  after(level: number): Outline {
    return new Outline([...this.open.filter((above) => above < level), level]);
  }

  /** The rank of the heading that came last, 2 to 6. */
  get rank(): number {
    return Math.min(6, this.open.length + ABOVE);
  }
}
