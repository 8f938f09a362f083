// SPDX-License-Identifier: MIT
// What a check has found: one line per broken rule, with the place, the clause
// and what was expected.

/** Clauses are of draft-pantos-hls-rfc8216bis, unless they name another text. */
export class Report {
  constructor() { this.problems = []; }

  /** A rule that must hold; returns whether it does. */
  check(holds, where, clause, text) {
    if (!holds) this.problems.push({ where, clause, text });
    return Boolean(holds);
  }

  get lines() { return this.problems.map(({ where, clause, text }) => `${where}: ${/^\d/.test(clause) ? `§${clause}` : clause}: ${text}`); }
}
