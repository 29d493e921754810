// What is on the disk, read by another SQLite than the app's.
import { execFileSync } from "node:child_process";
import path from "node:path";

const READ = `
import json, sqlite3, sys
database = sqlite3.connect(sys.argv[1])
database.row_factory = sqlite3.Row
print(json.dumps([dict(row) for row in database.execute(sys.argv[2])]))
`;

/** The rows of a query. */
export const rows = (home, sql) => JSON.parse(execFileSync("python3", ["-c", READ, path.join(home, "data", "taki.sqlite3"), sql], { encoding: "utf8", maxBuffer: 1 << 28 }));

/** What SQLite itself finds wrong with the file; empty if nothing. */
export const faults = (home) => [
  ...rows(home, "PRAGMA integrity_check").map((row) => row.integrity_check).filter((line) => line !== "ok"),
  ...rows(home, "PRAGMA foreign_key_check").map((row) => `foreign key of ${row.table} ${row.rowid}`),
];
